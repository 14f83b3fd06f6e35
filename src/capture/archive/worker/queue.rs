//! What waits for the thread, and the bytes that it may take.
//!
//! Bytes are reserved when a request begins to be captured and given back when it is written,
//! or dropped on the way: so they are bounded wherever they are held meanwhile. The thread looks
//! by itself and is seldom woken: to wake it costs more than to write an exchange. Must not
//! know: how anything is written.

use super::Asked;
use crate::capture::segment::{Draft, Gathered};
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
/// With so many bytes to be written, or this share of all that may be held, the thread is woken
/// before it looks by itself.
const HEAP: u64 = 256 << 10;
const HEAP_SHARE: u64 = 4;
/// An exchange of so many bytes has a block of its own.
const LARGE: u64 = 64 * 1024;

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

    /// Takes over what `other` holds.
    fn absorb(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
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

/// Exchanges on their way to the disk.
pub(super) struct Waiting {
    pub(super) gathered: Gathered,
    reserved: Reserved,
}

/// What the thread does next.
pub(super) enum Job {
    Write(Waiting),
    Asked(Asked),
}

/// What the thread finds when it looks.
pub(super) enum Next<T> {
    Job(T),
    /// There is nothing, or nothing more.
    Nothing,
    Stopped,
}

/// The queue of one thread.
pub(super) struct Queue {
    inside: Mutex<Inside>,
    filled: Condvar,
    heap: u64,
}

#[derive(Default)]
struct Inside {
    jobs: VecDeque<Job>,
    asked: usize,
    /// Bytes of those that are to be written.
    bytes: u64,
    /// Empty, and large enough.
    spare: Option<Gathered>,
    /// Whether the thread has begun to take what there is.
    is_drained: bool,
    state: State,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Stopping,
}

impl Queue {
    /// An empty one, where so many bytes may be held.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            inside: Mutex::default(),
            filled: Condvar::new(),
            heap: HEAP.min(limit / HEAP_SHARE),
        }
    }

    /// Has an exchange written after all that was queued before. `false` once it was stopped.
    pub(super) fn write(&self, draft: Draft, reserved: Reserved) -> bool {
        let bytes = reserved.bytes;
        if bytes < LARGE {
            return self.enter(bytes, |inside| inside.gather(draft, reserved));
        }
        // Copied before anybody else has to wait for that.
        let mut gathered = Gathered::default();
        gathered.add(draft);
        let job = Job::Write(Waiting { gathered, reserved });
        self.enter(bytes, |inside| inside.jobs.push_back(job))
    }

    /// Has the thread do something after all that was queued before. `false` where that is too
    /// much, or it was stopped.
    pub(super) fn ask(&self, asked: Asked) -> bool {
        let mut inside = self.inside.lock();
        if inside.state == State::Stopping || inside.asked >= ASKED {
            return false;
        }
        inside.asked += 1;
        inside.jobs.push_back(Job::Asked(asked));
        self.filled.notify_one();
        true
    }

    /// Gives back what was written, so that others can gather there.
    pub(super) fn reuse(&self, gathered: Gathered) {
        self.inside.lock().spare = Some(gathered);
    }

    /// The next job. What comes is left to gather `until` then, or until it is a heap, or
    /// something is asked; from there on one job follows the other until there is nothing more,
    /// which is said once. Nothing more once it was stopped.
    pub(super) fn next(&self, until: Instant) -> Next<Job> {
        let mut inside = self.inside.lock();
        while inside.state == State::Open && !inside.is_drained {
            inside.is_drained =
                self.is_urgent(&inside) || self.filled.wait_until(&mut inside, until).timed_out();
        }
        if inside.state == State::Stopping {
            return Next::Stopped;
        }
        let job = inside.pop();
        inside.is_drained = job.is_some();
        job.map_or(Next::Nothing, Next::Job)
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

    fn enter(&self, bytes: u64, add: impl FnOnce(&mut Inside)) -> bool {
        let mut inside = self.inside.lock();
        if inside.state == State::Stopping {
            return false;
        }
        inside.bytes += bytes;
        add(&mut inside);
        if self.is_urgent(&inside) && !inside.is_drained {
            self.filled.notify_one();
        }
        true
    }

    /// Whether the thread should not wait for more.
    fn is_urgent(&self, inside: &Inside) -> bool {
        inside.asked > 0 || inside.bytes >= self.heap
    }

    /// Takes nothing from now on, and tells the thread.
    pub(super) fn stop(&self) {
        self.inside.lock().state = State::Stopping;
        self.filled.notify_one();
    }
}

impl Job {
    /// Bytes that it holds.
    const fn bytes(&self) -> u64 {
        match self {
            Self::Write(waiting) => waiting.reserved.bytes,
            Self::Asked(_) => 0,
        }
    }
}

impl Inside {
    /// Adds an exchange to those that came before it, as long as they fit into a block.
    fn gather(&mut self, draft: Draft, reserved: Reserved) {
        if let Some(Job::Write(last)) = self.jobs.back_mut()
            && !last.gathered.is_full()
        {
            last.gathered.add(draft);
            return last.reserved.absorb(reserved);
        }
        let mut gathered = self.spare.take().unwrap_or_default();
        gathered.add(draft);
        self.jobs.push_back(Job::Write(Waiting { gathered, reserved }));
    }

    fn pop_asked(&mut self) -> Option<Asked> {
        let place = self.jobs.iter().position(|job| matches!(job, Job::Asked(_)))?;
        let Some(Job::Asked(asked)) = self.jobs.remove(place) else { return None };
        self.asked -= 1;
        Some(asked)
    }

    fn pop(&mut self) -> Option<Job> {
        let job = self.jobs.pop_front()?;
        self.asked -= usize::from(matches!(job, Job::Asked(_)));
        self.bytes -= job.bytes();
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
