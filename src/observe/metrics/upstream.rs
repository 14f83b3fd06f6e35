//! The upstream view: attempts, retries, and whether it answers probes.
//!
//! Must not know: callers or models.

use super::families::Families;
use super::later;
use super::names::Metric;
use crate::observe::Attempt;
use crate::types::ErrorType;
use prometheus::{IntCounter, IntGauge};

/// One upstream's series.
pub(super) struct UpstreamSeries {
    name: String,
    up: IntGauge,
    succeeded: IntCounter,
    failed: Vec<IntCounter>,
    retried: Vec<IntCounter>,
}

impl UpstreamSeries {
    pub(super) fn new(families: &Families, name: &str) -> Self {
        let by_error = |metric| {
            let series = |error: ErrorType| families.counter(metric, &[name, error.label()]);
            ErrorType::all().map(series).collect()
        };
        later::of_upstream(families, name);
        Self {
            name: name.to_owned(),
            up: families.gauge(Metric::UpstreamUp, &[name]),
            succeeded: families.counter(Metric::UpstreamAttempts, &[name, "success"]),
            failed: by_error(Metric::UpstreamAttempts),
            retried: by_error(Metric::Retries),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn up(&self) -> &IntGauge {
        &self.up
    }

    pub(super) fn record(&self, attempt: &Attempt, retried: bool) {
        let Some(error) = attempt.error else {
            self.succeeded.inc();
            return;
        };
        self.failed[error.index()].inc();
        if retried {
            self.retried[error.index()].inc();
        }
    }
}
