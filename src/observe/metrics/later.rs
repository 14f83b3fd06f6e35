//! Series of features that are yet to come: they stand at 0, so that dashboards and alerts
//! can be written, and none of them misses its first event.
//!
//! Must not know: what will count them.

use super::families::Families;
use super::names::Metric;

const RELOAD_RESULTS: [&str; 2] = ["success", "failure"];

/// The process's. Fallbacks have no series before the first one: nobody knows from which
/// model to which.
pub(super) fn of_process(families: &Families) {
    for result in RELOAD_RESULTS {
        families.counter(Metric::ConfigReloads, &[result]);
    }
}

/// An upstream's.
pub(super) fn of_upstream(families: &Families, upstream: &str) {
    families.gauge(Metric::CircuitState, &[upstream]);
}

/// A model's.
pub(super) fn of_model(families: &Families, model: &str) {
    families.histogram(Metric::QueueWait, &[model]);
}
