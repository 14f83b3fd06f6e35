//! The thread that waits for the disk, so that nobody else has to.
//!
//! Reads go first and are given up by those who asked when they take too long; writes gather
//! and are written in batches; what does not fit into the queue is dropped and counted.
//!
//! Must not know: how a shelf keeps its values.

mod queue;
#[cfg(test)]
mod tests;
mod totals;

pub use queue::ShelfLimits;
pub use totals::ShelfCounts;

use crate::cache::shelf::{Shelf, ShelfError, ShelfFound, ShelfPut, ShelfUsage};
use crate::types::{CacheKey, CacheTags, Purge};
use bytes::Bytes;
use queue::{Change, Queue, Read, Work};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout;
use totals::Totals;

/// The shelf is maintained as often.
const MAINTENANCE: Duration = Duration::from_secs(1);
/// How long what is queued at the end may take, so that closing fits into two seconds.
const DRAIN: Duration = Duration::from_millis(1_500);
/// How long somebody waits for a purge. One that takes longer is carried out nevertheless.
const PURGE_PATIENCE: Duration = Duration::from_secs(30);

/// The thread, on its side of the queue.
pub struct ShelfWorker {
    shelf: Box<dyn Shelf>,
    queue: Arc<Queue>,
    totals: Arc<Totals>,
}

/// The way to the thread. Cloning shares it; the thread ends with the last one.
#[derive(Clone)]
pub struct ShelfHandle {
    queue: Arc<Queue>,
    totals: Arc<Totals>,
    patience: Duration,
    _last: Arc<StopWithLast>,
}

/// Stops the thread when there is nobody left to ask it.
struct StopWithLast(Arc<Queue>);

impl Drop for StopWithLast {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl ShelfWorker {
    /// Starts the thread, which drops the shelf when it ends.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        shelf: Box<dyn Shelf>,
        limits: ShelfLimits,
    ) -> io::Result<(ShelfHandle, JoinHandle<()>)> {
        let queue = Arc::new(Queue::new(limits));
        let totals = Arc::<Totals>::default();
        totals.hold(shelf.usage());
        let worker = Self { shelf, queue: Arc::clone(&queue), totals: Arc::clone(&totals) };
        let thread = thread::Builder::new().name("cache-disk".into()).spawn(|| worker.run())?;
        let last = Arc::new(StopWithLast(Arc::clone(&queue)));
        Ok((ShelfHandle { queue, totals, patience: limits.patience, _last: last }, thread))
    }

    fn run(mut self) {
        let mut maintained = Instant::now();
        while let Some(work) = self.queue.next(maintained + MAINTENANCE) {
            self.answer(work.reads);
            self.change(work.changes);
            if maintained.elapsed() >= MAINTENANCE {
                self.call(|shelf| shelf.maintain());
                maintained = Instant::now();
            }
            if let Some(usage) = self.call(|shelf| Ok(shelf.usage())) {
                self.totals.hold(usage);
            }
        }
        self.drain();
        let Self { shelf, queue, totals } = self;
        // Those who still wait hear that there is no more to come.
        totals.drop_writes(queue.close());
        if catch_unwind(AssertUnwindSafe(|| drop(shelf))).is_err() {
            totals.fail();
        }
    }

    /// Writes what is left, as long as there is time.
    fn drain(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < DRAIN
            && let Some(Work { changes, .. }) = self.queue.rest()
        {
            self.change(changes);
        }
        self.call(|shelf| shelf.maintain());
    }

    fn answer(&mut self, reads: Vec<Read>) {
        // Nobody waits for one that was given up.
        for Read { key, answer } in reads.into_iter().filter(|read| !read.answer.is_closed()) {
            let found = self.call(|shelf| shelf.get(&key)).flatten();
            answer.send(found).ok();
        }
    }

    /// Carries out changes in their order, puts between two purges at once.
    fn change(&mut self, changes: Vec<Change>) {
        let mut puts = Vec::new();
        for change in changes {
            match change {
                Change::Put { put, since } => puts.extend(put.after(since.elapsed())),
                Change::Purge { purge, answer } => {
                    self.put(&mut puts);
                    // A shelf that failed may have found itself another database by then.
                    let first = self.call(|shelf| shelf.purge(&purge));
                    let gone = first.or_else(|| self.call(|shelf| shelf.purge(&purge)));
                    if let Some(gone) = gone {
                        answer.send(gone).ok();
                    }
                }
            }
        }
        self.put(&mut puts);
    }

    fn put(&mut self, puts: &mut Vec<ShelfPut>) {
        if puts.is_empty() {
            return;
        }
        let taken = self.call(|shelf| shelf.put(puts)).unwrap_or(0);
        self.totals.drop_writes(puts.len().saturating_sub(taken));
        puts.clear();
    }

    /// Asks the shelf; `None` when it failed or panicked, which is counted.
    fn call<T>(&mut self, work: impl FnOnce(&mut dyn Shelf) -> Result<T, ShelfError>) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(|| work(&mut *self.shelf))) {
            Ok(Ok(outcome)) => return Some(outcome),
            Ok(Err(error)) => tracing::debug!(%error, "the cache on disk failed"),
            Err(_) => tracing::warn!("the cache on disk panicked"),
        }
        self.totals.fail();
        None
    }
}

impl ShelfHandle {
    /// The value at `key`. Without an answer in time there is none, and that is counted; until
    /// the thread has caught up nobody else waits for it.
    pub async fn get(&self, key: &CacheKey) -> Option<ShelfFound> {
        let (answer, found) = oneshot::channel();
        if !self.queue.push_read(Read { key: *key, answer }) {
            self.totals.late();
            return None;
        }
        let Ok(found) = timeout(self.patience, found).await else {
            self.queue.give_up();
            self.totals.late();
            return None;
        };
        let found = found.ok().flatten();
        self.totals.looked_up(found.as_ref());
        found
    }

    /// Queues a value to be stored for `keep` from now on. Never waits: one that does not fit
    /// is dropped and counted.
    pub fn put(&self, key: CacheKey, tags: CacheTags, value: Bytes, keep: Duration) {
        let put = ShelfPut { key, tags, value, waited: Duration::ZERO, keep };
        if !self.queue.push_change(Change::Put { put, since: Instant::now() }) {
            self.totals.drop_writes(1);
        }
    }

    /// Removes what `purge` names, and of what was put before. Returns how many entries went;
    /// `None` when that is not known within 30 s, or the shelf failed.
    pub async fn purge(&self, purge: Purge) -> Option<u64> {
        let (answer, gone) = oneshot::channel();
        if !self.queue.push_change(Change::Purge { purge, answer }) {
            return None;
        }
        timeout(PURGE_PATIENCE, gone).await.ok()?.ok()
    }

    /// What the shelf held when it was last looked at.
    pub fn usage(&self) -> ShelfUsage {
        self.totals.usage()
    }

    /// What has been counted so far.
    pub fn counts(&self) -> ShelfCounts {
        self.totals.counts()
    }

    /// Has the thread write what is queued and end, within two seconds as long as the disk
    /// does not hang; returns at once. From now on nothing is found or taken.
    pub fn stop(&self) {
        self.queue.stop();
    }
}

impl ShelfPut {
    /// As it is after some time in the queue; `None` when it is no more of use.
    fn after(mut self, waited: Duration) -> Option<Self> {
        self.keep = self.keep.saturating_sub(waited);
        self.waited += waited;
        (!self.keep.is_zero()).then_some(self)
    }
}
