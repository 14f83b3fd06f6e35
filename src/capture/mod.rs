//! Captured traffic: what was asked, and what came of it.
//!
//! | file | owns |
//! |---|---|
//! | `settings` | what an operator says |
//! | `exchange`, `shape` | a request and what came back, with its content or without |
//! | `jsonl` | the interchange format: a request a line, readable and writable by anything |
//!
//! Must not know: how traffic is answered, or what a capture is used for.

mod exchange;
mod jsonl;
mod settings;
mod shape;

pub use crate::types::{ChunkKind, ChunkNote};
pub use exchange::{
    AnswerNote, AttemptNote, CallNote, CallerNote, Content, Exchange, Message, Session, Times,
};
pub use jsonl::{CapturedRequest, Completeness, JsonlError, Records, Tokens};
pub use settings::{
    CaptureMode, CaptureSettings, KnownPattern, MasterKey, RedactionRule, RedactionSettings,
    RedactionTarget, Retention, Roll, RouteCapture, Sampling,
};
pub use shape::{BLOCK, MessageShape, Shape};
