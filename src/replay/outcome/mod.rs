//! What came of a run: from samples to figures, and whether these mean anything.
//!
//! | file | owns |
//! |---|---|
//! | `times` | a histogram of durations |
//! | `tally` | what adds up over samples, and over the shards of a run |
//! | `figures` | what is read off a tally |
//! | `judge` | whether the figures count |
//! | `result` | a run as a whole, and runs merged |
//!
//! Percentiles are read off histograms that were added up, never averaged. Must not know: how
//! requests are sent, or where a result is written.

mod figures;
mod judge;
mod merge;
mod result;
mod tally;
#[cfg(test)]
mod tests;
mod times;

pub use figures::{Figures, LagFigures, RateFigures, TokenFigures};
pub use judge::{judge, lag_limit};
pub use merge::{MergeError, merge};
pub use result::{RunHead, RunId, RunResult};
pub use tally::{Objectives, Tally};
pub use times::Times;
