//! Puts together the response cache: its tiers, the threads behind them, and what of them is
//! counted.
//!
//! Must not know: which answers are kept, or why.

use crate::cache::{
    Cache, CacheSettings, Position, QueueLimits, RecentPurges, RedisTier, Shelf, ShelfError,
    ShelfFound, ShelfHandle, ShelfLimits, ShelfPut, ShelfUsage, ShelfWorker, Slow, WriteBehind,
    write_to,
};
use crate::config::Settings;
use crate::observe::{Metrics, TierTotals};
use crate::store::{self, Condition, DiskCache, OpenError, OpenedCache, StoreError};
use crate::types::{CacheKey, CacheTier, Clock, PerModel, Purge};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often tiers are looked at for what they count.
const LOOK: Duration = Duration::from_secs(1);
/// Purges of other proxies that may wait.
const PURGES: usize = 256;

/// The cache and who works for it.
pub(super) struct Caching {
    pub(super) cache: Arc<Cache>,
    metrics: Arc<Metrics>,
    /// What other proxies purged.
    purges: Receiver<Purge>,
    /// That there were more than could wait.
    missed: Arc<AtomicBool>,
    disk: Option<Arc<DiskCache>>,
    /// Times that the disk tier had failed before it was asked anything.
    failures: u64,
    threads: Vec<JoinHandle<()>>,
}

impl Caching {
    /// The cache that `settings` describe. Where no model's answers are kept there are no
    /// tiers beyond memory.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        settings: &Settings,
        disk: Option<Result<OpenedCache, OpenError>>,
        metrics: &Arc<Metrics>,
        clock: Clock,
    ) -> io::Result<Self> {
        let CacheSettings { models, default, .. } = &settings.cache;
        let routes = PerModel::new(settings.model_caches.clone(), models, default.clone());
        let recent = Arc::new(RecentPurges::default());
        let (tell, purges) = channel(PURGES);
        let missed = Arc::<AtomicBool>::default();
        let failures = match &disk {
            Some(Ok(OpenedCache { condition: Condition::Recreated { .. }, .. }) | Err(_)) => 1,
            Some(Ok(_)) | None => 0,
        };
        let disk = disk.and_then(Result::ok).map(|disk| Arc::new(disk.cache));
        let disk = disk.filter(|_| !routes.is_empty());
        let mut threads = Vec::new();
        let mut slow = Slow {
            disk: disk.clone().map(shelve).transpose()?.map(|(shelf, thread)| {
                threads.push(thread);
                shelf
            }),
            ..Slow::default()
        };
        if let Some(redis) = settings.cache.redis.clone().filter(|_| !routes.is_empty()) {
            let heard = disk.as_ref().and_then(|disk| disk.note()?.parse().ok());
            let on_purge = listener(tell, Arc::clone(&missed));
            slow.redis = Some(RedisTier::start(redis, QueueLimits::default(), heard, on_purge));
        }
        if slow.disk.is_some() || slow.redis.is_some() {
            let (disk, redis) = (slow.disk.clone(), slow.redis.clone());
            let write = move |encoded| write_to(disk.as_ref(), redis.as_ref(), encoded);
            let (behind, thread) = WriteBehind::start(Arc::clone(&recent), clock, write)?;
            slow.behind = Some(behind);
            threads.push(thread);
        }
        let cache = Arc::new(Cache::new(&settings.cache, routes, slow, (recent, clock)));
        let metrics = Arc::clone(metrics);
        Ok(Self { cache, metrics, purges, missed, disk, failures, threads })
    }

    /// Counts, and hears of other proxies' purges, until `stop`; then writes what is left.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let shared = self.cache.slow().redis.clone();
        let talking = async {
            if let Some(redis) = shared {
                redis.run(stop.clone()).await;
            }
        };
        tokio::join!(talking, self.keep(&stop));
        self.count();
        let (cache, threads) = (Arc::clone(&self.cache), std::mem::take(&mut self.threads));
        let ended = spawn_blocking(move || cache.slow().end(threads));
        if ended.await.is_err() {
            tracing::warn!("a thread of the cache panicked");
        }
    }

    async fn keep(&mut self, stop: &CancellationToken) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(purge) = self.purges.recv() => self.forget(purge).await,
                _ = looks.tick() => {
                    self.count();
                    self.note().await;
                }
            }
            if self.missed.swap(false, Ordering::Relaxed) {
                self.forget(Purge::All).await;
            }
        }
    }

    /// Another proxy has purged something, and knows that the shared tier has.
    async fn forget(&self, purge: Purge) {
        self.cache.forget(&purge);
        if let Some(disk) = &self.cache.slow().disk {
            // What cannot be removed now is on a tier that has failed, and is empty.
            disk.purge(purge).await;
        }
    }

    fn count(&self) {
        let (series, memory) = (self.metrics.cache(), self.cache.memory());
        let (usage, counts) = (memory.usage(), memory.counts());
        series.usage(CacheTier::Memory, usage.entries, usage.bytes);
        let totals = TierTotals { evicted: counts.evicted, ..TierTotals::default() };
        series.catch_up(CacheTier::Memory, totals);
        let slow = self.cache.slow();
        let lost = slow.behind.as_ref().map_or(0, WriteBehind::dropped);
        let disk = slow.disk.as_ref();
        let usage = disk.map(ShelfHandle::usage).unwrap_or_default();
        let counts = disk.map(ShelfHandle::counts).unwrap_or_default();
        series.usage(CacheTier::Disk, usage.entries, usage.bytes);
        let (dropped, broken) = (counts.dropped + lost, counts.errors + self.failures);
        series.catch_up(CacheTier::Disk, TierTotals { evicted: usage.evicted, dropped, broken });
        if let Some(redis) = &slow.redis {
            let counts = redis.counts();
            let dropped = counts.dropped + counts.lost + lost;
            let totals = TierTotals { evicted: 0, dropped, broken: counts.outages };
            series.catch_up(CacheTier::Redis, totals);
        }
    }

    /// Writes down up to where this proxy has heard of others' purges: a later process on the
    /// same disk has to catch up from there.
    async fn note(&self) {
        let (Some(redis), Some(disk)) = (&self.cache.slow().redis, &self.disk) else { return };
        // What was heard of up to here has also been carried out.
        let carried_out =
            |_: &Position| self.purges.is_empty() && !self.missed.load(Ordering::Relaxed);
        let Some(heard) = redis.position().filter(carried_out) else { return };
        let disk = Arc::clone(disk);
        let written = spawn_blocking(move || disk.set_note(&heard.to_string())).await;
        if let Ok(Err(error)) = written {
            tracing::debug!(%error, "the position in the journal of purges is not kept");
        }
    }
}

/// Never waits: it is called by who talks to Redis.
fn listener(tell: Sender<Purge>, missed: Arc<AtomicBool>) -> impl Fn(Purge) + Send + Sync {
    move |purge| {
        if tell.try_send(purge).is_err() {
            missed.store(true, Ordering::Relaxed);
        }
    }
}

fn shelve(disk: Arc<DiskCache>) -> io::Result<(ShelfHandle, JoinHandle<()>)> {
    ShelfWorker::start(Box::new(OnDisk(disk)), ShelfLimits::default())
}

/// What lies on disk, as the cache asks for it.
struct OnDisk(Arc<DiskCache>);

impl Shelf for OnDisk {
    fn get(&mut self, key: &CacheKey) -> Result<Option<ShelfFound>, ShelfError> {
        let found = self.0.get(key).map_err(failed)?;
        Ok(found.map(|found| ShelfFound {
            value: Bytes::from(found.value),
            stored_for: found.stored_for,
        }))
    }

    fn put(&mut self, items: &[ShelfPut]) -> Result<usize, ShelfError> {
        let item = |item: &ShelfPut| store::Put {
            key: item.key,
            tags: item.tags.clone(),
            value: item.value.clone(),
            waited: item.waited,
            keep: item.keep,
        };
        let items: Vec<store::Put> = items.iter().map(item).collect();
        self.0.put(&items).map_err(failed)
    }

    fn purge(&mut self, purge: &Purge) -> Result<u64, ShelfError> {
        self.0.purge(purge).map_err(failed)
    }

    fn usage(&self) -> ShelfUsage {
        let usage = self.0.usage();
        let generations = usage.generations as u64;
        let (entries, bytes, evicted) = (usage.entries, usage.bytes, usage.evicted);
        ShelfUsage { entries, bytes, generations, evicted }
    }

    fn maintain(&mut self) -> Result<(), ShelfError> {
        self.0.maintain().map_err(failed)
    }
}

fn failed(error: StoreError) -> ShelfError {
    ShelfError(error.to_string())
}

#[cfg(test)]
mod tests {
    use crate::cache::NotStored;
    use crate::observe::NOT_STORED;

    #[test]
    fn every_reason_why_an_answer_is_not_kept_is_counted_by_its_name() {
        let reasons = NotStored::ALL.map(NotStored::label);
        assert_eq!(NOT_STORED.split_last(), Some((&"_OTHER", &reasons[..])));
    }
}
