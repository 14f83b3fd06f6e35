//! The tier in this process's memory: entries by their key, within a number of bytes.
//!
//! Owns which entries leave when there is no room. Must not know: what an answer says, or
//! that there are other tiers.

mod sharded;
#[cfg(test)]
mod tests;
mod tiny_lfu;

use crate::cache::entry::{Entry, Freshness};
use crate::cache::settings::Eviction;
use crate::types::{CacheKey, Purge};
use sharded::Sharded;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tiny_lfu::TinyLfu;

/// An entry above this part of the capacity would push out too many others.
const LARGEST_PART: u64 = 64;

/// Entries in memory. All methods are quick and may be called from threads that serve
/// requests, [`MemoryTier::purge`] excepted.
pub struct MemoryTier {
    kept: Kept,
    largest: u64,
    totals: Totals,
}

enum Kept {
    Lru(Sharded),
    TinyLfu(TinyLfu),
}

#[derive(Default)]
struct Totals {
    expired: AtomicU64,
    refused: AtomicU64,
}

/// Whether an entry was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It was. TinyLFU may let it go again at once, for others that are asked for more.
    Kept,
    /// It is too large for this tier.
    TooLarge,
}

/// What there is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Entries, also those that nobody may be given any more and nobody has asked for since.
    pub entries: u64,
    /// Their bytes, by [`Entry::weight`].
    pub bytes: u64,
}

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryCounts {
    /// Entries that left for want of room.
    pub evicted: u64,
    /// Entries that were asked for when nobody might be given them any more.
    pub expired: u64,
    /// Entries that were too large.
    pub refused: u64,
}

impl MemoryTier {
    /// An empty tier whose entries never weigh more than `capacity` bytes together.
    pub fn new(capacity: u64, eviction: Eviction) -> Self {
        let kept = match eviction {
            Eviction::Lru => Kept::Lru(Sharded::new(capacity)),
            Eviction::TinyLfu => Kept::TinyLfu(TinyLfu::new(capacity, capacity / LARGEST_PART)),
        };
        Self { kept, largest: capacity / LARGEST_PART, totals: Totals::default() }
    }

    /// The entry for `key`, fresh or stale. One that is gone is removed.
    pub fn get(&self, key: &CacheKey, now: Instant) -> Option<Arc<Entry>> {
        let entry = match &self.kept {
            Kept::Lru(kept) => kept.get(key),
            Kept::TinyLfu(kept) => kept.get(key),
        }?;
        if entry.freshness(now) != Freshness::Gone {
            return Some(entry);
        }
        self.totals.expired.fetch_add(1, Ordering::Relaxed);
        match &self.kept {
            Kept::Lru(kept) => kept.remove(&entry),
            Kept::TinyLfu(kept) => kept.remove(&entry),
        }
        None
    }

    /// Keeps an entry, in the place of any other with its key.
    pub fn put(&self, entry: Arc<Entry>) -> Admission {
        if entry.weight() > self.largest {
            self.totals.refused.fetch_add(1, Ordering::Relaxed);
            return Admission::TooLarge;
        }
        match &self.kept {
            Kept::Lru(kept) => kept.put(entry),
            Kept::TinyLfu(kept) => kept.put(entry),
        }
        Admission::Kept
    }

    /// Removes what `what` matches and says how many entries that were. Looks at every entry.
    pub fn purge(&self, what: &Purge) -> u64 {
        match &self.kept {
            Kept::Lru(kept) => kept.purge(what),
            Kept::TinyLfu(kept) => kept.purge(what),
        }
    }

    /// The weight of the largest entry that is let in.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// What there is now.
    pub fn usage(&self) -> MemoryUsage {
        match &self.kept {
            Kept::Lru(kept) => kept.usage(),
            Kept::TinyLfu(kept) => kept.usage(),
        }
    }

    /// What happened since the start.
    pub fn counts(&self) -> MemoryCounts {
        let evicted = match &self.kept {
            Kept::Lru(kept) => kept.evicted(),
            Kept::TinyLfu(kept) => kept.evicted(),
        };
        MemoryCounts {
            evicted,
            expired: self.totals.expired.load(Ordering::Relaxed),
            refused: self.totals.refused.load(Ordering::Relaxed),
        }
    }
}
