//! What became of the last batches of spans, for pages and for one warning at a time.
//!
//! Must not know: spans.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;

/// The exporter's own account. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct ExportHealth(Arc<Mutex<ExportReport>>);

/// When batches were last taken and last lost.
#[derive(Clone, Debug, Default)]
pub struct ExportReport {
    /// The last batch that the receiver took.
    pub sent: Option<Instant>,
    /// The last batch that was lost.
    pub lost: Option<Instant>,
    /// Why the last batch was lost; `None` once one was taken again.
    pub error: Option<String>,
}

/// Whether a batch changed the state of affairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Batches are lost from here on.
    Fails,
    /// Batches are taken again.
    Recovers,
    /// As before.
    None,
}

impl ExportHealth {
    /// The account so far.
    pub fn report(&self) -> ExportReport {
        self.0.lock().clone()
    }

    pub(super) fn sent(&self, now: Instant) -> Change {
        let mut report = self.0.lock();
        report.sent = Some(now);
        report.error.take().map_or(Change::None, |_| Change::Recovers)
    }

    pub(super) fn lost(&self, now: Instant, error: String) -> Change {
        let mut report = self.0.lock();
        report.lost = Some(now);
        report.error.replace(error).map_or(Change::Fails, |_| Change::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_loss_and_the_first_recovery_are_changes() {
        let (health, now) = (ExportHealth::default(), Instant::now());
        assert_eq!(health.sent(now), Change::None);
        assert_eq!(health.lost(now, "refused".into()), Change::Fails);
        assert_eq!(health.lost(now, "timed out".into()), Change::None);
        assert_eq!(health.report().error.as_deref(), Some("timed out"));
        assert_eq!(health.sent(now), Change::Recovers);
        assert_eq!(health.sent(now), Change::None);
        let report = health.report();
        assert_eq!((report.sent, report.lost, report.error), (Some(now), Some(now), None));
    }
}
