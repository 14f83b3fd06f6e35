//! A sample, with what only the generator knows of it.
//!
//! Must not know: how either is measured, or counted.

use crate::replay::{Failure, Phase, Sample};
use crate::types::Micros;
use serde::{Deserialize, Serialize};

/// A sample, and how the generator itself did. A line of `samples.jsonl.zst`, which reads as a
/// [`Sample`] too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was seen.
    #[serde(flatten)]
    pub sample: Sample,
    /// Whether a stream was asked for.
    pub streamed: bool,
    /// How much later than intended it was given to its connection, but for the time that a new
    /// connection took: that is the target's. `None` where it was not sent.
    pub lag: Option<Micros>,
    /// How long there was no connection.
    pub connecting: Option<Micros>,
    /// There was no connection because the generator's machine has run out of files or ports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exhausted: bool,
}

impl Record {
    /// That of a request that was not sent.
    pub fn not_sent(number: u64, phase: Phase, intended: Micros) -> Self {
        let sample = Sample {
            number,
            phase,
            intended,
            sent: None,
            headers: None,
            first_byte: None,
            first_token: None,
            last: None,
            gaps: Vec::new(),
            status: None,
            failure: Some(Failure::NotSent),
            tokens_in: None,
            tokens_out: None,
            tokens_by: None,
            bytes: 0,
            answer: None,
        };
        Self { sample, streamed: false, lag: None, connecting: None, exhausted: false }
    }
}
