//! Writing to the slower tiers, behind the backs of those who are waiting for answers: each
//! entry is encoded once, on a thread of its own, and given to every tier there is.
//!
//! Must not know: which tiers there are, or how they keep what they get.

use crate::cache::redis::{RedisPut, RedisTier};
use crate::cache::worker::ShelfHandle;
use crate::cache::{Entry, RecentPurges};
use crate::types::Clock;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Entries that may wait.
const QUEUE: usize = 4_096;
/// Bytes that may wait.
const QUEUE_BYTES: u64 = 64 << 20;

/// An entry as the slower tiers keep it.
pub struct Encoded {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Its encoded form.
    pub value: Bytes,
    /// How long it is of use from now on.
    pub keep: Duration,
}

/// The way to the thread. Cloning shares it.
#[derive(Clone)]
pub struct WriteBehind {
    queue: SyncSender<Message>,
    totals: Arc<Totals>,
}

enum Message {
    Write(Waiting),
    Stop,
}

/// An entry in the queue.
struct Waiting {
    entry: Arc<Entry>,
    /// When what it holds was asked for.
    since: Instant,
}

#[derive(Default)]
struct Totals {
    bytes: AtomicU64,
    dropped: AtomicU64,
}

impl WriteBehind {
    /// Starts the thread, which gives each encoded entry to `write`, unless it has been purged
    /// by then.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        purges: Arc<RecentPurges>,
        clock: Clock,
        write: impl Fn(Encoded) + Send + 'static,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (queue, messages) = sync_channel(QUEUE);
        let totals = Arc::<Totals>::default();
        let kept = Arc::clone(&totals);
        let thread = thread::Builder::new()
            .name("cache-write".into())
            .spawn(move || work(&messages, &kept, (&purges, clock), &write))?;
        Ok((Self { queue, totals }, thread))
    }

    /// Has an entry written that was asked for at `since`. Never waits: what does not fit into
    /// the queue is dropped and counted.
    pub fn push(&self, entry: Arc<Entry>, since: Instant) {
        let weight = entry.weight();
        let before = self.totals.bytes.fetch_add(weight, Ordering::Relaxed);
        let room = before + weight <= QUEUE_BYTES;
        if !room || self.queue.try_send(Message::Write(Waiting { entry, since })).is_err() {
            self.totals.bytes.fetch_sub(weight, Ordering::Relaxed);
            self.totals.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has the thread write what waits and end.
    pub fn stop(&self) {
        // A thread that has ended already needs no telling.
        self.queue.send(Message::Stop).ok();
    }

    /// Entries that were dropped.
    pub fn dropped(&self) -> u64 {
        self.totals.dropped.load(Ordering::Relaxed)
    }
}

/// Gives an encoded entry to both tiers, where they are there.
pub fn write_to(disk: Option<&ShelfHandle>, redis: Option<&Arc<RedisTier>>, encoded: Encoded) {
    let Encoded { entry, value, keep } = encoded;
    if let Some(disk) = disk {
        disk.put(entry.key, entry.tags.clone(), value.clone(), keep);
    }
    if let Some(redis) = redis {
        redis.put(RedisPut { key: entry.key, tags: entry.tags.clone(), value, keep });
    }
}

fn work(
    messages: &Receiver<Message>,
    totals: &Totals,
    (purges, clock): (&RecentPurges, Clock),
    write: &impl Fn(Encoded),
) {
    while let Ok(Message::Write(Waiting { entry, since })) = messages.recv() {
        totals.bytes.fetch_sub(entry.weight(), Ordering::Relaxed);
        let now = clock.now();
        let keep = entry.of_use_for(now);
        if keep.is_zero() || purges.cover(&entry.key, &entry.tags, since) {
            continue;
        }
        let value = Bytes::from(entry.encode(now));
        write(Encoded { entry, value, keep });
    }
}
