//! What was left of a budget, day by day, and where that leads.
//!
//! Must not know: how a budget is reckoned.

use crate::admin::AdminState;
use crate::admin::charts::{BudgetPoint, burn_down};
use crate::human;
use crate::observe::slo::BudgetReport;
use crate::types::SloKey;
use std::time::Duration;

/// Points of the curve.
const POINTS: u32 = 60;

/// The picture; `None` where nothing was judged.
pub(super) fn burn_down_of(state: &AdminState, budget: &BudgetReport) -> Option<String> {
    let now = state.clock.date();
    let period = Duration::from_secs(budget.window_seconds);
    let key = SloKey { slo: budget.slo.clone(), model: budget.model.clone().unwrap_or_default() };
    let slos = state.observer.slos();
    let all = slos.events_within(&key, period, now)?;
    let allowed = (1.0 - budget.objective) * all.total as f64;
    if allowed <= 0.0 {
        return None;
    }
    // Spent by then: all that is bad in the period, less what is bad since.
    let point = |step: u32| {
        let left_over = period.mul_f64(1.0 - f64::from(step) / f64::from(POINTS));
        let since = slos.events_within(&key, left_over, now).map_or(0, |events| events.bad);
        let spent = all.bad.saturating_sub(since) as f64;
        BudgetPoint { at: f64::from(step) / f64::from(POINTS), left: 1.0 - spent / allowed }
    };
    let points: Vec<BudgetPoint> = (0..=POINTS).map(point).collect();
    let words = budget
        .forecast
        .exhausted_in_seconds
        .filter(|seconds| *seconds > 0)
        .map(|seconds| format!("gone in {}", human::seconds(seconds as f64)));
    let begin = now.checked_sub(period).map(day).unwrap_or_default();
    Some(burn_down(&points, words.as_deref().map(|words| (1.0, words)), (&begin, "now")))
}

fn day(time: std::time::SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string().get(..10).unwrap_or_default().to_owned()
}
