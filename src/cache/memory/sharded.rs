//! Least recently used, in shards with a lock and a share of the capacity each.
//!
//! Must not know: ages, or which entries are too large.

use super::MemoryUsage;
use crate::cache::entry::Entry;
use crate::types::{CacheKey, Purge};
use lru::LruCache;
use parking_lot::Mutex;
use std::sync::Arc;

/// Shards of a large cache; a power of two, so that a key's byte spreads evenly over them.
const SHARDS: usize = 16;
/// Below this capacity there is one shard: a share of less would let few entries in.
const WORTH_SHARDING: u64 = 64 * 1024 * 1024;

pub(super) struct Sharded(Box<[Mutex<Shard>]>);

struct Shard {
    entries: LruCache<CacheKey, Arc<Entry>>,
    bytes: u64,
    capacity: u64,
    evicted: u64,
}

impl Sharded {
    pub(super) fn new(capacity: u64) -> Self {
        let shards = if capacity < WORTH_SHARDING { 1 } else { SHARDS };
        let share = capacity / shards as u64;
        Self((0..shards).map(|_| Mutex::new(Shard::new(share))).collect())
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<Entry>> {
        self.shard(key).lock().entries.get(key).map(Arc::clone)
    }

    pub(super) fn put(&self, entry: Arc<Entry>) {
        let shard = self.shard(&entry.key);
        // Freed only after the lock.
        let left = shard.lock().put(entry);
        drop(left);
    }

    /// Removes `entry`, unless another has taken its place.
    pub(super) fn remove(&self, entry: &Arc<Entry>) {
        let mut shard = self.shard(&entry.key).lock();
        let is_it = |kept: &Arc<Entry>| Arc::ptr_eq(kept, entry);
        if shard.entries.peek(&entry.key).is_some_and(is_it) {
            shard.entries.pop(&entry.key);
            shard.bytes -= entry.weight();
        }
    }

    pub(super) fn purge(&self, what: &Purge) -> u64 {
        self.0.iter().map(|shard| shard.lock().purge(what).len() as u64).sum()
    }

    pub(super) fn usage(&self) -> MemoryUsage {
        self.0.iter().fold(MemoryUsage::default(), |sum, shard| {
            let shard = shard.lock();
            MemoryUsage {
                entries: sum.entries + shard.entries.len() as u64,
                bytes: sum.bytes + shard.bytes,
            }
        })
    }

    pub(super) fn evicted(&self) -> u64 {
        self.0.iter().map(|shard| shard.lock().evicted).sum()
    }

    fn shard(&self, key: &CacheKey) -> &Mutex<Shard> {
        // The key is a hash: any of its bytes is as good as another.
        &self.0[usize::from(key.0[0]) & (self.0.len() - 1)]
    }
}

impl Shard {
    fn new(capacity: u64) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, capacity, evicted: 0 }
    }

    /// Makes room first, so that the capacity holds at every moment. Returns what has left.
    fn put(&mut self, entry: Arc<Entry>) -> Vec<Arc<Entry>> {
        let mut left: Vec<_> = self.entries.pop(&entry.key).into_iter().collect();
        self.bytes -= left.iter().map(|replaced| replaced.weight()).sum::<u64>();
        while self.bytes + entry.weight() > self.capacity {
            let Some((_, oldest)) = self.entries.pop_lru() else { break };
            self.bytes -= oldest.weight();
            self.evicted += 1;
            left.push(oldest);
        }
        self.bytes += entry.weight();
        self.entries.put(entry.key, entry);
        left
    }

    fn purge(&mut self, what: &Purge) -> Vec<Arc<Entry>> {
        let mut left = Vec::new();
        self.entries.retain(|key, entry| {
            let goes = what.matches(key, &entry.tags);
            if goes {
                left.push(Arc::clone(entry));
            }
            !goes
        });
        self.bytes -= left.iter().map(|entry| entry.weight()).sum::<u64>();
        left
    }
}
