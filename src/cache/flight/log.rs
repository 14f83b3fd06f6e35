//! The part of an answer that is there so far, as far as it is held.
//!
//! Must not know: who reads it.

use crate::cache::entry::Frame;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// About what a chunk takes beside its bytes, so that many small ones count as what they are.
const CHUNK_OVERHEAD: usize = 64;

/// The room that logs have, one by one and together.
pub(super) struct Room {
    each: usize,
    together: usize,
    /// Bytes in all logs.
    held: AtomicUsize,
}

/// A log of chunks that lets go of its beginning when it grows beyond its room.
pub(super) struct Log {
    frames: VecDeque<Frame>,
    /// Chunks that were let go: the number of the first one that is held.
    gone: u64,
    bytes: usize,
    room: Arc<Room>,
    extent: Extent,
}

/// How much of the answer may be in the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All there is so far.
    Whole,
    /// Its end at most, since it grew beyond its room.
    Tail,
}

/// What a reader finds at its place.
pub(super) enum Read {
    /// The next chunk.
    Chunk(Frame),
    /// Nothing yet.
    UpToDate,
    /// The chunk was let go.
    Lagged,
}

impl Room {
    pub(super) const fn new(each: usize, together: usize) -> Self {
        Self { each, together, held: AtomicUsize::new(0) }
    }

    /// Bytes in all logs now.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Log {
    pub(super) fn new(room: Arc<Room>) -> Self {
        Self { frames: VecDeque::new(), gone: 0, bytes: 0, room, extent: Extent::Whole }
    }

    /// Appends a chunk. The newest one is held, whatever its size: some reader may be waiting
    /// for it.
    pub(super) fn push(&mut self, frame: Frame) {
        let cost = cost(&frame);
        self.bytes += cost;
        self.room.held.fetch_add(cost, Ordering::Relaxed);
        self.frames.push_back(frame);
        while self.bytes > self.room.each
            || self.room.held.load(Ordering::Relaxed) > self.room.together
        {
            self.extent = Extent::Tail;
            if self.frames.len() == 1 {
                break;
            }
            self.let_go();
        }
    }

    /// Lets go of a tail that nobody reads: it is of no further use.
    pub(super) fn nobody_reads(&mut self) {
        while self.extent == Extent::Tail && !self.frames.is_empty() {
            self.let_go();
        }
    }

    /// The chunk with this number, counted from 0.
    pub(super) fn read(&self, number: u64) -> Read {
        let Some(at) = number.checked_sub(self.gone) else { return Read::Lagged };
        match usize::try_from(at).ok().and_then(|at| self.frames.get(at)) {
            Some(frame) => Read::Chunk(frame.clone()),
            None => Read::UpToDate,
        }
    }

    /// Whether it never grew beyond its room.
    pub(super) fn is_whole(&self) -> bool {
        self.extent == Extent::Whole
    }

    /// Whether a reader can still begin at the first chunk.
    pub(super) fn has_its_beginning(&self) -> bool {
        self.gone == 0
    }

    /// All of the answer, if it is still there.
    pub(super) fn whole(&self) -> Option<Vec<Frame>> {
        self.is_whole().then(|| self.frames.iter().cloned().collect())
    }

    fn let_go(&mut self) {
        if let Some(oldest) = self.frames.pop_front() {
            let cost = cost(&oldest);
            self.bytes -= cost;
            self.room.held.fetch_sub(cost, Ordering::Relaxed);
            self.gone += 1;
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn cost(frame: &Frame) -> usize {
    frame.bytes.len() + CHUNK_OVERHEAD
}
