//! What was captured: how the capture is doing, and the exchanges, without what they say.
//!
//! Must not know: how a record is stored.

use super::{Form, Frame, Shown};
use crate::admin::AdminState;
use crate::admin::capture::{self, Wanted};
use crate::admin::refusal::Refusal;
use crate::human;
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

#[derive(Template, Serialize)]
#[template(path = "captures.html")]
struct CapturesPage {
    #[serde(skip)]
    frame: Frame,
    status: Value,
    #[serde(skip)]
    query: String,
    exchanges: Vec<Value>,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    let status = capture::status_of(&state);
    let query = frame.address.split_once('?').map(|(_, query)| query.to_owned());
    let exchanges = match status["on"] == true {
        true => capture::listed(&state, wanted).await?,
        false => Vec::new(),
    };
    let query = query.unwrap_or_default();
    Ok(Shown(form, CapturesPage { frame, status, query, exchanges }).into_response())
}

impl CapturesPage {
    fn is_on(&self) -> bool {
        self.status["on"] == true
    }

    fn paused(&self) -> Option<&str> {
        self.status["paused"].as_str()
    }

    fn count(&self, name: &str) -> String {
        self.status[name].as_u64().map_or_else(|| human::UNKNOWN.to_owned(), human::count)
    }

    fn bytes(&self, name: &str) -> String {
        self.status[name].as_u64().map_or_else(|| human::UNKNOWN.to_owned(), human::bytes)
    }

    fn dropped(&self) -> u64 {
        let dropped = self.status["dropped"].as_object();
        dropped.map_or(0, |by| by.values().filter_map(Value::as_u64).sum())
    }
}

fn text<'v>(exchange: &'v Value, name: &str) -> &'v str {
    exchange[name].as_str().unwrap_or(human::UNKNOWN)
}

fn took(exchange: &Value) -> String {
    let took = exchange["duration_seconds"].as_f64();
    took.map_or_else(|| human::UNKNOWN.to_owned(), human::seconds)
}

fn tone(exchange: &Value) -> &'static str {
    match exchange["outcome"].as_str() {
        Some("success") => "good",
        Some("client_error" | "client_cancelled" | "rate_limited") => "doubt",
        Some(_) => "bad",
        None => "",
    }
}
