//! What other caches would have done with what was captured.
//!
//! Must not know: how a cache is simulated, or how a record is stored.

use crate::admin::AdminState;
use crate::admin::pages::{Choice, Form, Frame, Shown, Window};
use crate::admin::refusal::{Refusal, broken, refusal};
use crate::cache::{CacheScope, Grid, RouteCache, Sampling, Scenario, Sum, Tally};
use crate::capture::{Archive, Filter};
use crate::human;
use crate::observe::StandBack;
use crate::what_if::{Counts, Findings, Terms, Trial, word_of};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// Exchanges that are tried at most, and how long that may take.
const MOST: u64 = 20_000;
const PATIENCE: Duration = Duration::from_secs(5);
/// How long somebody waits for others who look at the same time.
const TURN: Duration = Duration::from_secs(10);
/// How long answers would be fresh, in seconds and in words.
const FRESH: [(u64, &str); 3] = [(300, "5 minutes"), (3_600, "1 hour"), (86_400, "1 day")];
/// Room where the proxy itself has no cache.
const ROOM: u64 = 256 << 20;

/// Whose turn it is: one at a time, since each reads and reckons for seconds. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Trials(Arc<Semaphore>);

impl Default for Trials {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

#[derive(Template, Serialize)]
#[template(path = "cache/what_if.html")]
struct WhatIfPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    window: Window,
    #[serde(skip)]
    sentence: String,
    #[serde(skip)]
    counts: Counts,
    #[serde(skip)]
    rows: Vec<Row>,
    /// Whether there were more than could be tried.
    cut: bool,
    findings: Value,
}

/// A cache that there could be.
struct Row {
    shared_by: &'static str,
    fresh: &'static str,
    hit_ratio: Option<f64>,
    hits: u64,
    collapsed: u64,
    tokens: String,
    money: String,
    time: String,
    kept: String,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    window: Window,
) -> Result<Response, Refusal> {
    let archive = state.capture.as_ref().map(|capture| capture.archive.clone());
    let (findings, cut) = match archive {
        Some(archive) => reckoned(&state, archive, window).await?,
        None => (Findings::default(), false),
    };
    let rows: Vec<Row> =
        findings.cells.iter().map(|(scenario, tally)| row(scenario, tally)).collect();
    let page = WhatIfPage {
        sentence: sentence(&findings, &rows),
        counts: findings.counts,
        findings: findings.json(),
        rows,
        cut,
        frame,
        window,
    };
    Ok(Shown(form, page).into_response())
}

/// What came of what was captured in the window, on a thread that stands back behind traffic.
async fn reckoned(
    state: &AdminState,
    archive: Archive,
    window: Window,
) -> Result<(Findings, bool), Refusal> {
    let busy = "others are looking at this now; try again in a few seconds";
    let turn = timeout(TURN, Arc::clone(&state.trials.0).acquire_owned()).await;
    let turn = turn.map_err(|_| refusal(StatusCode::SERVICE_UNAVAILABLE, busy))?;
    let turn = turn.map_err(|closed| broken(closed.to_string()))?;
    let (trial, dates) = (Trial::new(terms(state), grid(state)), window.dates(state.clock.date()));
    let clock = state.clock;
    let (tell, told) = oneshot::channel();
    let work = move || {
        StandBack::AsFarAsPossible.apply();
        let end = clock.now() + PATIENCE;
        let tried = tried(&archive, trial, dates, || clock.now() >= end);
        drop(turn);
        tell.send(tried).ok();
    };
    thread::Builder::new()
        .name("what-if".into())
        .spawn(work)
        .map_err(|it| broken(it.to_string()))?;
    told.await.map_err(|error| broken(error.to_string()))?.map_err(broken)
}

fn tried(
    archive: &Archive,
    mut trial: Trial,
    dates: Range<SystemTime>,
    is_late: impl Fn() -> bool,
) -> Result<(Findings, bool), String> {
    let since = |date: SystemTime| date.duration_since(UNIX_EPOCH).ok();
    let filter = Filter { since: since(dates.start), until: since(dates.end), ..Filter::all() };
    let exchanges = archive.exchanges(filter).map_err(|error| error.to_string())?;
    for (exchange, number) in exchanges.zip(0..) {
        if number == MOST || is_late() {
            return Ok((trial.finish(), true));
        }
        let (_, exchange) = exchange.map_err(|error| error.to_string())?;
        trial.take(&exchange).map_err(|error| error.to_string())?;
    }
    Ok((trial.finish(), false))
}

/// As things are now, but for what the grid tries.
fn terms(state: &AdminState) -> Terms {
    let catalog = state.catalog.load();
    let models = || catalog.models().iter();
    let route = |name: &str| Some(RouteCache::clone(&*state.cache.route(name)?));
    Terms {
        routes: models().filter_map(|it| Some((it.name.clone(), route(&it.name)?))).collect(),
        default: RouteCache::default(),
        prices: models().map(|it| (it.name.clone(), it.price)).collect(),
        tenants: state.keys.known().into_iter().map(|key| (key.alias, key.tenant)).collect(),
    }
}

fn grid(state: &AdminState) -> Grid {
    let room = state.cache.tiers().iter().filter_map(|tier| tier.capacity).sum();
    Grid {
        scopes: vec![CacheScope::Key, CacheScope::Tenant, CacheScope::Global],
        sampled: vec![Sampling::Refuse],
        ttls: FRESH.map(|(seconds, _)| Duration::from_secs(seconds)).to_vec(),
        sizes: vec![if room > 0 { room } else { ROOM }],
    }
}

fn row(scenario: &Scenario, tally: &Tally) -> Row {
    Row {
        shared_by: word_of(scenario.scope),
        fresh: FRESH
            .into_iter()
            .find(|(seconds, _)| *seconds == scenario.ttl.as_secs())
            .map_or(human::UNKNOWN, |(_, words)| words),
        hit_ratio: tally.hit_ratio(),
        hits: tally.hits + tally.stale,
        collapsed: tally.collapsed,
        tokens: known(tally.saved_tokens, |tokens| human::brief(&human::number(tokens as f64))),
        money: known(tally.saved_cost, |cost| dollars(cost as f64 / 1e9)),
        time: known(tally.saved_time, |time| human::brief(&human::seconds(time as f64 / 1e9))),
        kept: match tally.unsized_answers {
            0 => human::bytes(tally.peak_bytes),
            _ => format!("≥ {}", human::bytes(tally.peak_bytes)),
        },
    }
}

/// Of a cent or less more digits count: what was captured may be a small part of what there is.
fn dollars(value: f64) -> String {
    if value < 0.1 { format!("${value:.4}") } else { human::dollars(value) }
}

/// With a sign before it where parts are not known.
fn known(sum: Sum, said: impl Fn(u64) -> String) -> String {
    match sum.unknown {
        0 => said(sum.known),
        _ if sum.is_known() => format!("≥ {}", said(sum.known)),
        _ => human::UNKNOWN.to_owned(),
    }
}

fn sentence(findings: &Findings, rows: &[Row]) -> String {
    let simulated = findings.counts.simulated();
    // Of those that do as well, the first: it shares the least, for the shortest time.
    let rows = rows.iter().rev().filter_map(|row| Some((row.hit_ratio?, row)));
    let best = rows.max_by(|(one, _), (other, _)| one.total_cmp(other));
    match best {
        Some((ratio, best)) if simulated > 0 => format!(
            "At best a cache would have answered {} of {} requests: shared by {}, for {}.",
            human::brief(&human::share(ratio)),
            human::count(simulated),
            best.shared_by(),
            best.fresh
        ),
        _ => "Nothing was captured that a cache could be asked about.".to_owned(),
    }
}

impl Row {
    /// Who would share answers.
    fn shared_by(&self) -> &'static str {
        match self.shared_by {
            "key" => "the requests of one key",
            "tenant" => "the keys of one tenant",
            _ => "everybody",
        }
    }

    fn ratio_said(&self) -> String {
        self.hit_ratio
            .map_or_else(|| human::UNKNOWN.to_owned(), |ratio| human::brief(&human::share(ratio)))
    }

    /// The length of its bar, of 120.
    fn level(&self) -> f64 {
        (self.hit_ratio.unwrap_or_default() * 1_200.0).round() / 10.0
    }
}

impl WhatIfPage {
    /// The ranges of time that can be chosen.
    fn choices(&self) -> Vec<Choice> {
        self.window.choices(&format!("{}/cache/what-if", self.frame.base))
    }

    /// What was looked at, in words.
    fn under(&self) -> String {
        let Counts { requests, no_inference, no_body, refused, .. } = self.counts;
        let span = self.counts.span().map(|(first, last)| format!(" from {first} to {last}"));
        let aside = [
            (no_inference, "no inference"),
            (no_body, "captured without all of their body"),
            (refused, "refused by the proxy"),
        ];
        let aside: Vec<_> = aside
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{} {why}", human::count(*count)))
            .collect();
        let aside =
            if aside.is_empty() { String::new() } else { format!("; {}", aside.join(", ")) };
        let cut = if self.cut { "; there are more, which would have taken too long" } else { "" };
        format!("{} captured{}{aside}{cut}", human::count(requests), span.unwrap_or_default())
    }
}
