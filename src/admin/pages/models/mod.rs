//! One model: how long its requests took over time, what is left of its budgets, how its
//! requests ended and where they went.
//!
//! | file | owns |
//! |---|---|
//! | `picture` | the heatmap, and where its cells lead |
//! | `trends` | its figures step by step |
//! | `budget` | what was left of a budget, day by day |
//!
//! Must not know: how anything is measured.

mod budget;
mod picture;
mod trends;

use super::{Choice, Form, Frame, Shown, Window};
use crate::admin::AdminState;
use crate::admin::refusal::{Refusal, broken, refusal};
use crate::history::rollup::{Period, Quantity, Tally};
use crate::human;
use crate::observe::slo::BudgetReport;
use crate::types::Outcome;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::task::spawn_blocking;
use trends::Trends;

#[derive(Template, Serialize)]
#[template(path = "models.html")]
struct ModelsPage {
    #[serde(skip)]
    frame: Frame,
    models: Vec<String>,
}

#[derive(Template, Serialize)]
#[template(path = "model.html")]
struct ModelPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    window: Window,
    model: String,
    now: Figures,
    before: Figures,
    budgets: Vec<BudgetReport>,
    outcomes: Vec<Share>,
    upstreams: Vec<Share>,
    errors: Vec<Share>,
    #[serde(skip)]
    heatmap: Option<String>,
    #[serde(skip)]
    heatmap_of: &'static str,
    /// Null where the past cannot be read.
    trends: Option<Trends>,
    #[serde(skip)]
    burn_down: Option<String>,
    upstream_names: Vec<String>,
}

/// Figures of a period. Times are in seconds; what was not measured is null.
#[derive(Serialize, Default)]
struct Figures {
    requests: u64,
    success_ratio: Option<f64>,
    duration: [Option<f64>; 3],
    first_token: [Option<f64>; 3],
    per_token: Option<f64>,
    tokens_out: u64,
    cost_usd: f64,
    cache_share: Option<f64>,
}

/// A part of all.
#[derive(Serialize)]
struct Share {
    name: String,
    count: u64,
    share: f64,
    #[serde(skip)]
    tone: &'static str,
    #[serde(skip)]
    query: String,
}

/// All models; the page about one is behind each.
pub(in crate::admin) async fn list(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
) -> Response {
    let known = state.history.rollups().models().into_iter().map(|name| name.to_string());
    let served = state.catalog.load();
    let served = served.models().iter().map(|model| model.name.clone());
    let mut models: Vec<String> = known.chain(served).collect();
    models.sort();
    models.dedup();
    Shown(form, ModelsPage { frame, models }).into_response()
}

/// One of them.
pub(in crate::admin) async fn show(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    window: Window,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let name = name.strip_suffix(".json").unwrap_or(&name).to_owned();
    let page = spawn_blocking(move || made(&state, frame, window, &name)).await;
    let page = page.map_err(|error| broken(error.to_string()))?;
    let unknown = "there is no model of this name, and never was one";
    Ok(Shown(form, page.ok_or_else(|| refusal(StatusCode::NOT_FOUND, unknown))?).into_response())
}

fn made(state: &AdminState, frame: Frame, window: Window, name: &str) -> Option<ModelPage> {
    let rollups = state.history.rollups();
    let catalog = state.catalog.load();
    let model = catalog.models().iter().find(|model| model.name == name);
    if model.is_none() && !rollups.models().iter().any(|known| &**known == name) {
        return None;
    }
    let period = window.period(state.clock.date());
    let sum = |period: &Period| rollups.total(Some(name), period).ok().flatten();
    let (now, before) = (sum(&period), sum(&period.before()));
    let mut budgets = state.observer.slos().report(state.clock.date());
    budgets.retain(|budget| budget.model.as_deref() == Some(name));
    let has_first = now.as_ref().is_some_and(|now| now.times(Quantity::FirstToken).count() > 0);
    let quantity = if has_first { Quantity::FirstToken } else { Quantity::Duration };
    let targets = model.map(|model| model.targets.iter());
    let upstream_names = targets.map(|targets| {
        targets
            .map(|target| format!("{} {}", target.upstream.settings.name, target.share.weight()))
            .collect()
    });
    Some(ModelPage {
        heatmap: picture::heatmap_of(state, name, quantity, (&period, &frame.base, &budgets)),
        heatmap_of: if has_first { "First-token latency" } else { "Latency" },
        trends: Trends::of(state, name, quantity, &period),
        burn_down: budgets.first().and_then(|budget| budget::burn_down_of(state, budget)),
        outcomes: now.as_ref().map(outcomes).unwrap_or_default(),
        upstreams: now.as_ref().map(upstreams).unwrap_or_default(),
        errors: now.as_ref().map(errors).unwrap_or_default(),
        now: now.as_ref().map(Figures::of).unwrap_or_default(),
        before: before.as_ref().map(Figures::of).unwrap_or_default(),
        budgets,
        upstream_names: upstream_names.unwrap_or_default(),
        model: name.to_owned(),
        frame,
        window,
    })
}

fn outcomes(tally: &Tally) -> Vec<Share> {
    let all = tally.requests();
    let share = |outcome: Outcome| {
        let count = tally.outcome(outcome);
        (count > 0).then(|| Share {
            name: outcome.label().to_owned(),
            count,
            share: count as f64 / all.max(1) as f64,
            tone: match outcome {
                Outcome::Success => "good",
                Outcome::ClientError | Outcome::ClientCancelled | Outcome::RateLimited => "doubt",
                _ => "bad",
            },
            query: format!("outcome={}", outcome.label()),
        })
    };
    let mut shares: Vec<Share> = Outcome::ALL.into_iter().filter_map(share).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.count));
    shares
}

fn errors(tally: &Tally) -> Vec<Share> {
    let all = tally.requests();
    let share = |(error, count): (crate::types::ErrorType, u64)| Share {
        name: error.label().to_owned(),
        count,
        share: count as f64 / all.max(1) as f64,
        tone: "bad",
        query: format!("error={}", error.label()),
    };
    tally.errors().into_iter().map(share).collect()
}

/// Attempts, by upstream.
fn upstreams(tally: &Tally) -> Vec<Share> {
    let all: u64 = tally.upstreams().map(|(_, of)| of.ok + of.failed).sum();
    let share = |(name, of): (&str, crate::history::rollup::UpstreamTally)| Share {
        name: name.to_owned(),
        count: of.ok + of.failed,
        share: (of.ok + of.failed) as f64 / all.max(1) as f64,
        tone: if of.failed * 20 > of.ok { "bad" } else { "accent" },
        query: url::form_urlencoded::Serializer::new(String::new())
            .append_pair("upstream", name)
            .finish(),
    };
    tally.upstreams().map(share).collect()
}

impl Figures {
    fn of(tally: &Tally) -> Self {
        let quantiles = |quantity: Quantity| {
            let times = tally.times(quantity);
            [0.5, 0.95, 0.99].map(|share| times.quantile(share).map(|time| time.as_secs_f64()))
        };
        let per_token = tally.times(Quantity::PerToken).quantile(0.5);
        Self {
            requests: tally.requests(),
            success_ratio: tally.success_ratio(),
            duration: quantiles(Quantity::Duration),
            first_token: quantiles(Quantity::FirstToken),
            per_token: per_token.map(|time| time.as_secs_f64()),
            tokens_out: tally.tokens_out(),
            cost_usd: tally.cost().dollars(),
            cache_share: tally.cache_share(),
        }
    }
}

impl Share {
    /// The length of its bar, of 100.
    fn level(&self) -> f64 {
        (self.share * 1_000.0).round() / 10.0
    }

    fn said(&self) -> String {
        human::brief(&human::share(self.share))
    }
}

/// A row of the comparison with the period before.
struct Compared {
    name: &'static str,
    now: String,
    before: String,
    change: String,
}

impl ModelPage {
    /// The ranges of time that can be chosen.
    fn choices(&self) -> Vec<Choice> {
        let name: String = url::form_urlencoded::byte_serialize(self.model.as_bytes()).collect();
        self.window.choices(&format!("{}/models/{name}", self.frame.base))
    }

    /// What a picture shows, for those who do not see it.
    fn label(&self, of: &str) -> String {
        format!("{of} of {} over time", self.model)
    }

    fn under(&self) -> String {
        let [p50, p95, p99] = self.now.first_token;
        let say =
            |value: Option<f64>| value.map_or_else(|| human::UNKNOWN.to_owned(), human::seconds);
        format!(
            "{} requests in the {} · p50 {} · p95 {} · p99 {} to first token",
            human::count(self.now.requests),
            self.window.said(),
            say(p50),
            say(p95),
            say(p99)
        )
    }

    /// Beside the period before.
    fn compared(&self) -> Vec<Compared> {
        let row = |name, now: Option<f64>, before: Option<f64>, how: fn(f64) -> String| {
            let say = |value: Option<f64>| value.map_or_else(|| human::UNKNOWN.to_owned(), how);
            let change = now.zip(before).filter(|(_, before)| *before > 0.0);
            let change =
                change.map_or_else(String::new, |(now, before)| human::change(now / before));
            Compared { name, now: say(now), before: say(before), change }
        };
        let count = |value: f64| human::count(value as u64);
        let (now, before) = (&self.now, &self.before);
        let of = |figures: &Figures| (figures.requests > 0).then_some(figures.requests as f64);
        vec![
            row("Requests", of(now), of(before), count),
            row("Success", now.success_ratio, before.success_ratio, human::share),
            row("First token p50", now.first_token[0], before.first_token[0], human::seconds),
            row("First token p95", now.first_token[1], before.first_token[1], human::seconds),
            row("Latency p50", now.duration[0], before.duration[0], human::seconds),
            row("Latency p95", now.duration[1], before.duration[1], human::seconds),
            row("Latency p99", now.duration[2], before.duration[2], human::seconds),
            row("Per output token p50", now.per_token, before.per_token, human::seconds),
            row("From cache", now.cache_share, before.cache_share, human::share),
        ]
    }

    fn rate(rate: &Option<f64>) -> String {
        rate.map_or_else(|| human::UNKNOWN.to_owned(), human::factor)
    }

    /// The state of a pair of windows, and how it is to be marked.
    fn burning(burn: &crate::observe::slo::BurnReport) -> (&'static str, &'static str) {
        let is_over = |rate: Option<f64>| rate.is_some_and(|rate| rate > burn.factor);
        match (burn.burning, is_over(burn.long_rate), is_over(burn.short_rate)) {
            (true, ..) => ("bad", "! burning"),
            (_, true, _) => ("doubt", "~ recovering"),
            (_, _, true) => ("doubt", "~ rising"),
            _ => ("good", "✓ quiet"),
        }
    }
}
