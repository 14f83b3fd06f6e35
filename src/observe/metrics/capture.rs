//! What becomes of exchanges that are to be written down.
//!
//! Must not know: how they are, or where.

use super::families::Families;
use super::names::Metric;
use prometheus::{IntCounter, IntGauge};

/// What may become of an exchange: the values of the label `result`.
pub const CAPTURE_RESULTS: [&str; 7] =
    ["written", "sampled_out", "replay", "queue_full", "paused", "too_large", "write_error"];

/// The process's.
pub struct CaptureSeries {
    results: [IntCounter; CAPTURE_RESULTS.len()],
    paused: IntGauge,
    bytes: IntGauge,
    queued: IntGauge,
}

/// What capture has counted since the process began, and how it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureFigures {
    /// In the order of [`CAPTURE_RESULTS`].
    pub results: [u64; CAPTURE_RESULTS.len()],
    /// Whether nothing can be written.
    pub paused: bool,
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes that wait to be written.
    pub queued: u64,
}

impl CaptureSeries {
    pub(super) fn new(families: &Families) -> Self {
        Self {
            results: CAPTURE_RESULTS
                .map(|result| families.counter(Metric::CaptureRecords, &[result])),
            paused: families.gauge(Metric::CapturePaused, &[]),
            bytes: families.gauge(Metric::CaptureBytes, &["disk"]),
            queued: families.gauge(Metric::CaptureBytes, &["queue"]),
        }
    }

    /// Catches up with what capture counts for itself. By one thread at a time.
    pub fn catch_up(&self, figures: &CaptureFigures) {
        for (counter, total) in self.results.iter().zip(figures.results) {
            counter.inc_by(total.saturating_sub(counter.get()));
        }
        let whole = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.paused.set(i64::from(figures.paused));
        self.bytes.set(whole(figures.bytes));
        self.queued.set(whole(figures.queued));
    }
}
