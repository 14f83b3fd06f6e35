//! What waits for the thread: bounded, and in an order that suits those who wait.
//!
//! Must not know: the shelf.

use crate::cache::shelf::{ShelfFound, ShelfPut};
use crate::types::{CacheKey, Purge};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};
use tokio::sync::oneshot::Sender;

/// Changes that are taken at a time, and the bytes of their values: what a read may have to
/// wait for.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 1 << 20;
/// What a value takes beside its bytes: key, tags and bookkeeping, generously.
const OVERHEAD: usize = 256;
/// Purges that may wait, whatever else does.
const PURGES: usize = 256;

/// What may wait, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShelfLimits {
    /// Bytes of values to be stored.
    pub queue_bytes: usize,
    /// Values to be stored, and as many reads.
    pub queue_items: usize,
    /// How long somebody waits for a value.
    pub patience: Duration,
}

impl Default for ShelfLimits {
    fn default() -> Self {
        let patience = Duration::from_millis(50);
        Self { queue_bytes: 32 << 20, queue_items: 4_096, patience }
    }
}

/// Somebody waits for a value.
pub(super) struct Read {
    pub(super) key: CacheKey,
    pub(super) answer: Sender<Option<ShelfFound>>,
}

/// What changes the shelf.
pub(super) enum Change {
    Put { put: ShelfPut, since: Instant },
    Purge { purge: Purge, answer: Sender<u64> },
}

/// What the thread does next.
#[derive(Default)]
pub(super) struct Work {
    pub(super) reads: Vec<Read>,
    pub(super) changes: Vec<Change>,
}

/// The queue of one thread.
pub(super) struct Queue {
    limits: ShelfLimits,
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Default)]
struct Waiting {
    reads: Vec<Read>,
    changes: VecDeque<Change>,
    bytes: usize,
    purges: usize,
    state: State,
    pace: Pace,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Stopping,
}

/// How the thread gets on with what it took last.
#[derive(Default, PartialEq, Eq)]
enum Pace {
    #[default]
    Steady,
    /// Somebody gave it up.
    Stalled,
}

impl Queue {
    pub(super) fn new(limits: ShelfLimits) -> Self {
        Self { limits, waiting: Mutex::default(), filled: Condvar::new() }
    }

    /// Whether there was room, and hope: while the thread is known to take too long nobody
    /// else has to find that out.
    pub(super) fn push_read(&self, read: Read) -> bool {
        let mut waiting = self.waiting.lock();
        let has_room = waiting.reads.len() < self.limits.queue_items;
        if waiting.state == State::Stopping || waiting.pace == Pace::Stalled || !has_room {
            return false;
        }
        waiting.reads.push(read);
        self.filled.notify_one();
        true
    }

    /// Notes that a read was given up.
    pub(super) fn give_up(&self) {
        self.waiting.lock().pace = Pace::Stalled;
    }

    /// Whether there was room.
    pub(super) fn push_change(&self, change: Change) -> bool {
        let mut waiting = self.waiting.lock();
        let (bytes, puts) = (waiting.bytes + change.weight(), waiting.puts());
        let has_room = match change {
            Change::Put { .. } => {
                bytes <= self.limits.queue_bytes && puts < self.limits.queue_items
            }
            Change::Purge { .. } => waiting.purges < PURGES,
        };
        if waiting.state == State::Stopping || !has_room {
            return false;
        }
        waiting.bytes = bytes;
        waiting.purges += usize::from(change.is_purge());
        waiting.changes.push_back(change);
        self.filled.notify_one();
        true
    }

    /// Every read and a batch of changes, nothing at `until`; `None` once it was stopped.
    pub(super) fn next(&self, until: Instant) -> Option<Work> {
        let mut waiting = self.waiting.lock();
        waiting.pace = Pace::Steady;
        while waiting.is_empty() && waiting.state == State::Open {
            if self.filled.wait_until(&mut waiting, until).timed_out() {
                break;
            }
        }
        (waiting.state == State::Open).then(|| waiting.take())
    }

    /// The next of what is left after it was stopped; `None` at the end.
    pub(super) fn rest(&self) -> Option<Work> {
        let mut waiting = self.waiting.lock();
        (!waiting.is_empty()).then(|| waiting.take())
    }

    /// Takes nothing from now on, and tells the thread.
    pub(super) fn stop(&self) {
        self.waiting.lock().state = State::Stopping;
        self.filled.notify_one();
    }

    /// Drops what is left. Returns how many values it were.
    pub(super) fn close(&self) -> usize {
        let mut waiting = self.waiting.lock();
        let left = waiting.puts();
        *waiting = Waiting { state: State::Stopping, ..Waiting::default() };
        left
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.changes.is_empty()
    }

    fn puts(&self) -> usize {
        self.changes.len() - self.purges
    }

    fn take(&mut self) -> Work {
        let mut work = Work { reads: mem::take(&mut self.reads), changes: Vec::new() };
        let mut bytes = 0;
        while work.changes.len() < BATCH
            && bytes < BATCH_BYTES
            && let Some(change) = self.changes.pop_front()
        {
            bytes += change.weight();
            self.purges -= usize::from(change.is_purge());
            work.changes.push(change);
        }
        self.bytes -= bytes;
        work
    }
}

impl Change {
    fn is_purge(&self) -> bool {
        matches!(self, Self::Purge { .. })
    }

    fn weight(&self) -> usize {
        match self {
            Self::Put { put, .. } => put.value.len() + OVERHEAD,
            Self::Purge { .. } => 0,
        }
    }
}
