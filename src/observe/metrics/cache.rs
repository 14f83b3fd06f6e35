//! The cache view: its tiers, the requests it did not answer, the answers it did not keep.
//!
//! Must not know: how a tier works, or why a request went past the cache.

mod totals;

pub use totals::{CacheTotals, TierCounts};

use super::buckets::nanoseconds;
use super::exact::ExactCounter;
use super::families::Families;
use super::histogram::{Histogram, HistogramFamily};
use super::names::Metric;
use crate::observe::{CacheFacts, NOT_STORED, Origin, RequestRecord, Saved, Stored};
use crate::types::{BypassReason, CacheStatus, CacheTier, Outcome};
use prometheus::{IntCounter, IntGauge};
use std::array;
use std::sync::{Arc, OnceLock};

/// The series of the cache as a whole, born at 0. What requests say about it is counted from
/// their records; the rest is written by who runs the tiers.
pub struct CacheSeries {
    tiers: [TierSeries; CacheTier::ALL.len()],
    bypasses: [IntCounter; BypassReason::ALL.len()],
    not_stored: [IntCounter; NOT_STORED.len()],
    refreshed: IntCounter,
    refresh_failed: IntCounter,
    refresh_skipped: IntCounter,
}

struct TierSeries {
    answers: [IntCounter; TierAnswer::ALL.len()],
    entries: IntGauge,
    bytes: IntGauge,
    evicted: IntCounter,
    dropped: IntCounter,
    broken: IntCounter,
}

/// What a look-up in a tier found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierAnswer {
    /// A fresh answer.
    Hit,
    /// One past its time.
    Stale,
    /// None, in time.
    Miss,
}

/// What became of a tier since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TierTotals {
    /// Answers given up for want of room.
    pub evicted: u64,
    /// Writes that were lost.
    pub dropped: u64,
    /// Times it was moved aside or could not be reached.
    pub broken: u64,
}

/// What a cache means for one model. The series of its answers exist where it has one.
pub(super) struct ModelCacheSeries {
    model: String,
    saved_seconds: Arc<ExactCounter>,
    saved_tokens: IntCounter,
    saved_usd: Arc<ExactCounter>,
    answer_family: HistogramFamily,
    answers: OnceLock<[Arc<Histogram>; ANSWERED.len()]>,
}

/// The statuses whose answers have a time of their own.
const ANSWERED: [&str; 3] = ["hit", "stale", "collapsed"];

impl TierAnswer {
    const ALL: [Self; 3] = [Self::Hit, Self::Stale, Self::Miss];

    const fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
        }
    }
}

impl CacheSeries {
    pub(super) fn new(families: &Families) -> Self {
        let refreshes = |result| families.counter(Metric::CacheRefreshes, &[result]);
        let bypasses = |why: BypassReason| families.counter(Metric::CacheBypasses, &[why.label()]);
        let not_stored = |why| families.counter(Metric::CacheNotStored, &[why]);
        Self {
            tiers: CacheTier::ALL.map(|tier| TierSeries::new(families, tier.label())),
            bypasses: BypassReason::ALL.map(bypasses),
            not_stored: NOT_STORED.map(not_stored),
            refreshed: refreshes("success"),
            refresh_failed: refreshes("failure"),
            refresh_skipped: refreshes("skipped"),
        }
    }

    /// A tier was asked.
    pub fn looked_up(&self, tier: CacheTier, found: TierAnswer) {
        self.tier(tier).answers[found as usize].inc();
    }

    /// What a tier holds now.
    pub fn usage(&self, tier: CacheTier, entries: u64, bytes: u64) {
        let series = self.tier(tier);
        series.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        series.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A tier gave up `answers` for want of room.
    pub fn evicted(&self, tier: CacheTier, answers: u64) {
        self.tier(tier).evicted.inc_by(answers);
    }

    /// A tier lost `writes`: they came faster than it takes them, or it failed them.
    pub fn dropped(&self, tier: CacheTier, writes: u64) {
        self.tier(tier).dropped.inc_by(writes);
    }

    /// A tier was moved aside, or could not be reached.
    pub fn broken(&self, tier: CacheTier) {
        self.tier(tier).broken.inc();
    }

    /// Catches up with a tier that counts for itself, from 0 with the process. By one thread
    /// at a time, and not beside [`CacheSeries::evicted`] and its like for the same tier.
    pub fn catch_up(&self, tier: CacheTier, totals: TierTotals) {
        let series = self.tier(tier);
        for (counter, total) in [
            (&series.evicted, totals.evicted),
            (&series.dropped, totals.dropped),
            (&series.broken, totals.broken),
        ] {
            counter.inc_by(total.saturating_sub(counter.get()));
        }
    }

    /// A refresh was wanted, but too many were under way.
    pub fn refresh_skipped(&self) {
        self.refresh_skipped.inc();
    }

    /// Counts what a finished record says about the cache.
    pub(super) fn record(&self, record: &RequestRecord) {
        let stored = record.cache.as_ref().and_then(|cache| cache.stored);
        if let Some(Stored::No(reason)) = stored {
            let known = NOT_STORED.iter().position(|known| *known == reason);
            self.not_stored[known.unwrap_or(NOT_STORED.len() - 1)].inc();
        }
        let renewed = record.verdict.outcome == Outcome::Success && stored == Some(Stored::Yes);
        match (&record.origin, &record.cache) {
            (Origin::Refresh, _) if renewed => self.refreshed.inc(),
            (Origin::Refresh, _) => self.refresh_failed.inc(),
            (_, Some(CacheFacts { status: CacheStatus::Bypass(reason), .. })) => {
                self.bypasses[*reason as usize].inc();
            }
            (Origin::Client | Origin::Replay(_), _) => {}
        }
    }

    fn tier(&self, tier: CacheTier) -> &TierSeries {
        &self.tiers[tier as usize]
    }
}

impl TierSeries {
    fn new(families: &Families, tier: &str) -> Self {
        let answers =
            |found: TierAnswer| families.counter(Metric::CacheRequests, &[tier, found.label()]);
        Self {
            answers: TierAnswer::ALL.map(answers),
            entries: families.gauge(Metric::CacheEntries, &[tier]),
            bytes: families.gauge(Metric::CacheBytes, &[tier]),
            evicted: families.counter(Metric::CacheEvictions, &[tier]),
            dropped: families.counter(Metric::CacheDropped, &[tier]),
            broken: families.counter(Metric::CacheFailures, &[tier]),
        }
    }
}

impl ModelCacheSeries {
    pub(super) fn new(families: &Families, model: &str) -> Self {
        Self {
            model: model.to_owned(),
            saved_seconds: families.exact(Metric::SavedSeconds, &[model]),
            saved_tokens: families.counter(Metric::SavedTokens, &[model]),
            saved_usd: families.exact(Metric::SavedUsd, &[model]),
            answer_family: families.histogram_family(Metric::CacheAnswers),
            answers: OnceLock::new(),
        }
    }

    /// Gives the model its series of answers.
    pub(super) fn open(&self) -> &[Arc<Histogram>; ANSWERED.len()] {
        let series = |at: usize| self.answer_family.with(&[&self.model, ANSWERED[at]]);
        self.answers.get_or_init(|| array::from_fn(series))
    }

    pub(super) fn record(&self, record: &RequestRecord) {
        let Some(cache) = &record.cache else { return };
        if let Some(Saved { time, tokens, cost }) = cache.saved {
            self.saved_seconds.add(nanoseconds(time));
            self.saved_tokens
                .inc_by(tokens.map_or(0, |used| used.input.saturating_add(used.output)));
            self.saved_usd.add(cost.map_or(0, |cost| cost.0));
        }
        let answered = ANSWERED.iter().position(|status| *status == cache.status.label());
        if let Some(answered) = answered {
            self.open()[answered].observe(record.timeline.duration());
        }
    }
}
