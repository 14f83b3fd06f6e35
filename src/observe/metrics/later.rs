//! Series of features that are yet to come: they stand at 0, so that dashboards and alerts
//! can be written, and none of them misses its first event.
//!
//! Must not know: what will count them.

use super::families::Families;
use super::names::Metric;

const CACHE_TIERS: [&str; 3] = ["memory", "disk", "redis"];
const CACHE_RESULTS: [&str; 3] = ["hit", "miss", "stale"];
const CAPTURE_RESULTS: [&str; 3] = ["written", "dropped", "failed"];
const RELOAD_RESULTS: [&str; 2] = ["success", "failure"];

/// The process's. Fallbacks have no series before the first one: nobody knows from which
/// model to which.
pub(super) fn of_process(families: &Families) {
    for tier in CACHE_TIERS {
        for result in CACHE_RESULTS {
            families.counter(Metric::CacheRequests, &[tier, result]);
        }
        families.gauge(Metric::CacheEntries, &[tier]);
        families.gauge(Metric::CacheBytes, &[tier]);
        families.counter(Metric::CacheEvictions, &[tier]);
    }
    for result in CAPTURE_RESULTS {
        families.counter(Metric::CaptureRecords, &[result]);
    }
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
    families.exact(Metric::SavedSeconds, &[model]);
    families.counter(Metric::SavedTokens, &[model]);
    families.exact(Metric::SavedUsd, &[model]);
    for direction in ["input", "output"] {
        families.counter(Metric::Tokens, &[model, direction, "cache"]);
    }
}
