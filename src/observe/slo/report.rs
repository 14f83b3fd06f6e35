//! What is left of a budget, as pages and programs are told.
//!
//! Must not know: how events are kept. What is not known is null, never 0 or 100 %.

use crate::observe::slo::budget::{Budget, Moment, Objective};
use crate::observe::slo::burn::{self, FEWEST_BAD, Pair};
use crate::observe::slo::{Anomaly, Goodput, Indicator, Severity, forecast};
use serde::Serialize;

/// One budget. Times are in seconds, shares between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetReport {
    /// The objective's name.
    pub slo: String,
    /// The model; null for an objective of a route.
    pub model: Option<String>,
    /// `availability`, `ttft`, `tpot`, `latency` or `goodput`.
    pub kind: &'static str,
    /// The limit, for the kinds that have one.
    pub threshold_seconds: Option<f64>,
    /// The limits of `goodput`.
    pub limits: Option<GoodputLimits>,
    /// The share of good events that is promised.
    pub objective: f64,
    /// The time over which it is.
    pub window_seconds: u64,
    /// Events in that time.
    pub events: u64,
    /// The bad among them.
    pub bad_events: u64,
    /// The share of good events.
    pub sli: Option<f64>,
    /// What is left of the bad events that may be.
    pub budget: BudgetLeft,
    /// How fast it burns.
    pub burn: Vec<BurnReport>,
    /// When it is spent.
    pub forecast: Forecast,
    /// Whether the last minutes are unusual.
    pub anomaly: Anomaly,
    /// All of it in a word.
    pub state: State,
}

/// The limits of `goodput`, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GoodputLimits {
    /// Until the first token.
    pub ttft_seconds: Option<f64>,
    /// Per output token after the first.
    pub tpot_seconds: Option<f64>,
    /// The whole answer.
    pub latency_seconds: Option<f64>,
}

/// Shares of the bad events that may be among so many; below 0 and above 1 when there were
/// more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BudgetLeft {
    /// What may still happen.
    pub remaining_ratio: Option<f64>,
    /// What has happened.
    pub consumed_ratio: Option<f64>,
}

/// How fast a budget burns over two windows; a rate of 1 spends it in exactly its period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BurnReport {
    /// How soon somebody has to look when it burns.
    pub severity: Severity,
    /// The long window, as Prometheus writes it.
    pub long: String,
    /// The short one.
    pub short: String,
    /// The rate that is too fast.
    pub factor: f64,
    /// The rate over the long window.
    pub long_rate: Option<f64>,
    /// The rate over the short one.
    pub short_rate: Option<f64>,
    /// Whether both are too fast, proven by at least five bad events.
    pub burning: bool,
}

/// What comes if things go on as they do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Until the budget is spent, 0 when it is; null when it lasts.
    pub exhausted_in_seconds: Option<u64>,
}

/// A budget in a word, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    /// Nothing was judged, so nothing is known.
    #[serde(rename = "no traffic")]
    NoTraffic,
    /// Too few bad events to call it burning, though their share is high.
    #[serde(rename = "insufficient traffic")]
    InsufficientTraffic,
    /// It lasts.
    #[serde(rename = "ok")]
    Ok,
    /// It burns too fast for the period.
    #[serde(rename = "ticket")]
    Ticket,
    /// It burns so fast that it is gone within days.
    #[serde(rename = "page")]
    Page,
    /// It is spent.
    #[serde(rename = "exhausted")]
    Exhausted,
}

/// The report on one budget in `minute`.
pub(super) fn of(budget: &Budget, minute: u32) -> BudgetReport {
    let objective = &budget.objective;
    let settings = &objective.settings;
    budget.at(minute, |moment| {
        let counts = moment.within(objective.period());
        let consumed = burn::rate(counts, objective.allowed());
        let good = counts.total.saturating_sub(counts.bad);
        let forecast = forecast::exhausted_in(objective, moment);
        BudgetReport {
            slo: budget.key.slo.clone(),
            model: Some(budget.key.model.clone()).filter(|model| !model.is_empty()),
            kind: settings.indicator.word(),
            threshold_seconds: threshold(settings.indicator),
            limits: limits(settings.indicator),
            objective: settings.objective,
            window_seconds: settings.window.as_secs(),
            events: counts.total,
            bad_events: counts.bad,
            sli: (counts.total > 0).then(|| good as f64 / counts.total as f64),
            budget: BudgetLeft {
                remaining_ratio: consumed.map(|consumed| 1.0 - consumed),
                consumed_ratio: consumed,
            },
            burn: objective.pairs.iter().map(|pair| rates(pair, objective, moment)).collect(),
            forecast: Forecast { exhausted_in_seconds: forecast.map(|left| left.as_secs()) },
            anomaly: moment.anomaly,
            state: state(objective, moment),
        }
    })
}

fn rates(pair: &Pair, objective: &Objective, moment: &Moment<'_>) -> BurnReport {
    let rate = |window| burn::rate(moment.within(window), objective.allowed());
    BurnReport {
        severity: pair.severity,
        long: burn::label(pair.long),
        short: burn::label(pair.short),
        factor: pair.factor,
        long_rate: rate(pair.long),
        short_rate: rate(pair.short),
        burning: too_fast(pair, objective, moment) && proven(pair.long, moment),
    }
}

fn state(objective: &Objective, moment: &Moment<'_>) -> State {
    let period = objective.period();
    let all = moment.within(period);
    let Some(consumed) = burn::rate(all, objective.allowed()) else { return State::NoTraffic };
    let burning = objective.pairs.iter().filter(|pair| too_fast(pair, objective, moment));
    let states = burning.map(|pair| match pair.severity {
        _ if !proven(pair.long, moment) => State::InsufficientTraffic,
        Severity::Page => State::Page,
        Severity::Ticket => State::Ticket,
    });
    let spent = if all.bad >= FEWEST_BAD { State::Exhausted } else { State::InsufficientTraffic };
    states.chain((consumed >= 1.0).then_some(spent)).max().unwrap_or(State::Ok)
}

fn too_fast(pair: &Pair, objective: &Objective, moment: &Moment<'_>) -> bool {
    [pair.long, pair.short].into_iter().all(|window| {
        let rate = burn::rate(moment.within(window), objective.allowed());
        rate.is_some_and(|rate| rate > pair.factor)
    })
}

fn proven(window: u32, moment: &Moment<'_>) -> bool {
    moment.within(window).bad >= FEWEST_BAD
}

fn threshold(indicator: Indicator) -> Option<f64> {
    match indicator {
        Indicator::FirstToken(limit) | Indicator::PerToken(limit) | Indicator::Latency(limit) => {
            Some(limit.as_secs_f64())
        }
        Indicator::Availability | Indicator::Goodput(_) => None,
    }
}

fn limits(indicator: Indicator) -> Option<GoodputLimits> {
    let Indicator::Goodput(Goodput { first_token, per_token, latency }) = indicator else {
        return None;
    };
    Some(GoodputLimits {
        ttft_seconds: first_token.map(|limit| limit.as_secs_f64()),
        tpot_seconds: per_token.map(|limit| limit.as_secs_f64()),
        latency_seconds: latency.map(|limit| limit.as_secs_f64()),
    })
}
