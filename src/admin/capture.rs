//! What operators ask of the capture: how it is doing, what there is, and to erase something.
//!
//! Owns the form of the answers, and the line that says who erased what. What exchanges say is
//! not shown here. Must not know: how a record is stored.

use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Visitor};
use crate::admin::refusal::{Refusal, broken, read, refusal};
use crate::capture::{
    Archive, ArchiveError, CaptureHandle, CaptureState, DropReason, Erase, Filter, IndexEntry,
    Recorder,
};
use crate::types::Outcome;
use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::task::spawn_blocking;

/// Exchanges of one answer.
const MOST: usize = 1_000;

/// The capture of a running proxy. Cloning shares it.
#[derive(Clone)]
pub struct CaptureControl {
    /// The thread that writes.
    pub handle: CaptureHandle,
    /// What it has written.
    pub archive: Archive,
    /// What it writes of which model.
    pub recorder: Arc<Recorder>,
}

/// How it is doing; `{"on": false}` where no model is captured.
pub(super) async fn status(State(state): State<AdminState>) -> Json<Value> {
    Json(status_of(&state))
}

/// The same, for a page.
pub(super) fn status_of(state: &AdminState) -> Value {
    let Some(CaptureControl { handle, .. }) = &state.capture else {
        return json!({ "on": false });
    };
    let (counts, usage) = (handle.counts(), handle.usage());
    let dropped: Map<String, Value> = DropReason::ALL
        .iter()
        .map(|reason| (reason.label().to_owned(), counts.dropped(*reason).into()))
        .collect();
    let paused = match handle.state() {
        CaptureState::Running => None,
        CaptureState::Paused { why, .. } => Some(why.to_string()),
    };
    json!({
        "on": true,
        "paused": paused,
        "written": counts.written,
        "dropped": dropped,
        "segments": usage.segments,
        "bytes": usage.bytes,
        "queued_bytes": usage.queued,
    })
}

/// Which exchanges are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    request_id: Option<String>,
    session: Option<String>,
    key: Option<String>,
    model: Option<String>,
    outcome: Option<String>,
    status: Option<u16>,
    limit: Option<usize>,
}

/// The latest exchanges, the latest first, without what they say.
pub(super) async fn list(
    State(state): State<AdminState>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!({ "exchanges": listed(&state, wanted).await? })))
}

/// The same, for a page.
pub(super) async fn listed(
    state: &AdminState,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Vec<Value>, Refusal> {
    let Query(wanted) = wanted?;
    let control = control(state)?;
    let limit = wanted.limit.unwrap_or(100).min(MOST);
    let filter = wanted.filter().map_err(|why| refusal(StatusCode::BAD_REQUEST, why))?;
    // It reads files, which has no place on a thread that pages share.
    let read = spawn_blocking(move || latest(&control.archive, filter, limit)).await;
    let entries = read.map_err(|error| broken(error.to_string()))?.map_err(broken)?;
    Ok(entries.iter().rev().map(shown).collect())
}

fn latest(archive: &Archive, filter: Filter, limit: usize) -> Result<VecDeque<IndexEntry>, String> {
    let mut latest = VecDeque::new();
    for found in archive.entries(filter).map_err(|error| error.to_string())? {
        latest.push_back(found.map_err(|error| error.to_string())?.entry);
        if latest.len() > limit {
            latest.pop_front();
        }
    }
    Ok(latest)
}

impl Wanted {
    fn filter(self) -> Result<Filter, &'static str> {
        let outcome = self.outcome.map(|word| {
            let known = Outcome::ALL.iter().find(|outcome| outcome.label() == word);
            known.copied().ok_or("`outcome` is none that there is")
        });
        Ok(Filter {
            request_id: self.request_id,
            session: self.session,
            key: self.key,
            model: self.model,
            outcome: outcome.transpose()?,
            status: self.status,
            ..Filter::all()
        })
    }
}

fn shown(entry: &IndexEntry) -> Value {
    let received = humantime::format_rfc3339_micros(UNIX_EPOCH + entry.received).to_string();
    json!({
        "received": received,
        "request_id": entry.request_id,
        "trace_id": entry.trace_id.map(|id| id.to_string()),
        "session": entry.session.as_ref().map(|session| &session.id),
        "turn": entry.session.as_ref().map(|session| session.turn),
        "key": entry.key,
        "model": entry.model,
        "outcome": entry.outcome.map(Outcome::label),
        "status": entry.status,
        "duration_seconds": entry.duration.map(|took| took.as_secs_f64()),
        "bytes": entry.bytes,
    })
}

/// What to erase: one of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Doomed {
    key: Option<String>,
    session: Option<String>,
    request_id: Option<String>,
    /// RFC 3339.
    before: Option<String>,
}

/// Erases what the body says, for good.
pub(super) async fn erase(
    State(state): State<AdminState>,
    visitor: Visitor,
    doomed: Result<Json<Doomed>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let what = read(doomed)?.read().map_err(|why| refusal(StatusCode::BAD_REQUEST, why))?;
    let control = control(&state)?;
    let deed = Deed::of(Action::CaptureErase).about(named(&what));
    match control.handle.erase(what).await {
        Ok(erased) => {
            let unopened: Vec<String> = erased.closed.iter().map(ToString::to_string).collect();
            let answer = json!({ "records": erased.records, "unopened_segments": unopened });
            state.access.note(&visitor, deed.with(answer.clone()));
            Ok(Json(answer))
        }
        Err(error) => {
            state.access.note(&visitor, deed.failed(error.to_string()));
            Err(match error {
                ArchiveError::Paused(_) | ArchiveError::Stopped => {
                    refusal(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
                }
                _ => broken(error.to_string()),
            })
        }
    }
}

impl Doomed {
    fn read(self) -> Result<Erase, &'static str> {
        const ONE: &str = "say one of `key`, `session`, `request_id` and `before`";
        let before = self.before.map(|date| {
            let date = humantime::parse_rfc3339(&date).ok();
            let since = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
            since.ok_or("`before` is no date such as 2026-01-01T00:00:00Z")
        });
        let what = [
            self.key.map(Erase::Key),
            self.session.map(Erase::Session),
            self.request_id.map(Erase::RequestId),
            before.transpose()?.map(Erase::Before),
        ];
        let mut what = what.into_iter().flatten();
        match (what.next(), what.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(ONE),
        }
    }
}

/// What is erased, for the audit.
fn named(what: &Erase) -> String {
    match what {
        Erase::Key(key) => format!("key {key}"),
        Erase::Session(id) => format!("session {id}"),
        Erase::RequestId(id) => format!("request {id}"),
        Erase::Before(time) => format!("before {}", humantime::format_rfc3339(UNIX_EPOCH + *time)),
    }
}

fn control(state: &AdminState) -> Result<CaptureControl, Refusal> {
    let off = || refusal(StatusCode::CONFLICT, "nothing is captured");
    state.capture.clone().ok_or_else(off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(text: &str) -> Result<Erase, String> {
        let doomed: Doomed = serde_json::from_str(text).map_err(|error| error.to_string())?;
        doomed.read().map_err(str::to_owned)
    }

    #[test]
    fn one_kind_of_thing_is_erased_at_a_time() {
        assert_eq!(read(r#"{"key":"team"}"#), Ok(Erase::Key("team".to_owned())));
        assert_eq!(read(r#"{"session":"s"}"#), Ok(Erase::Session("s".to_owned())));
        assert_eq!(read(r#"{"request_id":"r"}"#), Ok(Erase::RequestId("r".to_owned())));
        let before = read(r#"{"before":"1970-01-01T00:01:00Z"}"#);
        assert_eq!(before, Ok(Erase::Before(Duration::from_secs(60))));
        for text in ["{}", r#"{"key":"a","session":"b"}"#, r#"{"before":"now"}"#, r#"{"all":true}"#]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
