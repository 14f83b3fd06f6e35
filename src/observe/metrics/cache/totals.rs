//! The cache view read back: for those who want figures and not an exposition.
//!
//! Must not know: how figures are shown.

use super::{ANSWERED, CacheSeries, ModelCacheSeries, TierAnswer};
use crate::observe::NOT_STORED;
use crate::types::{BypassReason, CacheStatus, CacheTier, NanoUsd};

/// What the cache has meant since the process began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CacheTotals {
    /// Requests answered by another's exchange with the upstream.
    pub collapsed: u64,
    /// Requests that went past the cache, by reason.
    pub bypassed: [u64; BypassReason::ALL.len()],
    /// Answers that were not kept, by position in [`NOT_STORED`].
    pub not_stored: [u64; NOT_STORED.len()],
    /// Upstream time that was not used, in billionths of a second.
    pub saved_nanoseconds: u64,
    /// Tokens, in and out, that no upstream was asked for.
    pub saved_tokens: u64,
    /// What was not paid.
    pub saved_cost: NanoUsd,
}

/// What a tier has done since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TierCounts {
    /// Look-ups that found a fresh answer.
    pub hits: u64,
    /// Look-ups that found one past its time.
    pub stale: u64,
    /// Look-ups that found none.
    pub misses: u64,
    /// Answers given up for want of room.
    pub evictions: u64,
    /// Writes that were lost.
    pub dropped: u64,
    /// Times it was moved aside or could not be reached.
    pub failures: u64,
}

impl CacheSeries {
    /// What a tier has done.
    pub fn counts(&self, tier: CacheTier) -> TierCounts {
        let series = self.tier(tier);
        let found = |found: TierAnswer| series.answers[found as usize].get();
        TierCounts {
            hits: found(TierAnswer::Hit),
            stale: found(TierAnswer::Stale),
            misses: found(TierAnswer::Miss),
            evictions: series.evicted.get(),
            dropped: series.dropped.get(),
            failures: series.broken.get(),
        }
    }

    /// The totals of the cache as a whole and of these models.
    pub(in crate::observe::metrics) fn totals<'a>(
        &self,
        models: impl Iterator<Item = &'a ModelCacheSeries>,
    ) -> CacheTotals {
        let bypassed = BypassReason::ALL.map(|reason| self.bypasses[reason as usize].get());
        let not_stored = std::array::from_fn(|at| self.not_stored[at].get());
        let none = CacheTotals { bypassed, not_stored, ..CacheTotals::default() };
        models.fold(none, |totals, model| CacheTotals {
            collapsed: totals.collapsed + model.answered(CacheStatus::Collapsed),
            saved_nanoseconds: totals.saved_nanoseconds + model.saved_seconds.get(),
            saved_tokens: totals.saved_tokens + model.saved_tokens.get(),
            saved_cost: totals.saved_cost + NanoUsd(model.saved_usd.get()),
            ..totals
        })
    }
}

impl ModelCacheSeries {
    /// Requests that the cache has answered in this way.
    fn answered(&self, status: CacheStatus) -> u64 {
        let at = ANSWERED.iter().position(|answered| *answered == status.label());
        let series = at.zip(self.answers.get()).map(|(at, series)| &series[at]);
        series.map_or(0, |series| series.counts().iter().sum())
    }
}
