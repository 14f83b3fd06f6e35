//! Waiting until an instant, finer than tokio's timers: those tick once a millisecond,
//! which would send fifty events of a thousand streams at once and make every proxy
//! look better in CPU and worse in latency than it is. Knows nothing of what waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How late a wait may end, scheduling aside.
const TICK: Duration = Duration::from_micros(200);

/// A thread that ends waits in time; it parks while nobody waits.
pub struct Pacer {
    waits: Arc<Waits>,
    thread: Thread,
}

/// Who waits, by instant; the number keeps equal instants apart.
type Queue = BTreeMap<(Instant, u64), oneshot::Sender<()>>;

#[derive(Default)]
struct Waits {
    queue: Mutex<(Queue, u64)>,
}

impl Pacer {
    /// Starts the thread, which lives as long as the process.
    pub fn start() -> Self {
        let waits = Arc::new(Waits::default());
        let shared = Arc::clone(&waits);
        let thread = std::thread::spawn(move || shared.keep_time()).thread().clone();
        Self { waits, thread }
    }

    /// Waits until `instant`; at once when it has passed.
    pub async fn until(&self, instant: Instant) {
        if instant <= Instant::now() {
            return;
        }
        let (ended, end) = oneshot::channel();
        if self.waits.add(instant, ended) {
            self.thread.unpark();
        }
        // The thread never ends, so neither does it drop a sender unsent.
        end.await.ok();
    }
}

impl Waits {
    /// Adds a wait; true when it is the only one.
    fn add(&self, instant: Instant, ended: oneshot::Sender<()>) -> bool {
        let mut guard = self.lock();
        let (queue, next) = &mut *guard;
        *next += 1;
        queue.insert((instant, *next), ended);
        queue.len() == 1
    }

    fn keep_time(&self) {
        loop {
            match self.end_due() {
                0 => std::thread::park(),
                _ => std::thread::sleep(TICK),
            }
        }
    }

    /// Ends the waits that are due; how many are left.
    fn end_due(&self) -> usize {
        let mut guard = self.lock();
        let queue = &mut guard.0;
        let later = queue.split_off(&(Instant::now(), u64::MAX));
        let due = std::mem::replace(queue, later);
        let left = queue.len();
        drop(guard);
        for ended in due.into_values() {
            // Whoever waited may have left.
            ended.send(()).ok();
        }
        left
    }

    fn lock(&self) -> MutexGuard<'_, (Queue, u64)> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
