//! What operators ask of replays: to begin one, how far it is, to stop it, and what came of it.
//!
//! | file | owns |
//! |---|---|
//! | `order` | what a replay is ordered with |
//! | `report` | what came of one, in every form |
//! | `progress` | how far one is, as it goes on |
//!
//! Must not know: how a replay is carried out.

mod order;
mod progress;
mod report;

pub(super) use order::Wanted;
pub(super) use progress::progress;
pub(super) use report::{file, report_on, show};

use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Right, Visitor};
use crate::admin::refusal::{Refusal, broken, read, refusal};
use crate::capture::Archive;
use crate::replay::desk::{Desk, Refused};
use crate::replay::experiment::{Ending, ExperimentRecord, Question, Standing};
use crate::replay::outcome::RunId;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};
use tokio::task::spawn_blocking;

/// Replays of one list.
const MOST: usize = 200;

/// What came of an order.
pub(super) enum Begun {
    /// It goes on.
    Now(Box<ExperimentRecord>),
    /// It makes no sense, or something speaks against it.
    Refused(StatusCode, String),
}

/// What replays of a running proxy need. Cloning shares it.
#[derive(Clone)]
pub struct ReplayControl {
    /// Where they are ordered.
    pub desk: Desk,
    /// What was captured.
    pub archive: Archive,
    /// Where the proxy itself is, to be replayed through.
    pub proxy: SocketAddr,
}

/// Begins what the body orders.
pub(super) async fn begin(
    State(state): State<AdminState>,
    visitor: Visitor,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    match begun(&state, &visitor, read(wanted)?).await? {
        Begun::Now(record) => {
            let standing = control(&state)?.desk.standing(&record.id);
            Ok((StatusCode::ACCEPTED, Json(shown(&record, standing))))
        }
        Begun::Refused(status, why) => Err(refusal(status, why)),
    }
}

/// Begins what is wanted, if nothing speaks against it.
pub(super) async fn begun(
    state: &AdminState,
    visitor: &Visitor,
    wanted: Wanted,
) -> Result<Begun, Refusal> {
    // Whoever has captured requests sent to a server of their own reads them there.
    if wanted.leaves_the_house() && !visitor.may(Right::Content) {
        let why = "a `url` is sent what callers wrote, which needs the right to see content; an \
                   `upstream` or the `proxy` does not";
        return Ok(Begun::Refused(StatusCode::FORBIDDEN, why.to_owned()));
    }
    let control = control(state)?;
    let order = match wanted.order(&control, &state.upstreams) {
        Ok(order) => order,
        Err(why) => return Ok(Begun::Refused(StatusCode::BAD_REQUEST, why)),
    };
    // It reads the capture, which has no place on a thread that pages share.
    let begun = spawn_blocking(move || control.desk.begin(order)).await;
    match begun.map_err(|error| broken(error.to_string()))? {
        Ok(record) => {
            state.access.note(visitor, Deed::of(Action::ReplayBegin).about(record.id.as_str()));
            Ok(Begun::Now(Box::new(record)))
        }
        Err(Refused::Failed(why)) => Err(broken(why)),
        Err(why @ Refused::Order(_)) => {
            Ok(Begun::Refused(StatusCode::BAD_REQUEST, why.to_string()))
        }
        Err(why) => Ok(Begun::Refused(StatusCode::CONFLICT, why.to_string())),
    }
}

/// The replays that there are, the newest first.
pub(super) async fn list(State(state): State<AdminState>) -> Result<Json<Value>, Refusal> {
    let records = records_of(&state).await?;
    let shown = records.iter().map(|(record, standing)| shown(record, *standing));
    Ok(Json(json!({ "replays": shown.collect::<Vec<_>>() })))
}

/// The replays that there are, the newest first, and how far those under way are.
pub(super) async fn records_of(
    state: &AdminState,
) -> Result<Vec<(ExperimentRecord, Option<Standing>)>, Refusal> {
    let desk = control(state)?.desk;
    let read = spawn_blocking(move || {
        let records = records(&desk).into_iter();
        records.map(|record| (desk.standing(&record.id), record)).map(|(s, r)| (r, s)).collect()
    });
    read.await.map_err(|error| broken(error.to_string()))
}

/// Stops one; what has run by then is reported.
pub(super) async fn stop(
    State(state): State<AdminState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    stopped(&state, &visitor, &id)?;
    Ok(Json(json!({ "stopping": id })))
}

/// Stops one, if it is under way.
pub(super) fn stopped(state: &AdminState, visitor: &Visitor, id: &str) -> Result<(), Refusal> {
    let id = run_id(id)?;
    if !control(state)?.desk.stop(&id) {
        return Err(refusal(StatusCode::CONFLICT, "it is not under way"));
    }
    state.access.note(visitor, Deed::of(Action::ReplayStop).about(id.as_str()));
    Ok(())
}

/// Those that can be read; without a directory there are none.
fn records(desk: &Desk) -> Vec<ExperimentRecord> {
    let ids = ExperimentRecord::list(desk.root()).unwrap_or_default();
    let records = ids.iter().take(MOST);
    records.filter_map(|id| ExperimentRecord::load(desk.root(), id).ok()).collect()
}

fn shown(record: &ExperimentRecord, standing: Option<Standing>) -> Value {
    let began = humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from(record.began));
    let (state, why) = match (&record.ending, standing.is_some()) {
        (_, true) => ("running", None),
        (Some(Ending::Done), _) => ("done", None),
        (Some(Ending::Stopped(why)), _) => ("stopped", Some(why.as_str())),
        (Some(Ending::Failed(why)), _) => ("failed", Some(why.as_str())),
        (None, _) => ("interrupted", Some("the process ended before it did")),
    };
    let question = match record.question {
        Question::Run => "run",
        Question::Compare { .. } => "compare",
        Question::Calibrate { .. } => "calibrate",
        Question::Sweep { .. } => "sweep",
    };
    json!({
        "id": record.id,
        "began": began.to_string(),
        "question": question,
        "settings": record.question,
        "arms": record.arms,
        "state": state,
        "why": why,
        "progress": standing.map(|standing| progress::shown(&standing)),
    })
}

fn run_id(text: &str) -> Result<RunId, Refusal> {
    RunId::parse(text).ok_or_else(|| refusal(StatusCode::NOT_FOUND, "there is no such replay"))
}

fn control(state: &AdminState) -> Result<ReplayControl, Refusal> {
    let off = || refusal(StatusCode::CONFLICT, "there is no directory to keep replays in");
    state.replay.clone().ok_or_else(off)
}
