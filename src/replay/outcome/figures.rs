//! What is read off a tally.
//!
//! Must not know: whether the figures count, or what they are compared with.

use super::tally::Tally;
use super::times::Times;
use crate::replay::{Failure, Metric, Quantity, Statistic};
use crate::types::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Requests of the warm-up, of which nothing else counts.
    pub warm_up: u64,
    /// Requests that count.
    pub requests: u64,
    /// Those without a failure.
    pub succeeded: u64,
    /// Those of them that are as the objectives ask.
    pub good: u64,
    /// The share of good ones, failures counted as not; `None` where no answer was due.
    pub good_share: Option<f64>,
    /// Requests by what failed, those that were cancelled or not sent too.
    pub failures: BTreeMap<Failure, u64>,
    /// From the first intended instant to the last byte of all.
    pub window: Micros,
    /// Tokens of the answers that came.
    pub tokens: TokenFigures,
    /// Requests a second.
    pub rate: RateFigures,
    /// How late the generator itself was.
    pub lag: LagFigures,
    /// All else. A metric is missing where there is nothing to tell it by.
    #[serde(with = "listed")]
    pub values: BTreeMap<Metric, f64>,
}

/// Tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFigures {
    /// Of prompts.
    pub input: u64,
    /// Generated.
    pub output: u64,
    /// Answers whose tokens the target did not count.
    pub guessed: u64,
}

/// Requests a second: of what was sent, by when it should have been and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateFigures {
    /// By the plan.
    pub intended: Option<f64>,
    /// In truth.
    pub achieved: Option<f64>,
}

/// How late the generator itself was, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LagFigures {
    /// The median.
    pub p50: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The worst.
    pub max: Option<f64>,
    /// Requests that waited because too many were in flight.
    pub held_back: u64,
}

const STATISTICS: [(Statistic, f64); 4] =
    [(Statistic::P50, 0.5), (Statistic::P90, 0.9), (Statistic::P95, 0.95), (Statistic::P99, 0.99)];

impl Figures {
    /// Reads the figures off a tally.
    pub fn of(tally: &Tally) -> Self {
        let due = tally.due();
        let share = |count: u64| (due > 0).then(|| count as f64 / due as f64);
        let window = tally.ended.since(tally.intended.first.unwrap_or(tally.ended));
        Self {
            warm_up: tally.warm_up,
            requests: tally.measured,
            succeeded: tally.succeeded,
            good: tally.good,
            good_share: share(tally.good),
            failures: tally.failures.clone(),
            window,
            tokens: TokenFigures {
                input: tally.tokens_in,
                output: tally.tokens_out,
                guessed: tally.guessed,
            },
            rate: RateFigures { intended: tally.intended.rate(), achieved: tally.sent.rate() },
            lag: LagFigures {
                p50: tally.lag.quantile(0.5),
                p99: tally.lag.quantile(0.99),
                max: tally.lag.max(),
                held_back: tally.held_back,
            },
            values: values(tally, window, share(due.saturating_sub(tally.succeeded))),
        }
    }
}

fn values(tally: &Tally, window: Micros, failures: Option<f64>) -> BTreeMap<Metric, f64> {
    let times = [
        (Quantity::Ttft, &tally.ttft),
        (Quantity::TtftFromSend, &tally.ttft_from_send),
        (Quantity::Latency, &tally.latency),
        (Quantity::LatencyFromSend, &tally.latency_from_send),
        (Quantity::InterChunk, &tally.inter_chunk),
        (Quantity::Tpot, &tally.tpot),
    ];
    let a_second = |count: u64| (window.0 > 0).then(|| count as f64 / window.seconds());
    let output = (tally.tokens_out > 0).then(|| a_second(tally.tokens_out)).flatten();
    let totals = [
        (Quantity::OutputTokens, output),
        (Quantity::Goodput, a_second(tally.good)),
        (Quantity::Failures, failures),
        (Quantity::SendRate, tally.sent.rate()),
    ];
    let totals = totals.into_iter().filter_map(|(quantity, value)| {
        Some((Metric { quantity, statistic: Statistic::Total }, value?))
    });
    times
        .into_iter()
        .flat_map(|(quantity, times)| statistics(quantity, times))
        .chain(totals)
        .collect()
}

fn statistics(quantity: Quantity, times: &Times) -> impl Iterator<Item = (Metric, f64)> {
    let quantiles = STATISTICS.map(|(statistic, at)| (statistic, times.quantile(at)));
    let all = quantiles.into_iter().chain([(Statistic::Mean, times.mean())]);
    all.filter_map(move |(statistic, value)| Some((Metric { quantity, statistic }, value?)))
}

/// Metrics as a list: JSON has no keys but strings.
mod listed {
    use super::{BTreeMap, Deserialize, Metric, Serialize};
    use serde::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Value {
        #[serde(flatten)]
        metric: Metric,
        value: f64,
    }

    pub(super) fn serialize<S: Serializer>(
        values: &BTreeMap<Metric, f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            values.iter().map(|(metric, value)| Value { metric: *metric, value: *value }),
        )
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Metric, f64>, D::Error> {
        let values = Vec::<Value>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|Value { metric, value }| (metric, value)).collect())
    }
}
