//! Everything that helps to find out what is wrong, in one document that can be handed to
//! somebody else: no secret is in it, and nothing that callers or models wrote.
//!
//! Must not know: what is wrong.

use super::system;
use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Visitor};
use crate::admin::history::shown::date;
use crate::admin::refusal::{Refusal, broken};
use crate::admin::telemetry::written;
use crate::history::recent::{Filter, Place, RecentAttempt, RecentRequest};
use crate::observe::Exposition;
use crate::types::{ErrorType, Outcome};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Failed requests that are told.
const REQUESTS: usize = 200;
/// Bytes of metrics; beyond them lines are left out.
const METRICS: usize = 4 << 20;

/// `GET /api/v1/support-bundle`
pub(in crate::admin) async fn bundle(
    State(state): State<AdminState>,
    visitor: Visitor,
) -> Result<Response, Refusal> {
    let history = Arc::clone(&state.history);
    let failed = spawn_blocking(move || {
        let page = history.recent().page(&failures(), Place::default(), REQUESTS);
        page.requests.iter().map(shown).collect::<Vec<_>>()
    });
    let failed = failed.await.map_err(|error| broken(error.to_string()))?;
    let now = state.clock.date();
    let document = json!({
        "made": date(now),
        "system": system(&state).await?,
        "config": &*state.installation.config.effective,
        "budgets": state.observer.slos().report(now),
        "failed_requests": failed,
        "metrics": metrics(&state).await,
    });
    state.access.note(&visitor, Deed::of(Action::SupportBundle));
    let name = date(now).replace([':', '.'], "-");
    let disposition = format!("attachment; filename=\"transom-support-{name}.json\"");
    let headers = [(header::CONTENT_DISPOSITION, disposition.as_str())];
    Ok((headers, [(header::CACHE_CONTROL, "no-store")], Json(document)).into_response())
}

fn failures() -> Filter {
    let failed = |outcome: &Outcome| *outcome != Outcome::Success;
    Filter { outcomes: Outcome::ALL.into_iter().filter(failed).collect(), ..Filter::default() }
}

/// What is ours of a request. Ids, methods and names of models that callers made up are theirs.
fn shown(request: &RecentRequest) -> Value {
    let attempt = |attempt: &RecentAttempt| {
        json!({
            "upstream": &*attempt.upstream,
            "status": attempt.status,
            "error_type": attempt.error.map(ErrorType::label),
            "began_seconds": attempt.began.as_secs_f64(),
            "ended_seconds": attempt.ended.map(|ended| ended.as_secs_f64()),
        })
    };
    json!({
        "received": date(request.received),
        "trace_id": request.trace_id.to_string(),
        "operation": request.operation.label(),
        "model": &*request.model,
        "outcome": request.outcome.label(),
        "status": request.status,
        "error_type": request.error.map(ErrorType::label),
        "duration_seconds": request.duration.as_secs_f64(),
        "attempts": request.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

async fn metrics(state: &AdminState) -> String {
    let mut text = String::new();
    for page in written(state, Exposition::Text).await {
        let page = String::from_utf8_lossy(&page);
        if text.len() + page.len() <= METRICS {
            text.push_str(&page);
        }
    }
    text
}
