//! The way to the thread.
//!
//! Must not know: how anything is written.

use super::queue::{Budget, Queue, Reserved};
use super::totals::{CaptureCounts, CaptureState, CaptureUsage, DropReason, Totals};
use super::{ArchiveError, Asked, Erase, Erased};
use crate::capture::Exchange;
use crate::capture::segment::Draft;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The way to the thread. Cloning shares it; the thread ends with the last one.
#[derive(Clone)]
pub struct CaptureHandle {
    queue: Arc<Queue>,
    totals: Arc<Totals>,
    budget: Arc<Budget>,
    _last: Arc<StopWithLast>,
}

/// Stops the thread when there is nobody left to ask it.
struct StopWithLast(Arc<Queue>);

impl Drop for StopWithLast {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl CaptureHandle {
    pub(super) fn new(queue: Arc<Queue>, totals: Arc<Totals>, budget: Arc<Budget>) -> Self {
        let last = Arc::new(StopWithLast(Arc::clone(&queue)));
        Self { queue, totals, budget, _last: last }
    }

    /// Reserves room for an exchange whose bodies are so many bytes. `None` while capture is
    /// paused, or where there is no room: it is not captured then, and that is counted. What
    /// is reserved is given back when the exchange was written, or the reservation is dropped.
    pub fn reserve(&self, bytes: u64) -> Option<Reserved> {
        if self.totals.is_paused() {
            self.drop_one(DropReason::Paused);
            return None;
        }
        let reserved = self.budget.reserve(bytes);
        if reserved.is_none() {
            self.drop_one(DropReason::QueueFull);
        }
        reserved
    }

    /// Takes more for an exchange under way. Where there is no room `None` comes back: all of
    /// it is given up, which is counted.
    pub fn grow(&self, mut reserved: Reserved, bytes: u64) -> Option<Reserved> {
        if reserved.grow(bytes) {
            return Some(reserved);
        }
        self.drop_one(DropReason::QueueFull);
        None
    }

    /// Counts an exchange for which there was no room after all.
    pub fn give_up(&self) {
        self.drop_one(DropReason::QueueFull);
    }

    /// Counts an exchange of which no record could be made.
    pub fn fail(&self) {
        self.drop_one(DropReason::WriteError);
    }

    /// Queues an exchange to be written. Never waits.
    pub fn submit(&self, exchange: &Exchange, reserved: Reserved) {
        if self.totals.is_paused() {
            return self.drop_one(DropReason::Paused);
        }
        // Here and not in the thread: what is given away in one piece costs less than what is
        // let go of piece by piece where it was not made.
        let Ok(draft) = Draft::of(exchange) else { return self.drop_one(DropReason::TooLarge) };
        if !self.queue.write(draft, reserved) {
            self.drop_one(DropReason::WriteError);
        }
    }

    /// Removes the records that `what` names, and of what was submitted before.
    ///
    /// # Errors
    /// When a file cannot be written; what was not reached then is still there.
    pub async fn erase(&self, what: Erase) -> Result<Erased, ArchiveError> {
        let (answer, erased) = oneshot::channel();
        self.ask(Asked::Erase(what, answer), erased).await
    }

    /// Ends the segment that is written, so that it can be copied elsewhere.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn roll(&self) -> Result<(), ArchiveError> {
        let (answer, rolled) = oneshot::channel();
        self.ask(Asked::Roll(answer), rolled).await
    }

    /// What has been counted so far.
    pub fn counts(&self) -> CaptureCounts {
        self.totals.counts()
    }

    /// What is on the disk, as of the last time that was looked at, and what waits to be.
    pub fn usage(&self) -> CaptureUsage {
        self.totals.usage(self.budget.used())
    }

    /// Whether anything can be written.
    pub fn state(&self) -> CaptureState {
        self.totals.state()
    }

    /// Has the thread write what is queued and end, within two seconds as long as the disk
    /// does not hang; returns at once. From now on nothing is taken.
    pub fn stop(&self) {
        self.queue.stop();
    }

    async fn ask<T>(
        &self,
        asked: Asked,
        answer: oneshot::Receiver<Result<T, ArchiveError>>,
    ) -> Result<T, ArchiveError> {
        if !self.queue.ask(asked) {
            return Err(ArchiveError::Stopped);
        }
        answer.await.map_err(|_| ArchiveError::Stopped)?
    }

    fn drop_one(&self, reason: DropReason) {
        self.totals.lose(reason, 1);
    }
}
