//! The mark of a request that is sent again.
//!
//! Must not know: how it is written, or what is done about it.

/// Says that a request was recorded once and is sent again, by a load test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayMark {
    /// The run it belongs to: a stranger's text, cut and cleaned.
    pub run: Box<str>,
    /// What it takes part in all the same.
    pub wishes: ReplayWishes,
}

/// What a replayed request takes part in like any other; nothing, unless it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayWishes {
    /// Objectives judge it.
    pub slos: bool,
    /// The response cache may answer it, and keep its answer.
    pub cache: bool,
    /// It may be captured.
    pub capture: bool,
    /// It may go where people depend on the upstream.
    pub production: bool,
}
