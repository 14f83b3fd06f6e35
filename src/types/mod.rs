//! Words every other module shares: ids, usage, time, secrets, outcomes, stream facts.
//!
//! Owns plain values only. Must not know: I/O, HTTP, pingora, configuration.

mod cache;
mod call;
mod edit;
mod ids;
mod keys;
mod micros;
mod model;
mod money;
mod outcome;
mod per_model;
mod random;
mod replay;
mod rollup;
mod secret;
mod slo;
mod stream;
mod strip;
mod time;
mod usage;
mod varint;

pub use cache::{BypassReason, CacheKey, CacheStatus, CacheTags, CacheTier, Purge};
pub use call::{Dialect, Operation};
pub use edit::{Duty, Edit, Place};
pub use ids::{RequestId, SpanId, TraceFlags, TraceId};
pub use keys::KeyRow;
pub use micros::Micros;
pub use model::ModelSlot;
pub use money::NanoUsd;
pub use outcome::{ErrorType, Outcome};
pub use per_model::PerModel;
pub use random::Random;
pub use replay::{ReplayMark, ReplayWishes};
pub use rollup::{RollupRow, RollupSpan};
pub use secret::Secret;
pub use slo::{EventCounts, SloHistory, SloKey, SlotCounts};
pub use stream::{ChunkKind, ChunkNote, StreamEnd, StreamFacts};
pub use strip::ChunkStrip;
pub use time::Clock;
pub use usage::{Usage, UsageSource};
pub use varint::{put_varint, take_varint};
