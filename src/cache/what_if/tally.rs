//! What came of a simulated cache.
//!
//! Must not know: how it was simulated, or how it is shown.

use crate::types::NanoUsd;
use std::collections::BTreeMap;
use std::time::Duration;

/// Why something was not done, by the label of the reason, and how often.
pub type Reasons = BTreeMap<&'static str, u64>;

/// The counts of one cache over a whole capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests: the sum of the five below and of all that were bypassed.
    pub requests: u64,
    /// Answered from the cache, and fresh.
    pub hits: u64,
    /// Answered from the cache, past the answer's time.
    pub stale: u64,
    /// Answered by another request's exchange with the upstream.
    pub collapsed: u64,
    /// Answered by the upstream.
    pub misses: u64,
    /// Refused: the caller wanted an answer from the cache or none.
    pub refused: u64,
    /// Not asked of the cache: the labels of [`crate::types::BypassReason`], and
    /// [`UNKNOWN_CALLER`].
    pub bypassed: Reasons,
    /// Exchanges with the upstream for nobody but the cache.
    pub refreshes: u64,
    /// Answers that were kept.
    pub stored: u64,
    /// Those of them whose size is not known: they take hardly any room here.
    pub unsized_answers: u64,
    /// Answers that were not kept: the labels of [`crate::cache::NotStored`], and
    /// [`UNKNOWN_ANSWER`].
    pub not_stored: Reasons,
    /// Answers that were given up for want of room.
    pub evicted: u64,
    /// The most bytes that were held at a time. Of answers whose size is not known it is what
    /// they take at least.
    pub peak_bytes: u64,
    /// The most answers that were held at a time.
    pub peak_entries: u64,
    /// The time an upstream was not busy with what it was not asked, in nanoseconds.
    pub saved_time: Sum,
    /// The tokens, in and out, that no upstream was asked for.
    pub saved_tokens: Sum,
    /// The money that was not spent, in billionths of a dollar.
    pub saved_cost: Sum,
}

/// The capture does not say who asked, where not everybody shares answers.
pub const UNKNOWN_CALLER: &str = "unknown_caller";
/// The capture does not say whether the answer was whole and good.
pub const UNKNOWN_ANSWER: &str = "unknown_answer";

/// A sum of which parts may not be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// What is known of it.
    pub known: u64,
    /// How many parts are in that.
    pub parts: u64,
    /// How many parts are not known.
    pub unknown: u64,
}

/// What an upstream did for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// From the request received to the answer's last byte.
    pub time: Option<Duration>,
    /// In and out.
    pub tokens: Option<u64>,
    /// What it charged.
    pub cost: Option<NanoUsd>,
}

impl Tally {
    /// The share of requests that were answered from the cache; `None` without requests.
    pub fn hit_ratio(&self) -> Option<f64> {
        let hits = self.hits + self.stale;
        (self.requests > 0).then(|| hits as f64 / self.requests as f64)
    }

    pub(super) fn save(&mut self, effort: &Effort) {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.saved_time.add(effort.time.map(nanoseconds));
        self.saved_tokens.add(effort.tokens);
        self.saved_cost.add(effort.cost.map(|cost| cost.0));
    }

    pub(super) fn bypass(&mut self, reason: &'static str) {
        self.requests += 1;
        *self.bypassed.entry(reason).or_default() += 1;
    }

    pub(super) fn not_stored(&mut self, reason: &'static str) {
        *self.not_stored.entry(reason).or_default() += 1;
    }
}

impl Sum {
    /// Whether anything of it is known, or there is nothing to know.
    pub const fn is_known(self) -> bool {
        self.parts > 0 || self.unknown == 0
    }

    fn add(&mut self, part: Option<u64>) {
        match part {
            Some(part) => {
                self.known = self.known.saturating_add(part);
                self.parts += 1;
            }
            None => self.unknown += 1,
        }
    }
}
