//! Keeps error budgets over time: rolls their windows, and saves what happened every minute
//! and at the end, so that a restart forgets nothing.
//!
//! Must not know: how events are judged, or how they are stored.

use crate::observe::{Observer, Sink, SloBook};
use crate::store::Store;
use crate::types::{Clock, SloHistory};
use prometheus::IntCounter;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often windows move on and gauges are brought up to date.
const TICK: Duration = Duration::from_secs(5);
/// How often budgets are saved; a crash loses no more than this.
const SAVE: Duration = Duration::from_secs(60);

/// What an earlier process saved.
pub(super) fn saved(store: Option<&Store>, clock: Clock) -> Vec<SloHistory> {
    store.map(|store| store.load_slo(minute_of(clock.date()))).unwrap_or_default()
}

/// The objectives and where they are kept.
pub(super) struct Budgets {
    book: Arc<SloBook>,
    store: Option<Arc<Store>>,
    clock: Clock,
    /// Counts what could not be saved.
    dropped: IntCounter,
}

impl Budgets {
    /// Those that `observer` judges by, kept in `store`.
    pub(super) fn of(observer: &Observer, store: Option<Arc<Store>>, clock: Clock) -> Self {
        Self {
            book: Arc::clone(observer.slos()),
            store,
            clock,
            dropped: observer.metrics().dropped(Sink::Slo),
        }
    }

    /// Ticks and saves until `stop`, and then once more.
    pub(super) async fn keep(self, stop: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut saved = Instant::now();
        let budgets = Arc::new(self);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = ticks.tick() => {}
            }
            budgets.book.tick(budgets.clock.date());
            if saved.elapsed() >= SAVE || stop.is_cancelled() {
                saved = Instant::now();
                let budgets = Arc::clone(&budgets);
                // Disk work has no place on the runtime's threads.
                if tokio::task::spawn_blocking(move || budgets.save()).await.is_err() {
                    tracing::error!("saving the error budgets panicked");
                }
            }
        }
    }

    fn save(&self) {
        let Some(store) = &self.store else { return };
        let unsaved = self.book.take_unsaved();
        let events: u64 = unsaved.iter().flat_map(|(_, slots)| slots).map(|s| s.counts.total).sum();
        if let Err(error) = store.save_minutes(&unsaved) {
            self.dropped.inc_by(events);
            tracing::warn!(%error, events, "error budgets were not saved");
        }
        if let Err(error) = store.write_snapshot(&self.book.histories()) {
            tracing::warn!(%error, "the snapshot of the error budgets was not written");
        }
    }
}

/// Minutes since the epoch; 0 for a clock that stands before it.
fn minute_of(date: SystemTime) -> u32 {
    let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() / 60).unwrap_or(u32::MAX)
}
