//! What happened to a model in some span of time, in sums: two of them add up to what happened
//! in both.
//!
//! Must not know: which span it is, or where sums are kept.

use super::buckets::{Histogram, Quantity};
use crate::history::recent::cache_said;
use crate::observe::{Origin, RequestRecord};
use crate::types::{CacheStatus, ErrorType, NanoUsd, Outcome, UsageSource};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sums. Those of requests are of callers' alone; tokens, money and attempts are also the
/// cache's own, which renews answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Requests, by [`Outcome::index`].
    pub(super) outcomes: [u64; Outcome::ALL.len()],
    /// Requests that failed, by [`ErrorType::index`].
    pub(super) errors: BTreeMap<usize, u64>,
    /// Requests, by what the cache said: positions in [`CacheStatus::LABELS`].
    pub(super) caches: [u64; CacheStatus::LABELS.len()],
    /// Times of what a model answered, and not the cache: by quantity.
    pub(super) times: [Histogram; 3],
    /// Prompt and generated tokens that upstreams dealt with.
    pub(super) tokens: [u64; 2],
    pub(super) cost: u64,
    /// Tokens that the cache spared, prompt and generated together.
    pub(super) saved_tokens: u64,
    pub(super) saved_cost: u64,
    /// Attempts, by the upstream's name.
    pub(super) upstreams: BTreeMap<Arc<str>, UpstreamTally>,
}

/// Attempts at an upstream. One whose caller left before an answer is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTally {
    /// Those that went well.
    pub ok: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            outcomes: Default::default(),
            errors: BTreeMap::new(),
            caches: Default::default(),
            times: Quantity::ALL.map(Histogram::new),
            tokens: [0; 2],
            cost: 0,
            saved_tokens: 0,
            saved_cost: 0,
            upstreams: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Counts a finished request of a proxy with these upstreams.
    pub(super) fn count(&mut self, record: &RequestRecord, upstreams: &[Arc<str>]) {
        self.count_spent(record, upstreams);
        if record.origin != Origin::Client {
            return;
        }
        self.outcomes[record.verdict.outcome.index()] += 1;
        if let Some(error) = record.verdict.error {
            *self.errors.entry(error.index()).or_default() += 1;
        }
        self.caches[cache_said(record.cache.as_ref().map(|cache| cache.status))] += 1;
        if !record.answered_by_cache() {
            self.count_times(record);
        }
    }

    fn count_spent(&mut self, record: &RequestRecord, upstreams: &[Arc<str>]) {
        if let Some(usage) = record.usage {
            if usage.source == UsageSource::Cache {
                let both = usage.input.saturating_add(usage.output);
                self.saved_tokens = self.saved_tokens.saturating_add(both);
            } else {
                add_all(&mut self.tokens, &[usage.input, usage.output]);
            }
        }
        self.cost = self.cost.saturating_add(record.cost.map_or(0, |cost| cost.0));
        let saved = record.cache.as_ref().and_then(|cache| cache.saved?.cost);
        self.saved_cost = self.saved_cost.saturating_add(saved.map_or(0, |cost| cost.0));
        for attempt in &record.attempts {
            let Some(upstream) = upstreams.get(attempt.upstream) else { continue };
            let more = UpstreamTally {
                ok: u64::from(attempt.error.is_none() && attempt.status.is_some()),
                failed: u64::from(attempt.error.is_some()),
            };
            self.add_attempts(upstream, more);
        }
    }

    fn count_times(&mut self, record: &RequestRecord) {
        let streamed = record.call.streamed;
        let times = [
            Some(record.timeline.duration()),
            record.time_to_first_token().filter(|_| streamed),
            record.time_per_output_token().filter(|_| streamed),
        ];
        for (histogram, time) in self.times.iter_mut().zip(times) {
            if let Some(time) = time {
                histogram.record(time);
            }
        }
    }

    pub(super) fn add_attempts(&mut self, upstream: &Arc<str>, more: UpstreamTally) {
        if let Some(known) = self.upstreams.get_mut(upstream) {
            known.ok = known.ok.saturating_add(more.ok);
            known.failed = known.failed.saturating_add(more.failed);
        } else {
            self.upstreams.insert(Arc::clone(upstream), more);
        }
    }

    /// Adds what happened in another span.
    pub fn add(&mut self, other: &Self) {
        add_all(&mut self.outcomes, &other.outcomes);
        add_all(&mut self.caches, &other.caches);
        add_all(&mut self.tokens, &other.tokens);
        for (error, count) in &other.errors {
            let mine = self.errors.entry(*error).or_default();
            *mine = mine.saturating_add(*count);
        }
        for (mine, more) in self.times.iter_mut().zip(&other.times) {
            mine.merge(more);
        }
        self.cost = self.cost.saturating_add(other.cost);
        self.saved_tokens = self.saved_tokens.saturating_add(other.saved_tokens);
        self.saved_cost = self.saved_cost.saturating_add(other.saved_cost);
        for (upstream, more) in &other.upstreams {
            self.add_attempts(upstream, *more);
        }
    }

    /// Requests that ended.
    pub fn requests(&self) -> u64 {
        self.outcomes.iter().fold(0, |sum, more| sum.saturating_add(*more))
    }

    /// Requests that ended so.
    pub const fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome.index()]
    }

    /// Share of successes, 0 to 1, among the requests that succeeded or failed by no fault or
    /// wish of the caller; `None` where there was none.
    pub fn success_ratio(&self) -> Option<f64> {
        let nobodys = [Outcome::ClientError, Outcome::ClientCancelled].map(|o| self.outcome(o));
        let judged = nobodys.iter().fold(self.requests(), |left, more| left.saturating_sub(*more));
        ratio(self.outcome(Outcome::Success), judged)
    }

    /// Requests that failed, by error type, the most frequent first.
    pub fn errors(&self) -> Vec<(ErrorType, u64)> {
        let typed = |(at, count): (&usize, &u64)| Some((ErrorType::all().nth(*at)?, *count));
        let mut errors: Vec<_> = self.errors.iter().filter_map(typed).collect();
        errors.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        errors
    }

    /// The times of what a model answered, and not the cache.
    pub const fn times(&self, quantity: Quantity) -> &Histogram {
        &self.times[quantity as usize]
    }

    /// Prompt tokens that upstreams dealt with.
    pub const fn tokens_in(&self) -> u64 {
        self.tokens[0]
    }

    /// Tokens that upstreams generated.
    pub const fn tokens_out(&self) -> u64 {
        self.tokens[1]
    }

    /// What upstreams' tokens cost, where prices are known.
    pub const fn cost(&self) -> NanoUsd {
        NanoUsd(self.cost)
    }

    /// Requests of which the cache said `label`, one of [`CacheStatus::LABELS`].
    pub fn cache(&self, label: &str) -> u64 {
        let position = CacheStatus::LABELS.iter().position(|known| *known == label);
        position.map_or(0, |at| self.caches[at])
    }

    /// Requests that no upstream was asked for.
    pub fn cache_answers(&self) -> u64 {
        let answers = ["hit", "stale", "collapsed"].map(|label| self.cache(label));
        answers.iter().fold(0, |sum, more| sum.saturating_add(*more))
    }

    /// Share of the requests that no upstream was asked for, 0 to 1; `None` without requests.
    pub fn cache_share(&self) -> Option<f64> {
        ratio(self.cache_answers(), self.requests())
    }

    /// As [`Tally::cache_share`], among the requests for which the cache was asked.
    pub fn cache_hit_ratio(&self) -> Option<f64> {
        let answers = self.cache_answers();
        ratio(answers, answers.saturating_add(self.cache("miss")))
    }

    /// Tokens that the cache spared.
    pub const fn saved_tokens(&self) -> u64 {
        self.saved_tokens
    }

    /// What those would have cost.
    pub const fn saved_cost(&self) -> NanoUsd {
        NanoUsd(self.saved_cost)
    }

    /// Attempts by upstream, in the order of their names.
    pub fn upstreams(&self) -> impl Iterator<Item = (&str, UpstreamTally)> {
        self.upstreams.iter().map(|(name, tally)| (&**name, *tally))
    }
}

fn add_all(sums: &mut [u64], more: &[u64]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum = sum.saturating_add(*more);
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
