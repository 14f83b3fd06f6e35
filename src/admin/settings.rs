//! What programs ask of the configuration: what holds and who said so, and what is wrong with
//! another one.
//!
//! Must not know: how a configuration is read.

use crate::admin::AdminState;
use crate::admin::effective::ConfigFault;
use crate::admin::refusal::{Refusal, broken, read, refusal};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// The longest text that is checked, in bytes.
const LONGEST: usize = 256 << 10;

/// A configuration to be checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Candidate {
    toml: String,
}

/// What is wrong with it.
#[derive(Serialize)]
pub(super) struct Checked {
    pub(super) faults: Vec<ConfigFault>,
}

/// `GET /api/v1/config`
pub(super) async fn show(State(state): State<AdminState>) -> Json<Value> {
    Json(json!(&*state.installation.config.effective))
}

/// `POST /api/v1/config/check`
pub(super) async fn check(
    State(state): State<AdminState>,
    candidate: Result<Json<Candidate>, JsonRejection>,
) -> Result<Json<Checked>, Refusal> {
    let Candidate { toml } = read(candidate)?;
    Ok(Json(Checked { faults: faults(&state, toml).await? }))
}

/// Everything that is wrong with `text`. Nobody learns by it which files and variables there
/// are on this machine: what it names is not looked at.
pub(super) async fn faults(state: &AdminState, text: String) -> Result<Vec<ConfigFault>, Refusal> {
    if text.len() > LONGEST {
        let why = "a configuration of more than 256 KiB is not checked here";
        return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    let check = Arc::clone(&state.installation.config.check);
    let checked = spawn_blocking(move || check(&text)).await;
    checked.map_err(|error| broken(error.to_string()))
}
