//! What is known of past requests, and how it gets over a restart.
//!
//! Must not know: what is kept of a request, or how it is stored.

use crate::config::Settings;
use crate::history::History;
use crate::history::rollup::{MemoryShelf, Shelf, ShelfError};
use crate::observe::{Metrics, Recording, Sink};
use crate::store::{Store, StoreError};
use crate::types::{RollupRow, RollupSpan};
use prometheus::IntCounter;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is seen to.
const TICK: Duration = Duration::from_secs(5);
/// How often sums are saved: a crash loses no more than this, and less after a quiet minute.
const SAVE: Duration = Duration::from_secs(60);
/// How long saving may take at the end.
const PATIENCE: Duration = Duration::from_secs(3);

/// The past that `settings` ask for, in `store` if there is one and in memory else.
pub(super) fn history(settings: &Settings, store: Option<&Arc<Store>>) -> Arc<History> {
    let upstreams: Vec<String> = settings.upstreams.iter().map(|u| u.name.clone()).collect();
    let objectives: Vec<String> = settings.slos.iter().map(|slo| slo.name.clone()).collect();
    let shelf: Box<dyn Shelf> = match store {
        Some(store) => Box::new(OnDisk(Arc::clone(store))),
        None => Box::new(MemoryShelf::default()),
    };
    History::new(settings.recent, (&upstreams, &objectives), shelf)
}

/// The history of a running proxy.
pub(super) struct Remembering {
    pub(super) history: Arc<History>,
    recording: Recording,
    /// Counts the requests that are in no sum.
    dropped: IntCounter,
    counted: AtomicU64,
}

impl Remembering {
    pub(super) fn new(history: Arc<History>, recording: Recording, metrics: &Metrics) -> Self {
        let (dropped, counted) = (metrics.dropped(Sink::History), AtomicU64::new(0));
        Self { history, recording, dropped, counted }
    }

    /// Saves sums until `stop`. By one task at a time.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        if self.recording == Recording::Off {
            return;
        }
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut saved: Option<Instant> = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let rollups = self.history.rollups();
            rollups.beat();
            // After a quiet minute at once, and never without reason.
            let is_due = saved.is_none_or(|saved| saved.elapsed() >= SAVE);
            if is_due && (saved.is_some() || rollups.status().unsaved > 0) {
                saved = Some(Instant::now());
                self.save().await;
            }
        }
    }

    /// Saves what is left, once nothing more comes.
    pub(super) async fn finish(&self) {
        if self.recording == Recording::Off {
            return;
        }
        if timeout(PATIENCE, self.save()).await.is_err() {
            tracing::warn!("sums of past requests were not saved in time");
        }
        // What could not be saved by now goes with the process.
        let status = self.history.rollups().status();
        self.count(status.dropped.saturating_add(status.unsaved));
    }

    async fn save(&self) {
        let history = Arc::clone(&self.history);
        // Disk work has no place on the runtime's threads.
        match spawn_blocking(move || history.rollups().save()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "sums of past requests were not saved"),
            Err(_) => tracing::error!("saving the sums of past requests panicked"),
        }
        self.count(self.history.rollups().status().dropped);
    }

    fn count(&self, dropped: u64) {
        let counted = self.counted.fetch_max(dropped, Ordering::Relaxed);
        self.dropped.inc_by(dropped.saturating_sub(counted));
    }
}

/// Sums on disk.
struct OnDisk(Arc<Store>);

impl Shelf for OnDisk {
    fn models(&mut self) -> Result<Vec<String>, ShelfError> {
        self.0.rollup_models().map_err(failed)
    }

    fn read(
        &mut self,
        model: &str,
        span: RollupSpan,
        slots: Range<u32>,
    ) -> Result<Vec<(u32, Vec<u8>)>, ShelfError> {
        self.0.read_rollups((model, span), slots).map_err(failed)
    }

    fn write(&mut self, rows: Vec<RollupRow>) -> Result<(), ShelfError> {
        self.0.write_rollups(rows).map_err(failed)
    }

    fn forget(&mut self, span: RollupSpan, before: u32) -> Result<(), ShelfError> {
        self.0.forget_rollups(span, before).map_err(failed)
    }
}

fn failed(error: StoreError) -> ShelfError {
    ShelfError(error.to_string())
}
