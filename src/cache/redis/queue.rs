//! What waits to be written, bounded by bytes and number. Whoever puts never waits.
//!
//! Must not know: Redis.

use super::envelope::Envelope;
use crate::types::CacheKey;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The most that one round trip carries.
const BATCH: usize = 16;
const BATCH_BYTES: usize = 1024 * 1024;

/// What an entry takes beside its value: key, head and bookkeeping, generously.
const OVERHEAD: usize = 256;

/// The most that may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Values.
    pub items: usize,
    /// Bytes of all values.
    pub bytes: usize,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self { items: 4096, bytes: 32 * 1024 * 1024 }
    }
}

/// One value to write.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) key: CacheKey,
    pub(super) envelope: Envelope,
    pub(super) value: Bytes,
    pub(super) since: Instant,
}

impl Write {
    /// How long Redis is to keep it from `now` on; zero when its time is over.
    pub(super) fn left(&self, now: Instant) -> Duration {
        self.envelope.keep.saturating_sub(now.saturating_duration_since(self.since))
    }

    fn weight(&self) -> usize {
        self.value.len() + OVERHEAD
    }
}

/// First in, first out; one reader.
#[derive(Debug)]
pub(super) struct WriteQueue {
    limits: QueueLimits,
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    writes: VecDeque<Write>,
    bytes: usize,
}

impl WriteQueue {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { limits, waiting: Mutex::default(), filled: Notify::new() }
    }

    /// Whether there was room.
    pub(super) fn push(&self, write: Write) -> bool {
        let mut waiting = self.waiting.lock();
        let bytes = waiting.bytes.saturating_add(write.weight());
        if bytes > self.limits.bytes || waiting.writes.len() >= self.limits.items {
            return false;
        }
        waiting.bytes = bytes;
        waiting.writes.push_back(write);
        drop(waiting);
        self.filled.notify_one();
        true
    }

    /// The next few, at least one. Cancel safe.
    pub(super) async fn next(&self) -> Vec<Write> {
        loop {
            let batch = self.take();
            if !batch.is_empty() {
                return batch;
            }
            self.filled.notified().await;
        }
    }

    /// The next few, or none.
    pub(super) fn take(&self) -> Vec<Write> {
        let mut waiting = self.waiting.lock();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(write) = waiting.writes.pop_front() else { break };
            bytes += write.weight();
            batch.push(write);
        }
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        batch
    }

    /// Takes a batch back, to be the next one. There is always room for it.
    pub(super) fn put_back(&self, batch: Vec<Write>) {
        let mut waiting = self.waiting.lock();
        for write in batch.into_iter().rev() {
            waiting.bytes += write.weight();
            waiting.writes.push_front(write);
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Lets go of all that wait, and says how many those were.
    pub(super) fn clear(&self) -> u64 {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.writes.len() as u64
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.lock().writes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::Position;
    use super::*;
    use crate::types::CacheTags;

    fn write(bytes: usize) -> Write {
        let envelope = Envelope {
            keep: Duration::from_secs(10),
            stored: Position { ms: 1, seq: 0 },
            tags: CacheTags::default(),
        };
        let value = Bytes::from(vec![0; bytes]);
        Write { key: CacheKey([0; 32]), envelope, value, since: Instant::now() }
    }

    #[test]
    fn the_queue_holds_no_more_than_its_limits() {
        let few = WriteQueue::new(QueueLimits { items: 2, bytes: usize::MAX });
        assert!(few.push(write(1)) && few.push(write(1)) && !few.push(write(1)));
        let small = WriteQueue::new(QueueLimits { items: 9, bytes: 2 * OVERHEAD + 100 });
        assert!(small.push(write(60)) && !small.push(write(60)) && small.push(write(40)));
        assert_eq!(small.take().len(), 2);
        assert!(small.push(write(60)), "there is room again");
    }

    #[test]
    fn a_batch_is_small() {
        let queue = WriteQueue::new(QueueLimits::default());
        assert!((0..20).all(|_| queue.push(write(1))));
        assert_eq!([queue.take().len(), queue.take().len(), queue.take().len()], [16, 4, 0]);
        assert!((0..4).all(|_| queue.push(write(BATCH_BYTES))));
        assert_eq!((queue.take().len(), queue.len()), (1, 3));
    }

    #[test]
    fn a_batch_that_is_put_back_is_the_next_one() {
        let queue = WriteQueue::new(QueueLimits { items: 20, bytes: usize::MAX });
        assert!((1..=20).all(|n| queue.push(write(n))));
        let batch = queue.take();
        assert!((21..=36).all(|n| queue.push(write(n))));
        queue.put_back(batch);
        assert!(!queue.push(write(37)), "it is full");
        let sizes: Vec<_> = queue.take().iter().map(|write| write.value.len()).collect();
        assert_eq!(sizes, (1..=16).collect::<Vec<_>>());
        assert_eq!((queue.clear(), queue.len()), (20, 0));
    }

    #[test]
    fn time_in_the_queue_is_time_gone() {
        let write = write(1);
        assert_eq!(write.left(write.since + Duration::from_secs(4)), Duration::from_secs(6));
        assert_eq!(write.left(write.since + Duration::from_secs(11)), Duration::ZERO);
    }
}
