//! Captured traffic: what was asked, and what came of it.
//!
//! | file | owns |
//! |---|---|
//! | `jsonl` | the interchange format: a request a line, readable and writable by anything |
//!
//! Must not know: how traffic is answered, or what a capture is used for.

mod jsonl;

pub use jsonl::{CapturedRequest, Completeness, JsonlError, Records, Tokens};
