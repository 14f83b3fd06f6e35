//! Shares of traffic that operators change: which place is meant, and what becomes of it.
//!
//! Owns the form of `PUT /api/v1/upstreams/weights`, and the line that says who changed what.
//! Must not know: how a share is carried out or kept.

use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Visitor};
use crate::admin::refusal::{Refusal, read, refusal};
use crate::types::{Duty, Edit, Place};
use crate::upstream::{Change, Changed, EditError, Insist};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Which place, and what is to become of it: `{"model": "chat", "upstream": "vllm", "weight": 10}`
/// for a target, `{"upstream": "vllm", "endpoint": "http://10.0.0.1:8000", "state": "drained"}`
/// for an endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    pub(super) model: Option<String>,
    pub(super) upstream: String,
    /// What the upstream calls the model; needed only where it has the model twice.
    pub(super) served_as: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) weight: Option<u32>,
    pub(super) state: Option<Word>,
    /// Also where nobody is left then who takes requests.
    pub(super) force: bool,
}

/// What a place is to be.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    Drained,
    Enabled,
    /// As the file says.
    Reset,
}

/// A share as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Standing {
    /// What it weighs, while it is not drained.
    pub(super) weight: u32,
    pub(super) file_weight: u32,
    pub(super) drained: bool,
    /// Whether it is other than the file says.
    pub(super) changed: bool,
}

/// Why nothing was changed.
#[derive(Debug)]
pub(super) enum Unchanged {
    /// It makes no sense, or there is no such place.
    Refused(StatusCode, String),
    /// Nobody would be left who takes requests: it has to be insisted on.
    LastOne(String),
}

/// Changes what the body says.
pub(super) async fn change(
    State(state): State<AdminState>,
    visitor: Visitor,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let (place, changed) = changed(&state, &visitor, read(wanted)?).await?;
    let mut told = named(&place);
    let standings = json!({
        "was": Standing::of(changed.was, changed.file),
        "now": Standing::of(changed.now, changed.file),
        "kept": changed.fleeting.is_none(),
        "not_kept_because": changed.fleeting,
    });
    merge(&mut told, standings);
    Ok(Json(told))
}

/// Changes what is wanted, and writes down who did.
pub(super) async fn changed(
    state: &AdminState,
    visitor: &Visitor,
    wanted: Wanted,
) -> Result<(Place, Changed), Unchanged> {
    let (place, change, insist) = wanted.understood(state)?;
    let (edits, at) = (Arc::clone(&state.edits), place.clone());
    // What is said is on disk before it is answered.
    let changed = spawn_blocking(move || edits.change(&at, change, insist)).await;
    let failed = |error: tokio::task::JoinError| {
        Unchanged::Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    };
    let changed = changed.map_err(failed)??;
    let mut detail = named(&place);
    let shares = json!({
        "from": Standing::of(changed.was, changed.file),
        "to": Standing::of(changed.now, changed.file),
    });
    merge(&mut detail, shares);
    let object = match &place {
        Place::Target { model, .. } => model,
        Place::Endpoint { upstream, .. } => upstream,
    };
    state.access.note(visitor, Deed::of(Action::Weigh).about(object).with(detail));
    Ok((place, changed))
}

impl Wanted {
    fn understood(self, state: &AdminState) -> Result<(Place, Change, Insist), Unchanged> {
        let change = match (self.weight, self.state) {
            (Some(weight), None) => Change::Weight(weight),
            (None, Some(Word::Drained)) => Change::Drain,
            (None, Some(Word::Enabled)) => Change::Enable,
            (None, Some(Word::Reset)) => Change::Reset,
            _ => return Err(nonsense("say either `weight` or `state`")),
        };
        let insist = if self.force { Insist::Yes } else { Insist::No };
        let place = match (self.model, self.endpoint) {
            (Some(model), None) => target(state, model, (self.upstream, self.served_as))?,
            (None, Some(url)) => Place::Endpoint { upstream: self.upstream, url },
            _ => return Err(nonsense("say either `model` or `endpoint`, and the `upstream`")),
        };
        Ok((place, change, insist))
    }
}

/// The only place of `model` at an upstream, or the one where it is served so.
fn target(
    state: &AdminState,
    model: String,
    (upstream, served_as): (String, Option<String>),
) -> Result<Place, Unchanged> {
    let catalog = state.catalog.load();
    let known = catalog.models().iter().find(|known| known.name == model);
    let there = known.iter().flat_map(|model| &model.targets);
    let there = there.filter(|target| target.upstream.settings.name == upstream);
    let mut there: Vec<&str> = there.map(|target| &*target.model).collect();
    there.dedup();
    let served_as = match (served_as, there.as_slice()) {
        (Some(served_as), _) => served_as,
        (None, [only]) => (*only).to_owned(),
        (None, []) => return Err(EditError::Unknown.into()),
        (None, _) => {
            return Err(nonsense("the upstream has this model twice: say `served_as`, too"));
        }
    };
    Ok(Place::Target { model, upstream, served_as })
}

impl Standing {
    /// How it is other than the file says, if it is.
    pub(super) fn said(&self) -> Option<String> {
        let Self { weight, file_weight, changed, .. } = *self;
        match weight == file_weight {
            _ if !changed => None,
            true => Some("drained here".to_owned()),
            false => Some(format!("changed here, the file says {file_weight}")),
        }
    }

    /// What was said of a place that the file gives the weight `file`.
    pub(super) fn of(edit: Edit, file: u32) -> Self {
        Self {
            weight: edit.weight.unwrap_or(file),
            file_weight: file,
            drained: edit.duty == Duty::Drained,
            changed: edit != Edit::default(),
        }
    }
}

fn nonsense(why: &str) -> Unchanged {
    Unchanged::Refused(StatusCode::BAD_REQUEST, why.to_owned())
}

/// The names of a place.
fn named(place: &Place) -> Value {
    match place {
        Place::Target { model, upstream, served_as } => {
            json!({ "model": model, "upstream": upstream, "served_as": served_as })
        }
        Place::Endpoint { upstream, url } => json!({ "upstream": upstream, "endpoint": url }),
    }
}

fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(members), Value::Object(more)) = (object, more) {
        members.extend(more);
    }
}

impl From<EditError> for Unchanged {
    fn from(error: EditError) -> Self {
        let status = match error {
            EditError::Unknown => StatusCode::NOT_FOUND,
            EditError::TooHeavy => StatusCode::BAD_REQUEST,
            EditError::TooMany => StatusCode::CONFLICT,
            EditError::LastOne(_) => return Self::LastOne(error.to_string()),
        };
        Self::Refused(status, error.to_string())
    }
}

impl From<Unchanged> for Refusal {
    fn from(unchanged: Unchanged) -> Self {
        match unchanged {
            Unchanged::Refused(status, why) => refusal(status, why),
            Unchanged::LastOne(why) => {
                refusal(StatusCode::CONFLICT, format!("{why}; `force` does it nevertheless"))
            }
        }
    }
}
