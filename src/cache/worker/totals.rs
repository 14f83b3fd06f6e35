//! What the thread and those who ask it count.
//!
//! Must not know: the queue, or the shelf.

use crate::cache::shelf::{ShelfFound, ShelfUsage};
use std::sync::atomic::{AtomicU64, Ordering};

/// What has been counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShelfCounts {
    /// Values that were found.
    pub hits: u64,
    /// Values that were not there, or could not be read.
    pub misses: u64,
    /// Reads without an answer in time, or that were not tried: no room in the queue, or the
    /// thread was known to be behind.
    pub late: u64,
    /// Values that were not stored: no room in the queue, too large, or the shelf failed.
    pub dropped: u64,
    /// Calls of the shelf that failed.
    pub errors: u64,
}

#[derive(Default)]
pub(super) struct Totals {
    hits: AtomicU64,
    misses: AtomicU64,
    late: AtomicU64,
    dropped: AtomicU64,
    errors: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
    generations: AtomicU64,
    evicted: AtomicU64,
}

impl Totals {
    /// A read was answered.
    pub(super) fn looked_up(&self, found: Option<&ShelfFound>) {
        add(if found.is_some() { &self.hits } else { &self.misses }, 1);
    }

    /// A read was given up.
    pub(super) fn late(&self) {
        add(&self.late, 1);
    }

    /// So many values are not stored.
    pub(super) fn drop_writes(&self, values: usize) {
        add(&self.dropped, values as u64);
    }

    /// A call of the shelf failed.
    pub(super) fn fail(&self) {
        add(&self.errors, 1);
    }

    /// Notes what the shelf holds.
    pub(super) fn hold(&self, usage: ShelfUsage) {
        self.entries.store(usage.entries, Ordering::Relaxed);
        self.bytes.store(usage.bytes, Ordering::Relaxed);
        self.generations.store(usage.generations, Ordering::Relaxed);
        self.evicted.store(usage.evicted, Ordering::Relaxed);
    }

    pub(super) fn usage(&self) -> ShelfUsage {
        ShelfUsage {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            generations: self.generations.load(Ordering::Relaxed),
            evicted: self.evicted.load(Ordering::Relaxed),
        }
    }

    pub(super) fn counts(&self) -> ShelfCounts {
        ShelfCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
