//! What becomes of what webhooks are told.
//!
//! Must not know: what that is, or how it is sent.

use super::families::Families;
use super::names::Metric;
use prometheus::IntCounter;

/// The values of the label `result`.
const RESULTS: [&str; 4] = ["delivered", "retried", "given_up", "dropped"];

/// One webhook's. Cloning shares them.
#[derive(Clone)]
pub struct WebhookSeries([IntCounter; RESULTS.len()]);

impl WebhookSeries {
    pub(super) fn new(families: &Families, webhook: &str) -> Self {
        Self(RESULTS.map(|result| families.counter(Metric::WebhookDeliveries, &[webhook, result])))
    }

    /// A message arrived.
    pub fn delivered(&self) {
        self.0[0].inc();
    }

    /// A try failed, and another one follows.
    pub fn retried(&self) {
        self.0[1].inc();
    }

    /// The last try failed.
    pub fn given_up(&self) {
        self.0[2].inc();
    }

    /// There was no room for a message, or no time at the end.
    pub fn dropped(&self) {
        self.0[3].inc();
    }
}
