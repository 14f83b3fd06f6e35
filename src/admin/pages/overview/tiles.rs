//! Seven figures: what they are now, and how they went.
//!
//! Must not know: how they are measured.

use crate::admin::AdminState;
use crate::admin::charts::sparkline;
use crate::history::rollup::{Period, Point, Quantity, Series, Step, Tally};
use crate::human;
use crate::observe::LiveFigures;
use crate::upstream::Price;
use serde::Serialize;

/// Steps of a picture at most.
const STEPS: usize = 90;
/// Below this share of successes a figure is marked.
const WORRYING: f64 = 0.99;

/// A figure.
#[derive(Serialize)]
pub(super) struct Tile {
    pub(super) name: &'static str,
    /// The exact value; null where nothing was measured.
    pub(super) value: Option<f64>,
    #[serde(skip)]
    pub(super) said: String,
    pub(super) unit: &'static str,
    #[serde(skip)]
    pub(super) tone: &'static str,
    #[serde(skip)]
    pub(super) picture: String,
}

/// The figures of the last minute, and their past.
pub(super) fn tiles(state: &AdminState, period: &Period, total: Option<&Tally>) -> Vec<Tile> {
    let live = state.sampler.figures(state.clock.now());
    let step = Step::suited_to(period, state.clock.date());
    let series = state.history.rollups().series(None, period, step).ok();
    let past = |of: &dyn Fn(&Point) -> Option<f64>| -> Vec<Option<f64>> {
        let points = series.iter().flat_map(|Series { points, .. }| points);
        thinned(&points.map(of).collect::<Vec<_>>(), STEPS)
    };
    let requests = sum(&live, |model| model.requests_per_second);
    let success = success(&live);
    let ttft = total.and_then(|total| total.times(Quantity::FirstToken).quantile(0.95));
    let ttft = ttft.map(|time| time.as_secs_f64());
    let tokens = sum(&live, |model| model.tokens_per_second);
    let in_flight = sum(&live, |model| model.in_flight as f64);
    let cached = total.and_then(Tally::cache_share);
    let share = |point: &Point| point.tally.as_ref()?.success_ratio();
    let first = |point: &Point| {
        let time = point.tally.as_ref()?.times(Quantity::FirstToken).quantile(0.95)?;
        Some(time.as_secs_f64())
    };
    let cache = |point: &Point| point.tally.as_ref()?.cache_share();
    let worrying = success.is_some_and(|ratio| ratio < WORRYING);
    vec![
        Tile::new(
            "Requests",
            Some(requests),
            ("/s", human::number),
            past(&Point::requests_per_second),
            0.0,
        ),
        Tile {
            tone: if worrying { "doubt" } else { "" },
            ..Tile::new("Success", success, ("", human::share), past(&share), 1.0)
        },
        Tile::new("First token p95", ttft, ("", human::seconds), past(&first), 0.0),
        Tile::new(
            "Tokens",
            Some(tokens),
            ("/s", human::number),
            past(&Point::tokens_per_second),
            0.0,
        ),
        Tile::new(
            "Cost",
            cost_per_hour(state, series.as_ref()),
            ("/h", human::dollars),
            past(&Point::cost_per_hour),
            0.0,
        ),
        Tile::new("In flight", Some(in_flight), ("", whole), Vec::new(), 0.0),
        Tile::new("From cache", cached, ("", human::share), past(&cache), 0.0),
    ]
}

/// On the average of the time that is known; `None` where no model has a price.
fn cost_per_hour(state: &AdminState, series: Option<&Series>) -> Option<f64> {
    let has_price =
        state.catalog.load().models().iter().any(|model| model.price != Price::default());
    let known = series?.points.iter().filter(|point| point.tally.is_some());
    let hours = |point: &Point| point.lasts.as_secs_f64() / 3_600.0;
    let (cost, hours) = known.fold((0.0, 0.0), |(cost, all), point| {
        let hours = hours(point);
        (cost + point.cost_per_hour().unwrap_or_default() * hours, all + hours)
    });
    (hours > 0.0 && (has_price || cost > 0.0)).then(|| cost / hours)
}

fn whole(requests: f64) -> String {
    human::count(requests as u64)
}

impl Tile {
    fn new(
        name: &'static str,
        value: Option<f64>,
        (unit, how): (&'static str, fn(f64) -> String),
        past: Vec<Option<f64>>,
        floor: f64,
    ) -> Self {
        let said = value.map_or_else(|| human::UNKNOWN.to_owned(), how);
        let has_past = past.iter().flatten().next().is_some();
        let picture = if has_past { sparkline(&past, Some(floor), name) } else { String::new() };
        Self { name, value, said, unit, tone: "", picture }
    }
}

fn sum(live: &LiveFigures, of: impl Fn(&crate::observe::ModelFigures) -> f64) -> f64 {
    live.models.iter().map(of).sum()
}

/// Over all models, by their traffic.
fn success(live: &LiveFigures) -> Option<f64> {
    let judged = live.models.iter().filter_map(|m| Some((m.success_ratio?, m.requests_per_second)));
    let (good, all) =
        judged.fold((0.0, 0.0), |(good, all), (ratio, rate)| (good + ratio * rate, all + rate));
    (all > 0.0).then(|| good / all)
}

/// At most so many points, each the mean of its neighbours that are known.
pub(super) fn thinned(points: &[Option<f64>], most: usize) -> Vec<Option<f64>> {
    let width = points.len().div_ceil(most.max(1)).max(1);
    let mean = |some: &[Option<f64>]| {
        let known: Vec<f64> = some.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    points.chunks(width).map(mean).collect()
}
