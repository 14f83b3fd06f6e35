//! What adds up over the samples of a run, and over its shards.
//!
//! Times are those of answers that came, and of requests that were given up because they took
//! too long, as long as they were waited for: a target does not become faster by not answering.
//! Other failures count as failures alone, and what was cancelled or not sent counts as
//! neither. Must not know: what is read off the sums.

use super::times::Times;
use crate::replay::{CountedBy, Failure, Phase, Sample};
use crate::types::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a good answer is: all of those that are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objectives {
    /// The longest time to the first generated output of a stream, from the intended instant.
    pub ttft: Option<Micros>,
    /// The longest time for each output token after the first.
    pub tpot: Option<Micros>,
    /// The longest time to the last byte, from the intended instant.
    pub latency: Option<Micros>,
}

/// Sums over samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// What a good answer is.
    pub objectives: Objectives,
    /// Samples of the warm-up, of which nothing else counts.
    pub warm_up: u64,
    /// Samples that count.
    pub measured: u64,
    /// Those that were answered with a status, whatever it is.
    pub answered: u64,
    /// Those without a failure.
    pub succeeded: u64,
    /// Those of them that are as the objectives ask.
    pub good: u64,
    /// Samples by what failed, those that were cancelled or not sent too.
    pub failures: BTreeMap<Failure, u64>,
    /// Requests that waited because too many were in flight.
    pub held_back: u64,
    /// Tokens of all prompts that were answered.
    pub tokens_in: u64,
    /// Generated tokens.
    pub tokens_out: u64,
    /// Answers whose tokens are a guess.
    pub guessed: u64,
    /// To the first generated output, from the intended instant.
    pub ttft: Times,
    /// To the first generated output, from the sending.
    pub ttft_from_send: Times,
    /// To the last byte, from the intended instant.
    pub latency: Times,
    /// To the last byte, from the sending.
    pub latency_from_send: Times,
    /// Between chunks of generated output.
    pub inter_chunk: Times,
    /// For each output token after the first.
    pub tpot: Times,
    /// How late the generator was.
    pub lag: Times,
    /// How long a new connection took, for requests that had none.
    pub connecting: Times,
    /// The intended instants of what was sent.
    pub intended: Instants,
    /// When it was given to a connection, had there been one at once.
    pub sent: Instants,
    /// When the last of it ended.
    pub ended: Micros,
}

/// The first, the last and the number of instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instants {
    /// The first.
    pub first: Option<Micros>,
    /// The last.
    pub last: Micros,
    /// How many there are.
    pub count: u64,
}

impl Tally {
    /// Nothing yet.
    pub fn new(objectives: Objectives) -> Self {
        Self { objectives, ..Self::default() }
    }

    /// Adds a sample.
    pub fn record(&mut self, sample: &Sample) {
        if sample.phase == Phase::WarmUp {
            self.warm_up += 1;
            return;
        }
        self.measured += 1;
        self.answered += u64::from(sample.status.is_some());
        if let Some(failure) = sample.failure {
            *self.failures.entry(failure).or_default() += 1;
        }
        if sample.failure != Some(Failure::NotSent) {
            self.lag.record(sample.lag);
            self.intended.record(sample.intended);
            self.sent.record(Micros(sample.intended.0.saturating_add(sample.lag.0)));
        }
        if sample.connecting > Micros(0) {
            self.connecting.record(sample.connecting);
        }
        self.ended = self.ended.max(sample.last.unwrap_or_default());
        match sample.failure {
            None => self.success(sample),
            Some(Failure::Timeout) => self.times(sample),
            Some(_) => {}
        }
    }

    /// Adds all of another part of the same run.
    pub fn add(&mut self, other: &Self) {
        self.warm_up += other.warm_up;
        self.measured += other.measured;
        self.answered += other.answered;
        self.succeeded += other.succeeded;
        self.good += other.good;
        for (failure, count) in &other.failures {
            *self.failures.entry(*failure).or_default() += count;
        }
        self.held_back += other.held_back;
        self.tokens_in += other.tokens_in;
        self.tokens_out += other.tokens_out;
        self.guessed += other.guessed;
        self.ttft.add(&other.ttft);
        self.ttft_from_send.add(&other.ttft_from_send);
        self.latency.add(&other.latency);
        self.latency_from_send.add(&other.latency_from_send);
        self.inter_chunk.add(&other.inter_chunk);
        self.tpot.add(&other.tpot);
        self.lag.add(&other.lag);
        self.connecting.add(&other.connecting);
        self.intended.add(&other.intended);
        self.sent.add(&other.sent);
        self.ended = self.ended.max(other.ended);
    }

    /// What is missing to `planned` samples was not sent.
    pub fn leave_out(&mut self, planned: u64) {
        let missing = planned.saturating_sub(self.warm_up + self.measured);
        if missing > 0 {
            self.measured += missing;
            *self.failures.entry(Failure::NotSent).or_default() += missing;
        }
    }

    /// How many samples failed in this way.
    pub fn failed(&self, failure: Failure) -> u64 {
        self.failures.get(&failure).copied().unwrap_or(0)
    }

    /// Those that an answer was to come of: neither cancelled nor left out.
    pub fn due(&self) -> u64 {
        let none = self.failed(Failure::Cancelled) + self.failed(Failure::NotSent);
        self.measured.saturating_sub(none)
    }

    fn success(&mut self, sample: &Sample) {
        self.succeeded += 1;
        self.times(sample);
        for gap in &sample.gaps {
            self.inter_chunk.record(*gap);
        }
        let tpot = tpot(sample);
        if let Some(tpot) = tpot {
            self.tpot.record(tpot);
        }
        self.tokens_in += sample.tokens_in.unwrap_or(0);
        self.tokens_out += sample.tokens_out.unwrap_or(0);
        self.guessed += u64::from(sample.tokens_by == Some(CountedBy::Guess));
        self.good += u64::from(self.objectives.are_met(sample, tpot));
    }

    fn times(&mut self, sample: &Sample) {
        let Some(last) = sample.last else { return };
        self.latency.record(last.since(sample.intended));
        // One that was given up without a token has had none for at least so long.
        let waited = sample.streamed && sample.failure.is_some();
        let first = sample.first_token.or_else(|| waited.then_some(last));
        if let Some(first) = first {
            self.ttft.record(first.since(sample.intended));
        }
        let Some(sent) = sample.sent else { return };
        self.latency_from_send.record(last.since(sent));
        if let Some(first) = first {
            self.ttft_from_send.record(first.since(sent));
        }
    }
}

impl Objectives {
    /// Whether an answer that came is a good one.
    fn are_met(&self, sample: &Sample, tpot: Option<Micros>) -> bool {
        let within = |limit: Option<Micros>, end: Option<Micros>| {
            limit.is_none_or(|limit| end.is_some_and(|end| end.since(sample.intended) <= limit))
        };
        within(self.latency, sample.last)
            && (!sample.streamed || within(self.ttft, sample.first_token))
            && self.tpot.is_none_or(|limit| tpot.is_none_or(|tpot| tpot <= limit))
    }
}

impl Instants {
    fn record(&mut self, instant: Micros) {
        self.add(&Self { first: Some(instant), last: instant, count: 1 });
    }

    fn add(&mut self, other: &Self) {
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        self.count += other.count;
    }

    /// From the first to the last, in seconds.
    pub fn span(&self) -> f64 {
        self.last.since(self.first.unwrap_or(self.last)).seconds()
    }

    /// Instants a second; `None` where there are too few to tell.
    pub fn rate(&self) -> Option<f64> {
        let span = self.span();
        (self.count > 1 && span > 0.0).then(|| (self.count - 1) as f64 / span)
    }
}

/// Time for each output token after the first.
fn tpot(sample: &Sample) -> Option<Micros> {
    let after_first = sample.tokens_out?.checked_sub(1).filter(|tokens| *tokens > 0)?;
    Some(Micros(sample.last?.since(sample.first_token?).0 / after_first))
}
