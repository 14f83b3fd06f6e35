//! A form that asks a model something, through the proxy, and what came of it.
//!
//! Must not know: how it is sent. A key that is typed here is never shown again.

use super::{Form as Wanted, Frame, Shown};
use crate::admin::AdminState;
use crate::admin::playground::{Played, Prompt, played};
use crate::human;
use crate::replay::CountedBy;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Template, Serialize)]
#[template(path = "playground.html")]
struct PlaygroundPage {
    #[serde(skip)]
    frame: Frame,
    models: Vec<String>,
    needs_key: bool,
    #[serde(skip)]
    wanted: BTreeMap<String, String>,
    #[serde(skip)]
    problem: Option<String>,
    #[serde(skip)]
    played: Option<Played>,
}

/// A figure of an answer.
struct Figure {
    name: &'static str,
    said: String,
    exact: String,
    note: String,
}

/// The form. What stands in the query is in it already.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Wanted,
    frame: Frame,
    Query(wanted): Query<BTreeMap<String, String>>,
) -> Response {
    Shown(form, PlaygroundPage::of(&state, frame, wanted)).into_response()
}

/// Sends what the form says, and shows it again with the answer.
pub(in crate::admin) async fn play(
    State(state): State<AdminState>,
    frame: Frame,
    Form(mut wanted): Form<BTreeMap<String, String>>,
) -> Response {
    let answer = match Prompt::of_form(&wanted) {
        Ok(prompt) => {
            let answer = played(&state, &frame.visitor, &prompt).await;
            answer.map_err(|refusal| (refusal.status(), refusal.why().to_owned()))
        }
        Err(why) => Err((StatusCode::BAD_REQUEST, why)),
    };
    wanted.remove("key");
    let mut page = PlaygroundPage::of(&state, frame, wanted);
    let status = match answer {
        Ok(played) => {
            page.played = Some(played);
            StatusCode::OK
        }
        Err((status, why)) => {
            page.problem = Some(why);
            status
        }
    };
    (status, Shown(Wanted::Html, page)).into_response()
}

impl PlaygroundPage {
    fn of(state: &AdminState, frame: Frame, wanted: BTreeMap<String, String>) -> Self {
        let catalog = state.catalog.load();
        Self {
            frame,
            models: catalog.models().iter().map(|model| model.name.clone()).collect(),
            needs_key: !state.installation.keys.is_empty(),
            wanted,
            problem: None,
            played: None,
        }
    }

    /// What stands in a field.
    fn said(&self, name: &str) -> &str {
        self.wanted.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.said(name) == value
    }

    /// Nobody unticks what they never saw.
    fn streams(&self) -> bool {
        self.wanted.is_empty() || !self.said("stream").is_empty()
    }
}

impl Played {
    fn tone(&self) -> &'static str {
        match (self.failure, self.status) {
            (None, Some(200..=299)) => "good",
            _ => "bad",
        }
    }

    fn outcome(&self) -> String {
        match (self.failure, self.status) {
            (None, Some(status @ 200..=299)) => format!("✓ {status}"),
            (_, Some(status @ 300..)) => format!("× {status}"),
            (Some(failure), _) => format!("× {}", word(&failure)),
            (None, status) => format!("× {}", status.unwrap_or_default()),
        }
    }

    fn figures(&self) -> Vec<Figure> {
        let seconds = |name, value: Option<f64>, measured: &str| Figure {
            name,
            said: value.map_or_else(|| human::UNKNOWN.to_owned(), human::seconds),
            exact: value.map_or_else(String::new, |value| format!("{value} s")),
            note: self.measured_seconds(measured),
        };
        let tokens = |name, value: Option<u64>| Figure {
            name,
            said: value.map_or_else(|| human::UNKNOWN.to_owned(), human::count),
            exact: String::new(),
            note: match self.tokens_counted_by {
                Some(CountedBy::Target) => "as the model counted".to_owned(),
                Some(CountedBy::Guess) => "guessed".to_owned(),
                None => String::new(),
            },
        };
        let rate = self.tokens_per_second;
        vec![
            seconds("First token", self.ttft_seconds, "ttft_seconds"),
            seconds("In all", self.total_seconds, "duration_seconds"),
            tokens("Tokens in", self.tokens_in),
            tokens("Tokens out", self.tokens_out),
            Figure {
                name: "Tokens a second",
                said: rate.map_or_else(|| human::UNKNOWN.to_owned(), human::number),
                exact: rate.map_or_else(String::new, |rate| rate.to_string()),
                note: "while it wrote".to_owned(),
            },
        ]
    }

    /// The proxy's own figure, beside the caller's.
    fn measured_seconds(&self, name: &str) -> String {
        let measured = self.measured.as_ref().and_then(|told| told[name].as_f64());
        measured.map_or_else(String::new, |value| format!("the proxy: {}", human::seconds(value)))
    }

    fn has(&self, name: &str) -> Option<&str> {
        self.measured.as_ref().and_then(|told| told[name].as_str())
    }
}

/// As programs call it, with spaces.
fn word(value: &impl Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref().and_then(Value::as_str).unwrap_or_default().replace('_', " ")
}
