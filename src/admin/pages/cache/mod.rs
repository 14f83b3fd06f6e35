//! The response cache: how much it answers, why not more, what it holds, and a form that makes it
//! forget.
//!
//! | file | owns |
//! |---|---|
//! | `models` | a row for each model whose answers are kept |
//! | `purging` | the form, its second step, and what came of it |
//! | `what_if` | what other caches would have done with what was captured |
//!
//! Must not know: how answers are kept or found.

mod models;
mod purging;
mod what_if;

pub use what_if::Trials;
pub(in crate::admin) use what_if::page as what_if;

use super::{Choice, Form as Wanted, Frame, Shown, Window};
use crate::admin::AdminState;
use crate::admin::access::Right;
use crate::admin::cache;
use crate::admin::charts::sparkline;
use crate::admin::refusal::{Refusal, broken};
use crate::history::rollup::{Point, Series, Step, Tally};
use crate::human;
use askama::Template;
use axum::Form;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use models::ModelRow;
use purging::{Ask, Fields};
use serde::Serialize;
use serde_json::Value;
use tokio::task::spawn_blocking;

/// What the cache can say to a request, with its tone.
const SAID: [(&str, &str); 5] = [
    ("hit", "good"),
    ("stale", "good"),
    ("collapsed", "good"),
    ("miss", "accent"),
    ("bypass", "plain"),
];

#[derive(Template, Serialize)]
#[template(path = "cache.html")]
struct CachePage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    window: Window,
    #[serde(skip)]
    asked: Fields,
    sentence: String,
    #[serde(skip)]
    tiles: Vec<Tile>,
    /// Of the window, all models together.
    said: Vec<Bar>,
    models: Vec<ModelRow>,
    /// Models whose answers are kept, that have no row here.
    further: usize,
    /// Since the process began.
    stats: Value,
}

/// A figure.
struct Tile {
    name: String,
    said: String,
    exact: String,
    picture: String,
}

/// How often something was so.
#[derive(Serialize)]
struct Bar {
    name: String,
    count: u64,
    #[serde(skip)]
    tone: &'static str,
    /// Of the longest one.
    #[serde(skip)]
    share: f64,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Wanted,
    frame: Frame,
    window: Window,
    asked: Result<Query<Fields>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked?;
    // Sums are read from the disk, which has no place on a thread that pages share.
    let page = spawn_blocking(move || made(&state, frame, (window, asked))).await;
    Ok(Shown(form, page.map_err(|error| broken(error.to_string()))?).into_response())
}

/// Forgets what the form says, and leads back to how much that was.
pub(in crate::admin) async fn purge(
    State(state): State<AdminState>,
    frame: Frame,
    Form(fields): Form<Fields>,
) -> Result<Response, Refusal> {
    let purged = cache::purged(&state, &frame.visitor, fields.wanted()).await?;
    let there = format!("{}/cache?{}#purge", frame.base, purging::told(&purged));
    Ok(Redirect::to(&there).into_response())
}

fn made(state: &AdminState, frame: Frame, (window, asked): (Window, Fields)) -> CachePage {
    let now = state.clock.date();
    let period = window.period(now);
    let rollups = state.history.rollups();
    let series = rollups.series(None, &period, Step::suited_to(&period, now)).ok();
    let mut sum = Tally::default();
    let points = series.iter().flat_map(|Series { points, .. }| points);
    points.filter_map(|point| point.tally.as_ref()).for_each(|tally| sum.add(tally));
    let (models, further) = models::rows(state, &period);
    let count = |(name, tone): (&str, &'static str)| (name.to_owned(), sum.cache(name), tone);
    CachePage {
        sentence: sentence(&models, &sum, window),
        tiles: tiles((&sum, series.as_ref()), window, state),
        said: bars(SAID.map(count)),
        stats: cache::stats_of(state),
        models,
        further,
        frame,
        window,
        asked,
    }
}

fn sentence(models: &[ModelRow], sum: &Tally, window: Window) -> String {
    match sum.cache_hit_ratio() {
        _ if models.is_empty() => "No model's answers are kept.".to_owned(),
        Some(ratio) => {
            let share = human::brief(&human::share(ratio));
            format!("The cache had {share} of the answers it was asked for.")
        }
        None => format!("The cache was asked for nothing in the {}.", window.said()),
    }
}

fn tiles(
    (sum, series): (&Tally, Option<&Series>),
    window: Window,
    state: &AdminState,
) -> Vec<Tile> {
    let past = |of: &dyn Fn(&Tally) -> Option<f64>, name: &str| {
        let points = series.iter().flat_map(|Series { points, .. }| points);
        let points: Vec<_> =
            points.map(|Point { tally, .. }| tally.as_ref().and_then(of)).collect();
        let is_known = points.iter().any(Option::is_some);
        if is_known { sparkline(&points, Some(0.0), name) } else { String::new() }
    };
    let tile = |name: &str, value: Option<f64>, how: fn(f64) -> String| Tile {
        name: format!("{name}, {}", window.said()),
        said: value.map_or_else(|| human::UNKNOWN.to_owned(), how),
        exact: value.map_or_else(|| "not known".to_owned(), human::exact),
        picture: String::new(),
    };
    let tokens = |tally: &Tally| Some(tally.saved_tokens() as f64);
    let money = |tally: &Tally| Some(tally.saved_cost().dollars());
    let tiers = state.cache.tiers();
    let bytes: u64 = tiers.iter().filter_map(|tier| tier.bytes).sum();
    vec![
        Tile {
            picture: past(&Tally::cache_hit_ratio, "hit ratio"),
            ..tile("Hit ratio", sum.cache_hit_ratio(), human::share)
        },
        Tile {
            picture: past(&tokens, "tokens spared"),
            ..tile("Tokens spared", tokens(sum), human::number)
        },
        Tile {
            picture: past(&money, "money spared"),
            ..tile("Money spared", money(sum), human::dollars)
        },
        tile("Shared an exchange", Some(sum.cache("collapsed") as f64), human::number),
        Tile { name: "Kept now".to_owned(), ..tile("Kept", Some(bytes as f64), kept) },
    ]
}

fn kept(bytes: f64) -> String {
    human::bytes(bytes as u64)
}

/// Those that there are, as bars.
fn bars(counts: impl IntoIterator<Item = (String, u64, &'static str)>) -> Vec<Bar> {
    let counts: Vec<_> = counts.into_iter().filter(|(_, count, _)| *count > 0).collect();
    let most = counts.iter().map(|(_, count, _)| *count).max().unwrap_or(1) as f64;
    let bar = |(name, count, tone)| Bar { name, count, tone, share: count as f64 / most };
    counts.into_iter().map(bar).collect()
}

impl Bar {
    fn said(&self) -> String {
        human::count(self.count)
    }

    /// Its length, of 100.
    fn level(&self) -> f64 {
        (self.share * 1_000.0).round() / 10.0
    }
}

impl CachePage {
    /// The ranges of time that can be chosen.
    fn choices(&self) -> Vec<Choice> {
        self.window.choices(&format!("{}/cache", self.frame.base))
    }

    fn may_act(&self) -> bool {
        self.frame.visitor.may(Right::Act)
    }

    /// What was asked by way of the address: whether to purge, or what came of that.
    fn ask(&self) -> Ask {
        self.asked.understood()
    }

    fn tiers(&self) -> Vec<&Value> {
        self.stats["tiers"].as_array().into_iter().flatten().collect()
    }

    /// Why answers did not come out of the cache, or did not get in, the most frequent first.
    fn reasons(&self) -> Vec<Bar> {
        let of = |what: &'static str, words: &'static str| {
            let reasons = self.stats[what].as_object().into_iter().flatten();
            reasons.map(move |(reason, count)| {
                (format!("{words}: {reason}"), count.as_u64().unwrap_or_default(), "accent")
            })
        };
        let mut bars = bars(of("bypassed", "bypass").chain(of("not_stored", "not kept")));
        bars.sort_by_key(|bar| std::cmp::Reverse(bar.count));
        bars
    }

    /// What the cache has spared since the process began.
    fn spared(&self) -> String {
        let saved = &self.stats["saved"];
        let number = |name: &str| saved[name].as_f64().unwrap_or_default();
        format!(
            "Since the process began it has spared {} of upstreams' time, {} tokens and {}.",
            human::seconds(number("seconds")),
            human::number(number("tokens")),
            human::dollars(number("usd"))
        )
    }
}

fn number(tier: &Value, name: &str) -> String {
    tier[name].as_u64().map_or_else(|| human::UNKNOWN.to_owned(), human::count)
}

fn size(tier: &Value, name: &str) -> String {
    tier[name].as_u64().map_or_else(|| human::UNKNOWN.to_owned(), human::bytes)
}

/// How full a tier is, of 120; `None` where that is not known.
fn fullness(tier: &Value) -> Option<f64> {
    let (bytes, capacity) = (tier["bytes"].as_f64()?, tier["capacity_bytes"].as_f64()?);
    Some((bytes / capacity.max(1.0) * 1_200.0).round().clamp(0.0, 1_200.0) / 10.0)
}

/// A word and its tone.
fn state_of(tier: &Value) -> (&'static str, &'static str) {
    match tier["state"].as_str() {
        Some("on") => ("good", "✓ On"),
        Some("off") => ("", "Off"),
        _ => ("bad", "× Unreachable"),
    }
}
