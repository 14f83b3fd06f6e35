//! When a budget is spent if things go on as they do now.
//!
//! Must not know: how events are kept.

use crate::observe::slo::budget::{Moment, Objective};
use crate::observe::slo::burn::{self, FEWEST_BAD};
use std::time::Duration;

/// What counts as now, for an objective over 30 days.
const NOW: u32 = 6 * 60;

/// The time until the budget is spent at the present rates of events and of bad ones; zero
/// when it is, `None` when it lasts, or when too little is known to say.
pub(super) fn exhausted_in(objective: &Objective, moment: &Moment<'_>) -> Option<Duration> {
    let allowed = objective.allowed();
    // Bad events that may still happen with those that have.
    let margin = |total: u64, bad: u64| allowed * total as f64 - bad as f64;
    let period = objective.period();
    let all = moment.within(period);
    if all.total == 0 {
        return None;
    }
    let left = margin(all.total, all.bad);
    if left <= 0.0 {
        return Some(Duration::ZERO);
    }
    // A young budget has a shorter now.
    let now = burn::scaled(NOW, objective.settings.window).min(moment.age());
    let recent = moment.within(now);
    let spent_per_minute = -margin(recent.total, recent.bad) / f64::from(now);
    if recent.bad < FEWEST_BAD || spent_per_minute <= 0.0 {
        return None;
    }
    let minutes = reach_zero(left, spent_per_minute, Age { is: moment.age(), most: period });
    Duration::try_from_secs_f64(minutes * 60.0).ok()
}

/// Minutes of past, and the most that count.
struct Age {
    is: u32,
    most: u32,
}

/// Minutes until `left` is gone. While the budget is younger than its period, nothing but
/// `spent` takes from it; after that each minute also takes away an old one, with the margin
/// that it had earned.
fn reach_zero(left: f64, spent: f64, age: Age) -> f64 {
    let young = f64::from(age.most.saturating_sub(age.is));
    if left <= spent * young {
        return left / spent;
    }
    let earned_per_minute = left / f64::from(age.is.min(age.most));
    young + (left - spent * young) / (spent + earned_per_minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_budget_is_spent_by_what_happens_alone() {
        assert_eq!(reach_zero(100.0, 2.0, Age { is: 60, most: 1_000 }), 50.0);
    }

    #[test]
    fn an_old_budget_also_loses_the_good_minutes_that_leave_the_window() {
        // 1 000 left of 1 000 minutes: each earned 1 that goes when it does.
        assert_eq!(reach_zero(1_000.0, 3.0, Age { is: 1_000, most: 1_000 }), 250.0);
    }

    #[test]
    fn a_budget_that_grows_old_meanwhile_does_both() {
        // 40 minutes until it is old take 80; the other 120 go at 2 + 200/60 a minute.
        let minutes = reach_zero(200.0, 2.0, Age { is: 60, most: 100 });
        assert!((minutes - (40.0 + 120.0 / (2.0 + 200.0 / 60.0))).abs() < 1e-9, "{minutes}");
    }
}
