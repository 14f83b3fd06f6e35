//! A row for each model whose answers are kept.
//!
//! Must not know: how a row looks, or how anything is counted.

use crate::admin::AdminState;
use crate::admin::charts::sparkline;
use crate::cache::{CacheScope, CacheWhen, RouteCache};
use crate::history::rollup::{Period, Series, Step, Tally};
use crate::human;
use serde::Serialize;
use std::sync::Arc;

/// Rows: each is read from the disk by itself.
const MOST: usize = 50;

/// A model, in the window.
#[derive(Serialize)]
pub(super) struct ModelRow {
    pub(super) model: String,
    /// How its answers are kept, in words.
    pub(super) kept: String,
    pub(super) requests: u64,
    /// Share of answers that the cache had, of those it was asked for.
    pub(super) hit_ratio: Option<f64>,
    /// Answered without an upstream.
    pub(super) answered: u64,
    pub(super) missed: u64,
    pub(super) bypassed: u64,
    pub(super) saved_tokens: u64,
    pub(super) saved_usd: f64,
    #[serde(skip)]
    pub(super) picture: String,
}

/// The rows by name, and how many models have none here.
pub(super) fn rows(state: &AdminState, period: &Period) -> (Vec<ModelRow>, usize) {
    let catalog = state.catalog.load();
    let names = catalog.models().iter().map(|model| model.name.as_str());
    let mut routes: Vec<(&str, Arc<RouteCache>)> =
        names.filter_map(|name| Some((name, state.cache.route(name)?))).collect();
    routes.sort_by_key(|(name, _)| *name);
    let row = |(name, route): &(&str, Arc<RouteCache>)| row(state, (name, route), period);
    (routes.iter().take(MOST).map(row).collect(), routes.len().saturating_sub(MOST))
}

fn row(state: &AdminState, (name, route): (&str, &RouteCache), period: &Period) -> ModelRow {
    let step = Step::suited_to(period, state.clock.date());
    let series = state.history.rollups().series(Some(name), period, step).ok();
    let mut sum = Tally::default();
    let tallies = || series.iter().flat_map(|Series { points, .. }| points).map(|p| &p.tally);
    tallies().flatten().for_each(|tally| sum.add(tally));
    let ratios: Vec<_> = tallies().map(|tally| tally.as_ref()?.cache_hit_ratio()).collect();
    let is_known = ratios.iter().any(Option::is_some);
    let picture = is_known.then(|| sparkline(&ratios, Some(0.0), &format!("hit ratio of {name}")));
    ModelRow {
        model: name.to_owned(),
        kept: words(route),
        requests: sum.requests(),
        hit_ratio: sum.cache_hit_ratio(),
        answered: sum.cache_answers(),
        missed: sum.cache("miss"),
        bypassed: sum.cache("bypass"),
        saved_tokens: sum.saved_tokens(),
        saved_usd: sum.saved_cost().dollars(),
        picture: picture.unwrap_or_default(),
    }
}

/// How answers are kept.
fn words(route: &RouteCache) -> String {
    let who = match route.scope {
        CacheScope::Key => "per key",
        CacheScope::Tenant => "per tenant",
        CacheScope::Global => "for everybody",
    };
    let when = match route.when {
        CacheWhen::Always => "",
        CacheWhen::Asked => ", where callers ask",
    };
    format!("{} {who}{when}", human::brief(&human::seconds(route.ttl.as_secs_f64())))
}

impl ModelRow {
    pub(super) fn ratio_said(&self) -> String {
        self.hit_ratio.map_or_else(|| human::UNKNOWN.to_owned(), human::share)
    }

    pub(super) fn tokens_said(&self) -> String {
        human::number(self.saved_tokens as f64)
    }

    pub(super) fn saved_said(&self) -> String {
        human::dollars(self.saved_usd)
    }
}
