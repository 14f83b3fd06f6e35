//! When the metrics were read last: a proxy that nobody scrapes looks calm on every board.
//!
//! Must not know: who reads them.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The account. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Scrapes(Arc<Mutex<Option<Instant>>>);

impl Scrapes {
    /// Notes that somebody reads them now.
    pub(super) fn note(&self, now: Instant) {
        *self.0.lock() = Some(now);
    }

    /// How long ago that was; `None` where nobody ever did.
    pub(super) fn ago(&self, now: Instant) -> Option<Duration> {
        self.0.lock().map(|last| now.saturating_duration_since(last))
    }
}
