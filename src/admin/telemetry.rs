//! What machines ask for: metrics, error budgets, the level of logs.
//!
//! Must not know: how any of it is measured.

use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Visitor};
use crate::admin::refusal::{Refusal, read};
use crate::observe::{Exposition, LogLevel};
use axum::body::Body;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::convert::Infallible;
use tokio::task::yield_now;

/// Every number, in the format the scraper prefers.
pub(super) async fn metrics(State(state): State<AdminState>, headers: HeaderMap) -> Response {
    state.scrapes.note(state.clock.now());
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let exposition = Exposition::from_accept(accept.unwrap_or_default());
    let pages = written(&state, exposition).await;
    let length: usize = pages.iter().map(Bytes::len).sum();
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(exposition.content_type())),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    let pages = pages.into_iter().map(Ok::<_, Infallible>);
    (head, Body::from_stream(stream::iter(pages))).into_response()
}

/// All of it before the first byte is sent, so that a slow scraper sees one moment, too.
pub(super) async fn written(state: &AdminState, exposition: Exposition) -> Vec<Bytes> {
    let mut pages = Vec::new();
    for page in state.observer.metrics().pages(exposition) {
        pages.extend(page);
        // Others have questions, too, and the answers to most of them are short.
        yield_now().await;
    }
    pages
}

/// Every error budget; what is not known is null.
pub(super) async fn slo(State(state): State<AdminState>) -> Json<Value> {
    Json(json!({ "budgets": state.observer.slos().report(state.clock.date()) }))
}

/// `{"level": "info"}`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Level {
    level: Word,
}

/// The same as a form has it, beside its token.
#[derive(Deserialize)]
pub(super) struct Chosen {
    level: Word,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Error,
    Warn,
    Info,
    Debug,
}

/// The level of logs.
pub(super) async fn level(State(state): State<AdminState>) -> Json<Level> {
    Json(shown(state.level.level()))
}

/// Changes the level of logs until the process ends.
pub(super) async fn set_level(
    State(state): State<AdminState>,
    visitor: Visitor,
    level: Result<Json<Level>, JsonRejection>,
) -> Result<Json<Level>, Refusal> {
    let Level { level } = read(level)?;
    Ok(Json(moved(&state, &visitor, level)))
}

/// The form of the same: back to the page, with what came of it.
pub(super) async fn choose_level(
    State(state): State<AdminState>,
    visitor: Visitor,
    Form(Chosen { level }): Form<Chosen>,
) -> Redirect {
    moved(&state, &visitor, level);
    Redirect::to(&format!("{}/system?done=level", state.access.base()))
}

fn moved(state: &AdminState, visitor: &Visitor, level: Word) -> Level {
    state.level.set(match level {
        Word::Error => LogLevel::Error,
        Word::Warn => LogLevel::Warn,
        Word::Info => LogLevel::Info,
        Word::Debug => LogLevel::Debug,
    });
    let level = shown(state.level.level());
    state.access.note(visitor, Deed::of(Action::LogLevel).with(json!(level)));
    level
}

fn shown(level: LogLevel) -> Level {
    let level = match level {
        LogLevel::Error => Word::Error,
        LogLevel::Warn => Word::Warn,
        LogLevel::Info => Word::Info,
        LogLevel::Debug => Word::Debug,
    };
    Level { level }
}
