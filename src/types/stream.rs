//! What was seen of a streamed answer.
//!
//! Must not know: which dialect it was in.

use std::time::Duration;

/// How the upstream's answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamEnd {
    /// Not ended yet, or cut.
    #[default]
    Open,
    /// The dialect's terminator was seen; for a plain body, all of its bytes.
    Terminated,
    /// An error event took the terminator's place.
    ErrorEvent,
}

/// Counts and gaps of one streamed answer.
#[derive(Clone, Debug, Default)]
pub struct StreamFacts {
    /// Chunks as they arrived from the upstream.
    pub chunks: u64,
    /// Complete events seen in them.
    pub events: u64,
    /// The longest silence between two chunks.
    pub largest_gap: Duration,
    /// How it ended.
    pub end: StreamEnd,
}

/// A chunk of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkNote {
    /// Since the chunk before, or since the request was received for the first one; whole
    /// microseconds.
    pub after: Duration,
    /// Bytes.
    pub length: u32,
    /// What it held.
    pub kind: ChunkKind,
}

/// What a chunk held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkKind {
    /// Generated output: text, reasoning, part of a tool call.
    Generated,
    /// Anything else: roles, usage, the end, a part of a document.
    Other,
}
