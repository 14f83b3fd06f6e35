//! What is known of something that is wrong, as it is counted and in words.
//!
//! Must not know: since when it is, or who is told.

use crate::alert::Subject;
use crate::human;
use crate::observe::slo::{BudgetReport, BurnReport, Severity};
use serde::Serialize;

/// Something that is wrong at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// What is known of it.
    pub facts: Facts,
}

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Facts {
    /// Of an error budget.
    Budget(BudgetFacts),
    /// Of an endpoint.
    Endpoint(EndpointFacts),
}

/// An error budget, as its report has it. Times are in seconds, shares between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetFacts {
    /// The share of good events that is promised.
    pub objective: f64,
    /// The time over which it is.
    pub window_seconds: u64,
    /// Events in that time.
    pub events: u64,
    /// The bad among them.
    pub bad_events: u64,
    /// What is left of the budget; below 0 when it is overdrawn.
    pub remaining_ratio: Option<f64>,
    /// Until it is spent, 0 when it is; null when it lasts.
    pub exhausted_in_seconds: Option<u64>,
    /// The pairs of windows over which it burns too fast.
    pub burn: Vec<BurnReport>,
}

/// The attempts at an endpoint in the last minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointFacts {
    /// How many there were.
    pub attempts: u64,
    /// How many of them failed by the endpoint's fault.
    pub failed: u64,
    /// The time they are counted over.
    pub window_seconds: u64,
    /// What the last failure was, as `error_type` has it.
    pub last_error: Option<&'static str>,
    /// Models whose requests failed there.
    pub models: Vec<String>,
}

impl BudgetFacts {
    /// Those of a report, with the pairs of windows that burn at `severity`.
    pub(super) fn of(report: &BudgetReport, severity: Option<Severity>) -> Self {
        let burns = |burn: &&BurnReport| burn.burning && Some(burn.severity) == severity;
        Self {
            objective: report.objective,
            window_seconds: report.window_seconds,
            events: report.events,
            bad_events: report.bad_events,
            remaining_ratio: report.budget.remaining_ratio,
            exhausted_in_seconds: report.forecast.exhausted_in_seconds,
            burn: report.burn.iter().filter(burns).cloned().collect(),
        }
    }
}

impl Facts {
    /// The models that suffer.
    pub fn models(&self) -> &[String] {
        match self {
            Self::Budget(_) => &[],
            Self::Endpoint(endpoint) => &endpoint.models,
        }
    }

    /// What is wrong, in a sentence without its subject.
    pub fn words(&self) -> String {
        match self {
            Self::Budget(budget) if budget.burn.is_empty() => {
                let left = budget.remaining_ratio.unwrap_or_default();
                let days = human::brief(&human::seconds(budget.window_seconds as f64));
                let over = if left < 0.0 {
                    format!(", overdrawn by {}", human::brief(&human::share(-left)))
                } else {
                    String::new()
                };
                format!("the error budget of {days} is spent{over}")
            }
            // The first pair is the fastest; the others say the same more slowly.
            Self::Budget(budget) => {
                let pair = budget.burn.first().map(pair).unwrap_or_default();
                format!("the error budget burns {pair}")
            }
            Self::Endpoint(endpoint) => {
                let EndpointFacts { attempts, failed, .. } = endpoint;
                let last = endpoint.last_error.map_or_else(String::new, |e| format!(", last {e}"));
                format!("{failed} of {attempts} attempts failed in the last minute{last}")
            }
        }
    }
}

/// `21.3× over 1h and 34.0× over 5m; 14.4× is too fast`
fn pair(burn: &BurnReport) -> String {
    let rate = |rate: Option<f64>| human::factor(rate.unwrap_or_default());
    format!(
        "{} over {} and {} over {}; {} is too fast",
        rate(burn.long_rate),
        burn.long,
        rate(burn.short_rate),
        burn.short,
        human::brief(&human::factor(burn.factor)),
    )
}
