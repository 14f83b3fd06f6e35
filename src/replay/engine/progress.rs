//! How far a run is: a few numbers that anybody may read at any time.
//!
//! Must not know: how they are shown.

use crate::types::Micros;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Counts of a run under way, the warm-up included.
#[derive(Debug, Default)]
pub struct Progress {
    planned: AtomicU64,
    sent: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    /// Microseconds; 0 is not known.
    p95: AtomicU64,
    begins: OnceLock<Instant>,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Requests of the plan.
    pub planned: u64,
    /// Requests that were let go.
    pub sent: u64,
    /// Requests of which the sample is there, those that were not sent too.
    pub done: u64,
    /// Those of them that failed: neither answered, nor cancelled, nor left out.
    pub failed: u64,
    /// Requests sent a second so far.
    pub rate: f64,
    /// The 95th percentile of the latency so far, from the intended instants.
    pub p95: Option<Duration>,
    /// Since the run began.
    pub elapsed: Duration,
}

impl Progress {
    /// Reads all counts.
    pub fn snapshot(&self) -> Snapshot {
        let elapsed = self.begins.get().map_or(Duration::ZERO, Instant::elapsed);
        let sent = self.sent.load(Relaxed);
        let p95 = self.p95.load(Relaxed);
        Snapshot {
            planned: self.planned.load(Relaxed),
            sent,
            done: self.done.load(Relaxed),
            failed: self.failed.load(Relaxed),
            rate: if elapsed.is_zero() { 0.0 } else { sent as f64 / elapsed.as_secs_f64() },
            p95: (p95 > 0).then(|| Duration::from_micros(p95)),
            elapsed,
        }
    }

    pub(super) fn begin(&self, begins: Instant, planned: u64) {
        self.begins.get_or_init(|| begins);
        self.planned.store(planned, Relaxed);
    }

    pub(super) fn sent(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    pub(super) fn done(&self, failed: u64) {
        self.done.fetch_add(1, Relaxed);
        self.failed.fetch_add(failed, Relaxed);
    }

    pub(super) fn p95(&self, p95: Option<Micros>) {
        self.p95.store(p95.map_or(0, |p95| p95.0), Relaxed);
    }
}
