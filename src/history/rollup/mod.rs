//! What happened, in sums that survive a restart: by minute, hour and day, for each model and
//! for all together.
//!
//! Each request is counted in the minute it ended in, by the wall clock; a clock that was set
//! back adds to minutes that are there already. What was not saved yet is held in memory, at
//! most about 12 MiB, and saved in one stroke to minutes, hours and days alike. Minutes are
//! kept for 48 hours, hours for 60 days, days for 400, for 200 models and `_other`. Must not
//! know: pages, the database, or what a request is beyond its record.

mod buckets;
mod chart;
mod period;
mod retention;
mod shelf;
mod tally;
#[cfg(test)]
mod tests;
mod unsaved;
mod wire;

pub use buckets::{BUCKETS, Histogram, Quantity};
pub use chart::{Heatmap, Point, Series};
pub use period::{Period, Step};
pub use shelf::{MemoryShelf, Shelf, ShelfError};
pub use tally::{Tally, UpstreamTally};

use crate::observe::{RecordNames, RequestRecord};
use crate::types::{Clock, RollupRow, RollupSpan};
use parking_lot::{Mutex, MutexGuard};
use period::minute_of;
use retention::Retention;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use unsaved::{ALL, Taken, Unsaved};

/// How long a question waits for the shelf.
const PATIENCE: Duration = Duration::from_secs(2);

/// The sums. Counting never waits for the shelf; all else may, and has no place on a thread
/// that serves traffic.
pub struct Rollups {
    upstreams: Vec<Arc<str>>,
    unsaved: Mutex<Unsaved>,
    /// Held while sums move from memory to it, so that a question sees each of them once.
    shelf: Mutex<Box<dyn Shelf>>,
    retention: Mutex<Retention>,
    clock: Clock,
    /// Rows that could not be read, or saved.
    unreadable: AtomicU64,
    failures: AtomicU64,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The shelf gives no answer in time.
    #[error("the sums are busy")]
    Busy,
    /// It failed.
    #[error("the sums cannot be read: {0}")]
    Failed(ShelfError),
}

/// How the sums are doing, since the process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollupStatus {
    /// Requests that are in memory alone.
    pub unsaved: u64,
    /// Requests that are in no sum: they could not be saved for too long.
    pub dropped: u64,
    /// Times that saving failed.
    pub failures: u64,
    /// Rows on the shelf that made no sense.
    pub unreadable: u64,
}

impl Rollups {
    pub(super) fn new(upstreams: &[String], mut shelf: Box<dyn Shelf>) -> Self {
        let models = shelf.models().unwrap_or_else(|error| {
            tracing::warn!(%error, "the models of earlier sums cannot be read");
            Vec::new()
        });
        Self {
            upstreams: upstreams.iter().map(|name| name.as_str().into()).collect(),
            unsaved: Mutex::new(Unsaved::new(models)),
            shelf: Mutex::new(shelf),
            retention: Mutex::default(),
            clock: Clock::system(),
            unreadable: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Counts a request that ended at `ended`; in the future nothing has ended.
    pub(super) fn count(&self, record: &RequestRecord, names: &RecordNames, ended: SystemTime) {
        let minute = minute_of(ended.min(self.clock.date()));
        let name = || names.metrics.model(record.call.model).name().into();
        let mut unsaved = self.unsaved.lock();
        unsaved.of(minute, record.call.model, name).count(record, &self.upstreams);
    }

    /// The proxy is there, whether or not anything happens: to be called now and then, so that
    /// a minute without requests is not taken for one without a proxy.
    pub fn beat(&self) {
        self.unsaved.lock().beat(minute_of(self.clock.date()));
    }

    /// Saves what is in memory alone, and now and then forgets what is too old.
    ///
    /// # Errors
    /// When the shelf fails. It is all in memory still, up to its bound.
    pub fn save(&self) -> Result<(), ShelfError> {
        let mut shelf = self.shelf.lock();
        let taken = self.unsaved.lock().take();
        if let Err(error) = self.move_to(&mut **shelf, &taken) {
            self.unsaved.lock().put_back(taken);
            self.failures.fetch_add(1, Ordering::Relaxed);
            return Err(error);
        }
        let date = self.clock.date();
        if self.retention.lock().is_due(self.clock.now(), date) {
            for span in RollupSpan::ALL {
                let newest = span.slot_at(minute_of(date));
                shelf.forget(span, newest.saturating_sub(span.kept() - 1))?;
            }
        }
        Ok(())
    }

    fn move_to(&self, shelf: &mut dyn Shelf, taken: &Taken) -> Result<(), ShelfError> {
        let sums = self.unsaved.lock().sums(taken);
        let mut rows = Vec::with_capacity(sums.len());
        for ((model, span, slot), mut tally) in sums {
            for (_, sums) in shelf.read(&model, span, slot..slot.saturating_add(1))? {
                if let Some(before) = self.readable(&sums) {
                    tally.add(&before);
                }
            }
            rows.push(RollupRow { model, span, slot, sums: wire::encode(&tally) });
        }
        shelf.write(rows)
    }

    /// How they are doing.
    pub fn status(&self) -> RollupStatus {
        let unsaved = self.unsaved.lock();
        RollupStatus {
            unsaved: unsaved.requests(),
            dropped: unsaved.dropped(),
            failures: self.failures.load(Ordering::Relaxed),
            unreadable: self.unreadable.load(Ordering::Relaxed),
        }
    }

    /// The models that there are sums of, in the order of their names.
    pub fn models(&self) -> Vec<Arc<str>> {
        self.unsaved.lock().models()
    }

    fn shelf(&self) -> Result<MutexGuard<'_, Box<dyn Shelf>>, Unavailable> {
        self.shelf.try_lock_for(PATIENCE).ok_or(Unavailable::Busy)
    }

    /// What happened within `slots`: to `model`, by slot, and which of the slots are known at
    /// all. The end of the range may lie beyond what a slot can be.
    fn rows(
        &self,
        model: Option<&str>,
        (span, slots): (RollupSpan, Range<u32>),
    ) -> Result<BTreeMap<u32, Tally>, Unavailable> {
        let mut shelf = self.shelf()?;
        let mut rows = BTreeMap::new();
        for (slot, sums) in shelf.read(ALL, span, slots.clone()).map_err(Unavailable::Failed)? {
            let tally = if model.is_some() { Some(Tally::default()) } else { self.readable(&sums) };
            tally.map(|tally| rows.insert(slot, tally));
        }
        if let Some(model) = model {
            let mine = shelf.read(model, span, slots.clone()).map_err(Unavailable::Failed)?;
            for (slot, sums) in mine {
                self.readable(&sums).map(|tally| rows.insert(slot, tally));
            }
        }
        let unsaved = self.unsaved.lock();
        drop(shelf);
        unsaved.add_to(&mut rows, (model.unwrap_or(ALL), span, slots));
        Ok(rows)
    }

    /// A tally; `None`, with a warning, where the bytes make no sense.
    fn readable(&self, sums: &[u8]) -> Option<Tally> {
        let tally = wire::decode(sums);
        if tally.is_err() {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
            tracing::warn!("sums of past requests are not readable");
        }
        tally.ok()
    }
}
