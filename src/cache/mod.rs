//! Answers that need not be asked for again.
//!
//! | file | owns |
//! |---|---|
//! | `settings` | what an operator says |
//! | `control`, `policy` | what a caller wants; which requests and answers are fit |
//! | `key` | which requests have the same answer |
//! | `entry` | an answer as it is kept |
//! | `memory`, `shelf`, `worker`, `redis` | the tiers |
//! | `behind`, `purges` | writing to the slower ones; what must not come back |
//! | `flight` | exchanges that several callers listen to |
//! | `tiers`, `upkeep` | the cache as one, for requests and for operators |
//! | `what_if` | what a cache would have done |
//!
//! Must not know: the pipeline, HTTP servers, metrics, or how a tier keeps its files.

mod behind;
mod control;
mod entry;
mod flight;
mod key;
mod memory;
mod policy;
mod purges;
mod redis;
mod settings;
mod shelf;
mod tiers;
mod upkeep;
mod what_if;
mod worker;

pub use behind::{Encoded, WriteBehind, write_to};
pub use control::{Control, Limits, Otherwise, Read, Write};
pub use entry::{Answer, Entry, Frame, Freshness, Life};
pub use flight::{Boarding, FlightEnd, FlightHead, Follower, Heard, Leader};
pub use key::{Asker, Credential, CredentialDigest, KeyParts, RouteIdentity, RouteTarget, Scope};
pub use memory::{Admission, MemoryCounts, MemoryTier, MemoryUsage};
pub use policy::{
    AnsweredBy, BodyFacts, Collapse, EndFacts, Expected, HeadFacts, Lookup, NotStored, Plan,
    eligible, may_lead, may_store,
};
pub use purges::RecentPurges;
pub use redis::{NotAPosition, Position, QueueLimits, RedisTier};
pub use settings::{
    CacheScope, CacheSettings, CacheWhen, Eviction, Pace, RedisSettings, RouteCache, Sampled,
    Topology,
};
pub use shelf::{Shelf, ShelfError, ShelfFound, ShelfPut, ShelfUsage};
pub use tiers::{Cache, Found, Slow};
pub use upkeep::{Completeness, Purged, TierState, TierStatus};
pub use what_if::{
    Answered, Asked, Effort, Grid, Reasons, Refused, Sampling, Scenario, Sum, Tally,
    UNKNOWN_ANSWER, UNKNOWN_CALLER, WhatIf,
};
pub use worker::{ShelfCounts, ShelfHandle, ShelfLimits, ShelfWorker};
