//! What waits for the thread, and the bytes that it may take.
//!
//! Bytes are reserved when a request begins to be captured and given back when it is written,
//! or dropped on the way: so they are bounded wherever they are held meanwhile. Must not know:
//! how anything is written.

use super::Asked;
use crate::capture::Exchange;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What an exchange takes beside its bodies: headers, names, places in lists, generously.
/// It bounds how many can wait.
const OVERHEAD: u64 = 1024;
/// What may be asked of the thread at once.
const ASKED: usize = 64;

/// Bytes that may be held.
pub(super) struct Budget {
    limit: u64,
    used: AtomicU64,
}

/// Bytes that an exchange may hold, given back when this is dropped.
pub struct Reserved {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicU64::new(0) })
    }

    /// Bytes that are held.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes `bytes` and what an exchange takes beside them; `None` where they do not fit.
    pub(super) fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Reserved> {
        let bytes = bytes.saturating_add(OVERHEAD);
        self.take(bytes).then(|| Reserved { budget: Arc::clone(self), bytes })
    }

    fn take(&self, bytes: u64) -> bool {
        let more = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

impl Reserved {
    /// Takes more; `false` where that does not fit, and nothing has changed.
    #[must_use]
    pub fn grow(&mut self, bytes: u64) -> bool {
        let fits = self.budget.take(bytes);
        if fits {
            self.bytes += bytes;
        }
        fits
    }

    /// Gives back what is not needed any more.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes.saturating_sub(OVERHEAD));
        self.bytes -= bytes;
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes that are held for bodies.
    pub const fn bytes(&self) -> u64 {
        self.bytes.saturating_sub(OVERHEAD)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An exchange on its way to the disk.
pub(super) struct Waiting {
    pub(super) exchange: Box<Exchange>,
    pub(super) _reserved: Reserved,
}

/// What the thread does next.
pub(super) enum Job {
    Write(Waiting),
    Asked(Asked),
}

/// What the thread finds when it looks.
pub(super) enum Next<T> {
    Job(T),
    /// Nothing came in time.
    Nothing,
    Stopped,
}

/// The queue of one thread.
#[derive(Default)]
pub(super) struct Queue {
    inside: Mutex<Inside>,
    filled: Condvar,
}

#[derive(Default)]
struct Inside {
    jobs: VecDeque<Job>,
    asked: usize,
    state: State,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Stopping,
}

impl Queue {
    /// Whether there was room.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut inside = self.inside.lock();
        let is_asked = matches!(job, Job::Asked(_));
        if inside.state == State::Stopping || (is_asked && inside.asked >= ASKED) {
            return false;
        }
        inside.asked += usize::from(is_asked);
        inside.jobs.push_back(job);
        self.filled.notify_one();
        true
    }

    /// The first job, waiting for one `until` then; nothing more once it was stopped.
    pub(super) fn next(&self, until: Instant) -> Next<Job> {
        let mut inside = self.inside.lock();
        loop {
            if inside.state == State::Stopping {
                return Next::Stopped;
            }
            if let Some(job) = inside.pop() {
                return Next::Job(job);
            }
            if self.filled.wait_until(&mut inside, until).timed_out() {
                return Next::Nothing;
            }
        }
    }

    /// The next thing that was asked, before everything that is to be written, waiting for one
    /// `until` then.
    pub(super) fn next_asked(&self, until: Instant) -> Next<Asked> {
        let mut inside = self.inside.lock();
        loop {
            if inside.state == State::Stopping {
                return Next::Stopped;
            }
            if let Some(asked) = inside.pop_asked() {
                return Next::Job(asked);
            }
            if self.filled.wait_until(&mut inside, until).timed_out() {
                return Next::Nothing;
            }
        }
    }

    /// The next of what is left after it was stopped; `None` at the end.
    pub(super) fn rest(&self) -> Option<Job> {
        self.inside.lock().pop()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inside.lock().jobs.is_empty()
    }

    /// Takes nothing from now on, and tells the thread.
    pub(super) fn stop(&self) {
        self.inside.lock().state = State::Stopping;
        self.filled.notify_one();
    }
}

impl Inside {
    fn pop_asked(&mut self) -> Option<Asked> {
        let place = self.jobs.iter().position(|job| matches!(job, Job::Asked(_)))?;
        let Some(Job::Asked(asked)) = self.jobs.remove(place) else { return None };
        self.asked -= 1;
        Some(asked)
    }

    fn pop(&mut self) -> Option<Job> {
        let job = self.jobs.pop_front()?;
        self.asked -= usize::from(matches!(job, Job::Asked(_)));
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_given_back_however_they_are_let_go() {
        let budget = Budget::new(10 * OVERHEAD);
        let mut first = budget.reserve(5 * OVERHEAD).unwrap();
        assert!(budget.reserve(4 * OVERHEAD).is_none(), "with its overhead it is too much");
        let second = budget.reserve(3 * OVERHEAD).unwrap();
        assert!(!first.grow(1));
        drop(second);
        assert!(first.grow(OVERHEAD));
        assert_eq!((first.bytes(), budget.used()), (6 * OVERHEAD, 7 * OVERHEAD));
        first.shrink(u64::MAX);
        assert_eq!((first.bytes(), budget.used()), (0, OVERHEAD));
        drop(first);
        assert_eq!(budget.used(), 0);
        assert!(budget.reserve(u64::MAX).is_none());
    }
}
