//! The cache as one: the tiers from the nearest to the farthest, and the exchanges that are
//! under way.
//!
//! Owns the order in which tiers are asked and written. Must not know: what a request or an
//! answer means.

use crate::cache::flight::{Boarding, FlightLimits, Flights};
use crate::cache::redis::RedisTier;
use crate::cache::worker::ShelfHandle;
use crate::cache::{
    CacheSettings, Completeness, Entry, Freshness, MemoryTier, Purged, RecentPurges, RouteCache,
    TierState, TierStatus, WriteBehind,
};
use crate::types::{CacheKey, CacheTier, Clock, PerModel, Purge};
use bytes::Bytes;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;

/// Exchanges that others may listen to, at a time.
const FLIGHTS: usize = 65_536;
/// Listeners to one of them.
const FOLLOWERS: usize = 65_536;

/// The share of memory's bytes that answers on their way may take beside it, at least the
/// largest of them.
const ON_THEIR_WAY: u64 = 4;

/// Bytes of an answer that the tiers beyond memory take, however small memory is.
const LARGEST_ELSEWHERE: usize = 8 << 20;

/// Values longer than this are unpacked on a thread that may take its time.
const QUICKLY_UNPACKED: usize = 64 * 1024;

/// The cache of a proxy.
pub struct Cache {
    routes: PerModel<RouteCache>,
    memory: MemoryTier,
    flights: Arc<Flights>,
    slow: Slow,
    purges: Arc<RecentPurges>,
    clock: Clock,
    largest: usize,
    memory_capacity: u64,
    disk_capacity: Option<u64>,
}

/// The tiers beyond memory, where there are any.
#[derive(Default)]
pub struct Slow {
    /// This machine's disk.
    pub disk: Option<ShelfHandle>,
    /// The shared one.
    pub redis: Option<Arc<RedisTier>>,
    /// Writes to both.
    pub behind: Option<WriteBehind>,
}

/// An entry and where it was.
#[derive(Clone)]
pub struct Found {
    /// The entry.
    pub entry: Arc<Entry>,
    /// The tier.
    pub tier: CacheTier,
}

impl Slow {
    /// Has everything written that waits, and waits for the `threads` behind the tiers to end.
    /// Not for threads that serve requests.
    pub fn end(&self, threads: Vec<JoinHandle<()>>) {
        if let Some(behind) = &self.behind {
            behind.stop();
        }
        // The writer is the last one, and ends before its way to the disk is closed.
        for thread in threads.into_iter().rev() {
            if thread.join().is_err() {
                tracing::warn!("a thread of the cache panicked");
            }
            if let Some(disk) = &self.disk {
                disk.stop();
            }
        }
    }
}

impl Cache {
    /// The cache that `settings` describe, with these tiers beyond memory.
    pub fn new(
        settings: &CacheSettings,
        routes: PerModel<RouteCache>,
        slow: Slow,
        (purges, clock): (Arc<RecentPurges>, Clock),
    ) -> Self {
        let memory = MemoryTier::new(settings.memory, settings.policy);
        // What is too large for memory may still be kept elsewhere.
        let elsewhere = if slow.behind.is_some() { LARGEST_ELSEWHERE } else { 0 };
        let largest = usize::try_from(memory.largest()).unwrap_or(usize::MAX);
        let largest = largest.max(elsewhere).min(Entry::LARGEST);
        let on_their_way = settings.memory / ON_THEIR_WAY;
        let limits = FlightLimits {
            log_bytes: largest,
            logs_bytes: usize::try_from(on_their_way).unwrap_or(usize::MAX).max(largest),
            flights: FLIGHTS,
            followers: FOLLOWERS,
        };
        Self {
            routes,
            memory,
            flights: Arc::new(Flights::new(limits)),
            slow,
            purges,
            clock,
            largest,
            memory_capacity: settings.memory,
            disk_capacity: settings.disk,
        }
    }

    /// How the answers of the model `name` are kept; `None` where they are not.
    pub fn route(&self, model: &str) -> Option<Arc<RouteCache>> {
        self.routes.of(model)
    }

    /// Bytes of the largest answer that is kept or shared.
    pub const fn largest_answer(&self) -> usize {
        self.largest
    }

    /// The entry at `key`, from the nearest tier that has it and wherever it may still be
    /// given to somebody. Each tier that was asked is `told` of.
    pub async fn find(
        &self,
        key: &CacheKey,
        now: Instant,
        mut told: impl FnMut(CacheTier, Option<Freshness>),
    ) -> Option<Found> {
        let found = self.memory.get(key, now);
        told(CacheTier::Memory, found.as_ref().map(|entry| entry.freshness(now)));
        if let Some(entry) = found {
            return Some(Found { entry, tier: CacheTier::Memory });
        }
        if let Some(disk) = &self.slow.disk {
            let found = disk.get(key).await.map(|found| (found.value, found.stored_for));
            let entry = self.unpacked(key, found).await;
            told(CacheTier::Disk, entry.as_ref().map(|entry| entry.freshness(self.clock.now())));
            if let Some(entry) = entry {
                self.promote(&entry, now);
                return Some(Found { entry, tier: CacheTier::Disk });
            }
        }
        let redis = self.slow.redis.as_ref()?;
        let found = redis.get(key).await.map(|found| (found.value, found.stored_for));
        let entry = self.unpacked(key, found).await;
        told(CacheTier::Redis, entry.as_ref().map(|entry| entry.freshness(self.clock.now())));
        let entry = entry?;
        self.promote(&entry, now);
        Some(Found { entry, tier: CacheTier::Redis })
    }

    /// The fresh entry at `key`, if it is in memory, and for how much longer it is fresh.
    pub fn fresh_in_memory(&self, key: &CacheKey, now: Instant) -> Option<(Found, Duration)> {
        let entry = self.memory.get(key, now)?;
        let Freshness::Fresh { left } = entry.freshness(now) else { return None };
        Some((Found { entry, tier: CacheTier::Memory }, left))
    }

    /// Takes part in the exchange for `key`: leads it, or follows the one under way. What
    /// `there` finds is given instead, and nobody can come in between.
    pub fn board(&self, key: CacheKey, there: impl FnOnce() -> Option<Found>) -> Boarding<Found> {
        self.flights.board(key, there)
    }

    /// Keeps an entry that was asked for at `since`, unless it has been purged meanwhile.
    pub fn put(&self, entry: Arc<Entry>, since: Instant) {
        if self.purges.cover(&entry.key, &entry.tags, since) {
            return;
        }
        self.memory.put(Arc::clone(&entry));
        // Between the look at the purges and the put there may have been one.
        if self.purges.cover(&entry.key, &entry.tags, since) {
            self.memory.purge(&Purge::Entry(entry.key));
            return;
        }
        if let Some(behind) = &self.slow.behind {
            behind.push(entry, since);
        }
    }

    /// Forgets what `purge` matches in the tiers of this process. The disk does so when it
    /// comes to it.
    pub fn forget(&self, purge: &Purge) -> u64 {
        self.purges.note(purge.clone(), self.clock.now());
        self.memory.purge(purge)
    }

    /// Forgets what `purge` matches, in every tier and on every proxy that shares one.
    pub async fn purge(&self, purge: Purge) -> Purged {
        let memory = self.forget(&purge);
        let (mut disk, mut redis, mut completeness) = (None, None, Completeness::Complete);
        if let Some(shelf) = &self.slow.disk {
            disk = shelf.purge(purge.clone()).await;
            if disk.is_none() {
                completeness = Completeness::Partial;
            }
        }
        if let Some(shared) = &self.slow.redis {
            match shared.purge(&purge).await {
                Ok(count) => redis = count,
                Err(error) => {
                    tracing::warn!(%error, "a purge has not reached the shared cache yet");
                    completeness = Completeness::Partial;
                }
            }
        }
        Purged { memory, disk, redis, completeness }
    }

    /// How each tier is, the nearest first, also those that are off.
    pub fn tiers(&self) -> Vec<TierStatus> {
        let memory = self.memory.usage();
        let off = |tier| TierStatus {
            tier,
            state: TierState::Off,
            entries: None,
            bytes: None,
            capacity: None,
        };
        let disk = self.slow.disk.as_ref().map(|disk| {
            let usage = disk.usage();
            // A tier without a database is being set up anew.
            let state = if usage.generations > 0 { TierState::On } else { TierState::Unreachable };
            let (entries, bytes) = (Some(usage.entries), Some(usage.bytes));
            TierStatus {
                state,
                entries,
                bytes,
                capacity: self.disk_capacity,
                ..off(CacheTier::Disk)
            }
        });
        let redis = self.slow.redis.as_ref().map(|redis| {
            let reachable = redis.counts().reachable;
            let state = if reachable { TierState::On } else { TierState::Unreachable };
            TierStatus { state, ..off(CacheTier::Redis) }
        });
        let memory = TierStatus {
            state: TierState::On,
            entries: Some(memory.entries),
            bytes: Some(memory.bytes),
            capacity: Some(self.memory_capacity),
            ..off(CacheTier::Memory)
        };
        let disk = disk.unwrap_or_else(|| off(CacheTier::Disk));
        vec![memory, disk, redis.unwrap_or_else(|| off(CacheTier::Redis))]
    }

    /// The memory tier, for who counts.
    pub const fn memory(&self) -> &MemoryTier {
        &self.memory
    }

    /// The other tiers, for who counts.
    pub const fn slow(&self) -> &Slow {
        &self.slow
    }

    async fn unpacked(
        &self,
        key: &CacheKey,
        found: Option<(Bytes, Duration)>,
    ) -> Option<Arc<Entry>> {
        let (value, stored_for) = found?;
        let (key, now, length) = (*key, self.clock.now(), value.len());
        let unpack = move || Entry::decode(&value, &key, stored_for, now);
        let entry = if length <= QUICKLY_UNPACKED {
            unpack()
        } else {
            spawn_blocking(unpack).await.ok()?
        };
        match entry {
            Ok(entry) if entry.freshness(now) != Freshness::Gone => Some(Arc::new(entry)),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(%error, "a kept answer cannot be used");
                None
            }
        }
    }

    fn promote(&self, entry: &Arc<Entry>, since: Instant) {
        if !self.purges.cover(&entry.key, &entry.tags, since) {
            self.memory.put(Arc::clone(entry));
        }
        if self.purges.cover(&entry.key, &entry.tags, since) {
            self.memory.purge(&Purge::Entry(entry.key));
        }
    }
}
