//! What the tier has done since it was started.
//!
//! Must not know: metrics, or who reads the counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counts now. All but `reachable` and `waiting` only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedisCounts {
    /// Whether the tier is asked at all now.
    pub reachable: bool,
    /// Values that wait to be written.
    pub waiting: u64,
    /// Lookups that found a value.
    pub hits: u64,
    /// Lookups that found nothing, or nothing that may be used.
    pub misses: u64,
    /// Lookups that were not made, because the tier was left alone.
    pub skipped: u64,
    /// Lookups without an answer in time.
    pub late: u64,
    /// Lookups that ended in an error.
    pub failed: u64,
    /// Of the misses: values that were purged, or that could not be judged yet.
    pub purged: u64,
    /// Of the misses: values that could not be read, or whose age could not be told.
    pub unreadable: u64,
    /// Values written.
    pub stored: u64,
    /// Values that were never tried to be written: no room, or the tier was never reached.
    pub dropped: u64,
    /// Values that could not be written.
    pub lost: u64,
    /// Purges of other proxies that were passed on.
    pub purges: u64,
    /// Messages that could not be read.
    pub malformed: u64,
    /// Times that the tier was given up on, or could not be reached.
    pub outages: u64,
}

/// The counters behind [`RedisCounts`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    pub(super) skipped: Counter,
    pub(super) late: Counter,
    pub(super) failed: Counter,
    pub(super) purged: Counter,
    pub(super) unreadable: Counter,
    pub(super) stored: Counter,
    pub(super) dropped: Counter,
    pub(super) lost: Counter,
    pub(super) purges: Counter,
    pub(super) malformed: Counter,
    pub(super) outages: Counter,
}

impl Counters {
    pub(super) fn read(&self) -> RedisCounts {
        RedisCounts {
            reachable: false,
            waiting: 0,
            hits: self.hits.get(),
            misses: self.misses.get(),
            skipped: self.skipped.get(),
            late: self.late.get(),
            failed: self.failed.get(),
            purged: self.purged.get(),
            unreadable: self.unreadable.get(),
            stored: self.stored.get(),
            dropped: self.dropped.get(),
            lost: self.lost.get(),
            purges: self.purges.get(),
            malformed: self.malformed.get(),
            outages: self.outages.get(),
        }
    }
}

/// One count.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn one(&self) {
        self.add(1);
    }

    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
