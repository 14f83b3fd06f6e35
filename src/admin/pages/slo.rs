//! Error budgets, the one with the least left first.
//!
//! Must not know: how they are reckoned.

use super::{Form, Frame, Shown};
use crate::admin::AdminState;
use crate::human;
use crate::observe::slo::{BudgetReport, State as BudgetState};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;

#[derive(Template, Serialize)]
#[template(path = "slo.html")]
struct SloPage {
    #[serde(skip)]
    frame: Frame,
    budgets: Vec<Budget>,
}

/// A budget with what is said of it.
#[derive(Serialize)]
struct Budget {
    #[serde(flatten)]
    report: BudgetReport,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
) -> Response {
    let mut budgets = state.observer.slos().report(state.clock.date());
    let left = |budget: &BudgetReport| budget.budget.remaining_ratio.unwrap_or(f64::INFINITY);
    budgets.sort_by(|a, b| left(a).total_cmp(&left(b)).then_with(|| a.slo.cmp(&b.slo)));
    let budgets = budgets.into_iter().map(|report| Budget { report }).collect();
    Shown(form, SloPage { frame, budgets }).into_response()
}

impl SloPage {
    /// How many budgets are in trouble.
    fn sentence(&self) -> String {
        let in_trouble = self.budgets.iter().filter(|budget| budget.tone() == "bad").count();
        match (self.budgets.len(), in_trouble) {
            (0, _) => "No objective has a model to be about yet.".to_owned(),
            (1, 0) => "The error budget lasts.".to_owned(),
            (all, 0) => format!("All {all} error budgets last."),
            (_, 1) => "One error budget is burning or gone.".to_owned(),
            (_, many) => format!("{many} error budgets are burning or gone."),
        }
    }
}

impl Budget {
    fn left(&self) -> Option<f64> {
        self.report.budget.remaining_ratio
    }

    /// From 0 to 120, the length of the bar.
    fn level(&self) -> f64 {
        (self.left().unwrap_or(0.0).clamp(0.0, 1.0) * 1200.0).round() / 10.0
    }

    fn left_said(&self) -> String {
        self.left()
            .map_or_else(|| human::UNKNOWN.to_owned(), |left| human::brief(&human::share(left)))
    }

    fn tone(&self) -> &'static str {
        match self.report.state {
            BudgetState::Page | BudgetState::Exhausted => "bad",
            BudgetState::Ticket => "doubt",
            BudgetState::Ok => "good",
            BudgetState::NoTraffic | BudgetState::InsufficientTraffic => "",
        }
    }

    fn state(&self) -> &'static str {
        match self.report.state {
            BudgetState::Page => "! Burning",
            BudgetState::Exhausted => "× Spent",
            BudgetState::Ticket => "~ Too fast",
            BudgetState::Ok => "✓ Lasts",
            BudgetState::NoTraffic => "No traffic",
            BudgetState::InsufficientTraffic => "Insufficient traffic",
        }
    }

    /// What is promised, in words.
    fn promise(&self) -> String {
        let share = human::brief(&human::share(self.report.objective));
        let days = human::brief(&human::seconds(self.report.window_seconds as f64));
        let limit = self.report.threshold_seconds.map(human::seconds);
        let limit =
            limit.map_or_else(String::new, |limit| format!(" within {}", human::brief(&limit)));
        format!(
            "{share} {}{limit}, {}",
            self.report.kind,
            window(self.report.window_seconds, &days)
        )
    }

    fn gone(&self) -> String {
        match self.report.forecast.exhausted_in_seconds {
            Some(0) => "spent".to_owned(),
            Some(left) => {
                let left = Duration::from_secs(left);
                format!("gone in {}", human::seconds(left.as_secs_f64()))
            }
            None if self.left().is_some() => "lasts".to_owned(),
            None => human::UNKNOWN.to_owned(),
        }
    }

    fn rate(rate: &Option<f64>) -> String {
        rate.map_or_else(|| human::UNKNOWN.to_owned(), human::factor)
    }
}

fn window(seconds: u64, otherwise: &str) -> String {
    match seconds / 86_400 {
        days @ 1.. if seconds.is_multiple_of(86_400) => format!("{days} d"),
        _ => otherwise.to_owned(),
    }
}
