//! The first page: how everything does, in a sentence, six figures and a table.
//!
//! | file | owns |
//! |---|---|
//! | `models` | a row for each model, the least budget first |
//! | `tiles` | the figures, with how they went |
//! | `checks` | whether others see what the proxy says |
//!
//! Must not know: how anything is measured.

mod checks;
mod models;
mod tiles;

use super::alerts::Ours;
use super::{Choice, Form, Frame, Shown, Window};
use crate::admin::AdminState;
use crate::admin::refusal::{Refusal, broken};
use crate::human;
use crate::types::ModelSlot;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use checks::Check;
use models::{Health, ModelRow};
use serde::Serialize;
use tiles::Tile;
use tokio::task::spawn_blocking;

#[derive(Template, Serialize)]
#[template(path = "overview.html")]
struct OverviewPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    window: Window,
    sentence: Sentence,
    tiles: Vec<Tile>,
    alerts: Vec<Ours>,
    models: Vec<ModelRow>,
    errors: Vec<Wrong>,
    checks: Vec<Check>,
    open_requests: usize,
}

/// How it all does.
#[derive(Serialize)]
struct Sentence {
    /// Up to the model that it is about.
    before: String,
    /// That model.
    model: Option<String>,
    /// What follows.
    after: String,
    /// A second sentence.
    more: String,
}

/// A way in which requests failed.
#[derive(Serialize)]
struct Wrong {
    error: String,
    requests: u64,
    /// Of the most frequent one.
    #[serde(skip)]
    share: f64,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    window: Window,
) -> Result<Response, Refusal> {
    // Sums are read from the disk, which has no place on a thread that pages share.
    let page = spawn_blocking(move || made(&state, frame, window)).await;
    Ok(Shown(form, page.map_err(|error| broken(error.to_string()))?).into_response())
}

/// The same, for programs.
pub(in crate::admin) async fn json(
    state: State<AdminState>,
    frame: Frame,
    window: Window,
) -> Result<Response, Refusal> {
    page(state, Form::Json, frame, window).await
}

fn made(state: &AdminState, frame: Frame, window: Window) -> OverviewPage {
    let now = state.clock.date();
    let period = window.period(now);
    let total = state.history.rollups().total(None, &period).ok().flatten();
    let errors = total.as_ref().map(|total| total.errors()).unwrap_or_default();
    let most = errors.iter().map(|(_, count)| *count).max().unwrap_or(1) as f64;
    let wrong = |(error, requests): &(crate::types::ErrorType, u64)| Wrong {
        error: error.label().to_owned(),
        requests: *requests,
        share: *requests as f64 / most,
    };
    let models = models::rows(state, &period);
    OverviewPage {
        sentence: sentence(state, &models),
        tiles: tiles::tiles(state, &period, total.as_ref()),
        alerts: Ours::firing(state),
        errors: errors.iter().map(wrong).take(8).collect(),
        checks: checks::checks(state),
        open_requests: state.observer.open_requests(),
        models,
        frame,
        window,
    }
}

fn sentence(state: &AdminState, models: &[ModelRow]) -> Sentence {
    let plain = |before: &str| Sentence {
        before: before.to_owned(),
        model: None,
        after: String::new(),
        more: String::new(),
    };
    if state.upstreams.is_empty() {
        return plain("No upstream is configured.");
    }
    if models.is_empty() {
        return plain("No model has been found yet.");
    }
    // What nobody has configured has no health.
    let known: Vec<_> = models.iter().filter(|row| row.name != ModelSlot::OTHER_LABEL).collect();
    let healthy = known.iter().filter(|model| !model.health.is_bad()).count();
    let so_far = match (known.len(), healthy) {
        (0, _) => "No model is served.".to_owned(),
        (1, 1) => "The model is healthy.".to_owned(),
        (all, healthy) if all == healthy => format!("All {all} models are healthy."),
        (1, _) => String::new(),
        (all, healthy) => format!("{healthy} of {all} models are healthy. "),
    };
    let Some(worst) = known.into_iter().find(|model| model.health.is_bad()) else {
        return plain(&so_far);
    };
    let burn = worst.burn.map_or_else(String::new, human::factor);
    let after = match worst.health {
        Health::Down => " does not answer.".to_owned(),
        Health::Spent => " has spent its error budget.".to_owned(),
        _ => format!(" spends its error budget {burn} too fast."),
    };
    let more = worst.gone_in.filter(|seconds| *seconds > 0).map_or_else(String::new, |seconds| {
        format!("At this rate it is gone in {}.", human::seconds(seconds as f64))
    });
    Sentence { before: so_far, model: Some(worst.name.clone()), after, more }
}

impl OverviewPage {
    /// The ranges of time that can be chosen.
    fn choices(&self) -> Vec<Choice> {
        self.window.choices(&format!("{}/", self.frame.base))
    }
}

impl Wrong {
    /// The length of its bar, of 100.
    fn level(&self) -> f64 {
        (self.share * 1_000.0).round() / 10.0
    }
}
