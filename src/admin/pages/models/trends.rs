//! A model's figures, step by step.
//!
//! Must not know: how they are drawn.

use crate::admin::AdminState;
use crate::admin::charts::{Line, Lines, Unit};
use crate::history::rollup::{Period, Point, Quantity, Series, Step};
use crate::types::Outcome;
use serde::Serialize;
use std::time::UNIX_EPOCH;

/// Digits behind the point that are worth to be sent: microseconds.
const DIGITS: f64 = 1e6;

/// How long requests took, and how many there were.
#[derive(Serialize)]
pub(super) struct Trends {
    pub(super) latency: Lines,
    pub(super) traffic: Lines,
}

impl Trends {
    /// Those of `model`; `None` where the past cannot be read.
    pub(super) fn of(
        state: &AdminState,
        model: &str,
        quantity: Quantity,
        period: &Period,
    ) -> Option<Self> {
        let step = Step::suited_to(period, state.clock.date());
        let series = state.history.rollups().series(Some(model), period, step).ok()?;
        let quantile = |name, share: f64| {
            line(&series, name, |point| {
                let time = point.tally.as_ref()?.times(quantity).quantile(share)?;
                Some(time.as_secs_f64())
            })
        };
        let latency = vec![quantile("p50", 0.5), quantile("p95", 0.95), quantile("p99", 0.99)];
        let traffic = vec![
            line(&series, "all", Point::requests_per_second),
            line(&series, "not successful", unsuccessful_per_second),
        ];
        let at =
            |point: &Point| point.from.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let at: Vec<u64> = series.points.iter().map(at).collect();
        Some(Self {
            latency: Lines { unit: Unit::Seconds, at: at.clone(), lines: latency },
            traffic: Lines { unit: Unit::PerSecond, at, lines: traffic },
        })
    }
}

fn line(series: &Series, name: &'static str, of: impl Fn(&Point) -> Option<f64>) -> Line {
    let rounded = |value: f64| (value * DIGITS).round() / DIGITS;
    Line { name, values: series.points.iter().map(|point| of(point).map(rounded)).collect() }
}

fn unsuccessful_per_second(point: &Point) -> Option<f64> {
    let tally = point.tally.as_ref().filter(|_| !point.lasts.is_zero())?;
    let unsuccessful = tally.requests() - tally.outcome(Outcome::Success);
    Some(unsuccessful as f64 / point.lasts.as_secs_f64())
}
