//! TinyLFU (Einziger et al., 2017): a newcomer has to be asked for more than those it would
//! push out.
//!
//! With weights, moka 0.12 sizes its frequency sketch for about a quarter of the entries that
//! fit (their number when the cache is half full, times that half), and so forgets early. It
//! gains 4.4 points over LRU on Zipf 0.9 at 5 % size, where the same cache without weights
//! gains 9.
//!
//! Must not know: ages, or which entries are too large.

use super::MemoryUsage;
use crate::cache::entry::Entry;
use crate::types::{CacheKey, Purge};
use moka::notification::RemovalCause;
use moka::sync::Cache;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) struct TinyLfu {
    entries: Cache<CacheKey, Arc<Entry>>,
    /// The cache lets every newcomer in and makes room after it. One at a time, so that no
    /// more than one is ever too many.
    puts: Mutex<()>,
    evicted: Arc<AtomicU64>,
}

impl TinyLfu {
    pub(super) fn new(capacity: u64, largest: u64) -> Self {
        let evicted = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&evicted);
        let entries = Cache::builder()
            .max_capacity(capacity - largest)
            .weigher(|_, entry: &Arc<Entry>| u32::try_from(entry.weight()).unwrap_or(u32::MAX))
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build();
        Self { entries, puts: Mutex::new(()), evicted }
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub(super) fn put(&self, entry: Arc<Entry>) {
        let _one_at_a_time = self.puts.lock();
        self.entries.insert(entry.key, entry);
        self.entries.run_pending_tasks();
    }

    /// Removes `entry`, unless another has taken its place.
    pub(super) fn remove(&self, entry: &Arc<Entry>) {
        let _one_at_a_time = self.puts.lock();
        let kept = self.entries.get(&entry.key);
        if kept.is_some_and(|kept| Arc::ptr_eq(&kept, entry)) {
            self.entries.invalidate(&entry.key);
        }
    }

    pub(super) fn purge(&self, what: &Purge) -> u64 {
        let _one_at_a_time = self.puts.lock();
        let matching = self.entries.iter().filter(|(key, entry)| what.matches(key, &entry.tags));
        let keys: Vec<CacheKey> = matching.map(|(key, _)| *key).collect();
        for key in &keys {
            self.entries.invalidate(key);
        }
        self.entries.run_pending_tasks();
        keys.len() as u64
    }

    pub(super) fn usage(&self) -> MemoryUsage {
        self.entries.run_pending_tasks();
        MemoryUsage { entries: self.entries.entry_count(), bytes: self.entries.weighted_size() }
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}
