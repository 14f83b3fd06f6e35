//! A row for each model, the one with the least budget first.
//!
//! Must not know: how a budget is reckoned, or how a row looks.

use crate::admin::AdminState;
use crate::admin::charts::sparkline;
use crate::history::rollup::{Period, Quantity, Step};
use crate::human;
use crate::observe::slo::{BudgetReport, State as BudgetState};
use crate::observe::{ModelFigures, Quantiles};
use serde::Serialize;
use std::collections::BTreeMap;

/// Rows with a picture: each is read from the disk by itself.
const PICTURES: usize = 20;
/// Steps of a picture at most.
const STEPS: usize = 60;

/// How a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Health {
    /// No upstream that serves it answers.
    Down,
    /// Its error budget is gone.
    Spent,
    /// It burns so fast that it is gone within days.
    Burning,
    /// It burns too fast for the period.
    Slow,
    /// More of it went wrong than it promises, of too few requests to say that it burns.
    InsufficientTraffic,
    /// Well.
    Healthy,
    /// Nobody asks for it.
    Quiet,
}

/// A model.
#[derive(Serialize)]
pub(super) struct ModelRow {
    pub(super) name: String,
    pub(super) upstreams: Vec<String>,
    pub(super) health: Health,
    /// The share of its worst budget that is left.
    pub(super) budget_left: Option<f64>,
    /// How many times too fast that burns, over the last hour.
    pub(super) burn: Option<f64>,
    /// When it is gone, in seconds.
    pub(super) gone_in: Option<u64>,
    pub(super) requests_per_second: f64,
    pub(super) success_ratio: Option<f64>,
    pub(super) ttft_p50: Option<f64>,
    pub(super) ttft_p95: Option<f64>,
    pub(super) tpot_p50: Option<f64>,
    pub(super) tokens_per_second: f64,
    pub(super) cache_share: Option<f64>,
    pub(super) in_flight: i64,
    #[serde(skip)]
    pub(super) picture: String,
}

/// The rows.
pub(super) fn rows(state: &AdminState, period: &Period) -> Vec<ModelRow> {
    let figures = state.sampler.figures(state.clock.now());
    let budgets = worst(state.observer.slos().report(state.clock.date()));
    let served = served(state);
    let row = |figures: &ModelFigures| row(figures, budgets.get(&figures.name), &served);
    let mut rows: Vec<ModelRow> = figures.models.iter().map(row).collect();
    let left = |row: &ModelRow| row.budget_left.unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| {
        let by_health = a.health.cmp(&b.health);
        by_health.then(left(a).total_cmp(&left(b))).then_with(|| a.name.cmp(&b.name))
    });
    for row in rows.iter_mut().take(PICTURES) {
        add_past(row, state, period);
    }
    rows
}

/// The worst budget of each model: by its state, and of two in the same with less left.
fn worst(reports: Vec<BudgetReport>) -> BTreeMap<String, BudgetReport> {
    let mut worst: BTreeMap<String, BudgetReport> = BTreeMap::new();
    let left = |report: &BudgetReport| report.budget.remaining_ratio.unwrap_or(f64::INFINITY);
    let is_worse = |one: &BudgetReport, other: &BudgetReport| {
        let by_state = one.state.cmp(&other.state);
        by_state.then_with(|| left(other).total_cmp(&left(one))).is_gt()
    };
    for report in reports {
        let Some(model) = report.model.clone() else { continue };
        if worst.get(&model).is_none_or(|known| is_worse(&report, known)) {
            worst.insert(model, report);
        }
    }
    worst
}

/// The upstreams of each model, and whether one of them answers.
fn served(state: &AdminState) -> BTreeMap<String, (Vec<String>, bool)> {
    let metrics = state.observer.metrics();
    let up = |index| metrics.upstream_up(index).is_some_and(|up| up.get() == 1);
    let catalog = state.catalog.load();
    let of = |model: &std::sync::Arc<crate::upstream::Model>| {
        let upstreams = model.targets.iter().map(|target| &target.upstream);
        let names = upstreams.clone().map(|upstream| upstream.settings.name.clone());
        let answers = upstreams.clone().any(|upstream| up(upstream.index));
        (model.name.clone(), (names.collect(), answers))
    };
    catalog.models().iter().map(of).collect()
}

fn row(
    figures: &ModelFigures,
    budget: Option<&BudgetReport>,
    served: &BTreeMap<String, (Vec<String>, bool)>,
) -> ModelRow {
    let (upstreams, answers) = served.get(&figures.name).cloned().unwrap_or((Vec::new(), true));
    let health = match budget.map(|budget| budget.state) {
        _ if !answers => Health::Down,
        Some(BudgetState::Exhausted) => Health::Spent,
        Some(BudgetState::Page) => Health::Burning,
        Some(BudgetState::Ticket) => Health::Slow,
        Some(BudgetState::InsufficientTraffic) => Health::InsufficientTraffic,
        Some(BudgetState::NoTraffic) | None if figures.requests_total == 0 => Health::Quiet,
        _ => Health::Healthy,
    };
    let p50 = |of: Option<Quantiles>| of.map(|of| of.p50);
    ModelRow {
        name: figures.name.clone(),
        upstreams,
        health,
        budget_left: budget.and_then(|budget| budget.budget.remaining_ratio),
        burn: budget.and_then(|budget| budget.burn.first()?.long_rate),
        gone_in: budget.and_then(|budget| budget.forecast.exhausted_in_seconds),
        requests_per_second: figures.requests_per_second,
        success_ratio: figures.success_ratio,
        ttft_p50: p50(figures.first_token),
        ttft_p95: figures.first_token.map(|of| of.p95),
        tpot_p50: None,
        tokens_per_second: figures.tokens_per_second,
        cache_share: None,
        in_flight: figures.in_flight,
        picture: String::new(),
    }
}

/// What the sums of the period say.
fn add_past(row: &mut ModelRow, state: &AdminState, period: &Period) {
    let rollups = state.history.rollups();
    let step = Step::suited_to(period, state.clock.date());
    let Ok(series) = rollups.series(Some(&row.name), period, step) else { return };
    let p95 = |quantity: Quantity| -> Vec<Option<f64>> {
        let tallies = series.points.iter().map(|point| point.tally.as_ref());
        let values = tallies.map(|tally| tally?.times(quantity).quantile(0.95));
        values.map(|value| value.map(|time| time.as_secs_f64())).collect()
    };
    let first_token = p95(Quantity::FirstToken);
    let (points, of) = match first_token.iter().flatten().next() {
        Some(_) => (first_token, "first token"),
        None => (p95(Quantity::Duration), "latency"),
    };
    let label = format!("p95 {of} of {}", row.name);
    row.picture = sparkline(&super::tiles::thinned(&points, STEPS), None, &label);
    let mut sum = crate::history::rollup::Tally::default();
    series.points.iter().filter_map(|point| point.tally.as_ref()).for_each(|tally| sum.add(tally));
    row.cache_share = sum.cache_share();
    let per_token = sum.times(Quantity::PerToken).quantile(0.5);
    row.tpot_p50 = per_token.map(|time| time.as_secs_f64());
}

impl Health {
    /// Whether somebody has to look.
    pub(super) fn is_bad(self) -> bool {
        matches!(self, Self::Down | Self::Spent | Self::Burning)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Down => "× Down",
            Self::Spent => "× Spent",
            Self::Burning => "! Burning",
            Self::Slow => "~ Too fast",
            Self::InsufficientTraffic => "Insufficient traffic",
            Self::Healthy => "✓ Healthy",
            Self::Quiet => "Quiet",
        }
    }

    pub(super) fn tone(self) -> &'static str {
        match self {
            Self::Down | Self::Spent | Self::Burning => "bad",
            Self::Slow => "doubt",
            Self::Healthy => "good",
            Self::InsufficientTraffic | Self::Quiet => "",
        }
    }
}

impl ModelRow {
    /// The length of the budget's bar, of 120.
    pub(super) fn level(&self) -> f64 {
        (self.budget_left.unwrap_or(0.0).clamp(0.0, 1.0) * 1_200.0).round() / 10.0
    }

    pub(super) fn left_said(&self) -> String {
        say(self.budget_left, |left| human::brief(&human::share(left)))
    }

    pub(super) fn budget_tone(&self) -> &'static str {
        match self.budget_left {
            Some(left) if left < 0.25 => "bad",
            Some(left) if left < 0.65 => "doubt",
            _ => "good",
        }
    }

    pub(super) fn burn_said(&self) -> String {
        say(self.burn, human::factor)
    }

    pub(super) fn forecast(&self) -> String {
        match self.gone_in {
            Some(0) => "spent".to_owned(),
            Some(seconds) => format!("gone in {}", human::seconds(seconds as f64)),
            None if self.budget_left.is_some() => "lasts".to_owned(),
            None => String::new(),
        }
    }

    pub(super) fn share(value: &Option<f64>) -> String {
        say(*value, human::share)
    }

    pub(super) fn seconds(value: &Option<f64>) -> String {
        say(*value, human::seconds)
    }

    pub(super) fn rate(value: &f64) -> String {
        human::number(*value)
    }
}

fn say(value: Option<f64>, how: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| human::UNKNOWN.to_owned(), how)
}
