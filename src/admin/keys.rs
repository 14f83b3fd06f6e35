//! What is decided about keys: to make one, to revoke one, to take that back.
//!
//! Must not know: how keys are checked or kept. A key that is made is told once, to whoever made
//! it.

use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Visitor};
use crate::admin::refusal::{Refusal, broken, read, refusal};
use crate::identity::{Kept, KeyDesk, KeyError, Minted};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::task::spawn_blocking;

/// A key that is to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) alias: String,
    pub(super) tenant: Option<String>,
    /// That callers without a key are turned away from now on. Needed for the first key.
    #[serde(default)]
    pub(super) close: bool,
}

/// What is done about a key that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Revoke,
    Restore,
}

/// Makes a key, which is in the answer and nowhere else.
pub(super) async fn make(
    State(state): State<AdminState>,
    visitor: Visitor,
    order: Result<Json<Order>, JsonRejection>,
) -> Result<Response, Refusal> {
    let (minted, kept) = made(&state, &visitor, read(order)?).await?;
    let told = json!({
        "alias": minted.alias,
        "tenant": minted.tenant,
        "key": minted.key.expose(),
        "until_restart": until(&kept),
    });
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(told)).into_response())
}

/// Revokes a key.
pub(super) async fn revoke(
    State(state): State<AdminState>,
    visitor: Visitor,
    Path(alias): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let kept = decided(&state, &visitor, Verb::Revoke, alias.clone()).await?;
    Ok(Json(json!({ "alias": alias, "revoked": true, "until_restart": until(&kept) })))
}

/// Restores a revoked key.
pub(super) async fn restore(
    State(state): State<AdminState>,
    visitor: Visitor,
    Path(alias): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let kept = decided(&state, &visitor, Verb::Restore, alias.clone()).await?;
    Ok(Json(json!({ "alias": alias, "revoked": false, "until_restart": until(&kept) })))
}

/// The same as [`make`], for a page.
pub(super) async fn made(
    state: &AdminState,
    visitor: &Visitor,
    order: Order,
) -> Result<(Minted, Kept), Refusal> {
    let Order { alias, tenant, close } = order;
    if state.keys.is_open() && !close {
        let why = "No key is known, so callers need none. Once there is one, all of them do; say \
                   \"close\": true to have it so.";
        return Err(refusal(StatusCode::CONFLICT, why));
    }
    let deed = Deed::of(Action::KeyMake).about(alias.clone());
    let deed = deed.with(json!({ "tenant": tenant, "close": close }));
    let now = seconds(state);
    settle(state, visitor, deed, move |desk| desk.make(alias, tenant, now)).await
}

/// The same as [`revoke`] and [`restore`], for a page.
pub(super) async fn decided(
    state: &AdminState,
    visitor: &Visitor,
    verb: Verb,
    alias: String,
) -> Result<Kept, Refusal> {
    let now = seconds(state);
    let action = match verb {
        Verb::Revoke => Action::KeyRevoke,
        Verb::Restore => Action::KeyRestore,
    };
    let deed = Deed::of(action).about(alias.clone());
    let decide = move |desk: &KeyDesk| match verb {
        Verb::Revoke => desk.revoke(&alias, now),
        Verb::Restore => desk.restore(&alias),
    };
    settle(state, visitor, deed, decide).await
}

/// Has the desk decide, where the disk may be waited for, and writes down who had it.
async fn settle<T: Send + 'static>(
    state: &AdminState,
    visitor: &Visitor,
    deed: Deed,
    decide: impl FnOnce(&KeyDesk) -> Result<T, KeyError> + Send + 'static,
) -> Result<T, Refusal> {
    let desk = Arc::clone(&state.keys);
    let decided = spawn_blocking(move || decide(&desk)).await;
    let decided = decided.map_err(|error| broken(error.to_string()))?;
    let deed = match &decided {
        Ok(_) => deed,
        Err(error) => deed.failed(error.to_string()),
    };
    state.access.note(visitor, deed);
    decided.map_err(|error| {
        let status = match error {
            KeyError::Taken | KeyError::TooMany => StatusCode::CONFLICT,
            KeyError::Unknown => StatusCode::NOT_FOUND,
            KeyError::Name => StatusCode::BAD_REQUEST,
            KeyError::Randomness => StatusCode::INTERNAL_SERVER_ERROR,
        };
        refusal(status, error.to_string())
    })
}

/// Why it holds only until the process ends, if so.
pub(super) fn until(kept: &Kept) -> Option<&str> {
    match kept {
        Kept::ForGood => None,
        Kept::UntilTheEnd(why) => Some(why),
    }
}

fn seconds(state: &AdminState) -> u64 {
    state.clock.date().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
