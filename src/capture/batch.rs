//! What is to be done, a few at a time.
//!
//! To do a thing once and go back to traffic takes three times as long as to do it again directly
//! after: code and tables have left the processor's caches by then. So things gather for a few
//! milliseconds, and a task of their own does them in a row. Must not know: what is done.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// So many are done together, and no more than so many bytes: then traffic on the same thread has
/// waited long enough.
const THINGS: usize = 16;
const BYTES: u64 = 64 * 1024;
/// How long the first of them waits for others.
const LINGER: Duration = Duration::from_millis(10);

/// Gathers things. Cloning shares it.
pub(super) struct Batch<T>(Arc<Shared<T>>);

struct Shared<T> {
    gathered: Mutex<Gathered<T>>,
    full: Notify,
}

struct Gathered<T> {
    things: Vec<T>,
    bytes: u64,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        let gathered = Mutex::new(Gathered { things: Vec::new(), bytes: 0 });
        Self(Arc::new(Shared { gathered, full: Notify::new() }))
    }
}

impl<T> Clone for Batch<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Batch<T> {
    /// Adds one of so many bytes. Whether it is the first: then somebody has to
    /// [wait](Self::filled) for the others.
    pub(super) fn add(&self, thing: T, bytes: u64) -> bool {
        let mut gathered = self.0.gathered.lock();
        gathered.things.push(thing);
        gathered.bytes += bytes;
        if gathered.things.len() >= THINGS || gathered.bytes >= BYTES {
            self.0.full.notify_one();
        }
        gathered.things.len() == 1
    }

    /// All of them, in order, as soon as they are enough or the first has waited for long.
    pub(super) async fn filled(&self) -> Vec<T> {
        timeout(LINGER, self.0.full.notified()).await.ok();
        let mut gathered = self.0.gathered.lock();
        gathered.bytes = 0;
        let room = Vec::with_capacity(gathered.things.len());
        std::mem::replace(&mut gathered.things, room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_too_little_waits_no_longer_than_that() {
        let batch = Batch::default();
        assert!(batch.add(1, 10));
        assert!(!batch.add(2, 10));
        let began = tokio::time::Instant::now();
        assert_eq!(batch.filled().await, [1, 2]);
        assert!(began.elapsed() >= LINGER);
        assert!(batch.add(3, 10), "what comes then is the first again");
    }

    #[tokio::test(start_paused = true)]
    async fn enough_things_or_bytes_do_not_wait() {
        let batch = Batch::default();
        let began = tokio::time::Instant::now();
        for thing in 0..THINGS {
            assert_eq!(batch.add(thing, 0), thing == 0);
        }
        assert_eq!(batch.filled().await.len(), THINGS);
        batch.add(0, BYTES);
        assert_eq!(batch.filled().await.len(), 1);
        assert!(began.elapsed() < LINGER);
    }
}
