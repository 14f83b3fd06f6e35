//! The exported series of one budget.
//!
//! Must not know: how they are registered.

use prometheus::{Gauge, IntCounter};

/// Handles resolved once, when the budget comes to be.
#[derive(Clone)]
pub struct SloSeries {
    /// `transom_slo_events_total`
    pub events: IntCounter,
    /// `transom_slo_bad_events_total`
    pub bad: IntCounter,
    /// `transom_slo_objective_ratio`
    pub objective: Gauge,
    /// `transom_slo_error_budget_remaining_ratio`
    pub budget_remaining: Gauge,
    /// `transom_slo_burn_rate`, in the order of the windows asked for.
    pub burn: Vec<Gauge>,
}
