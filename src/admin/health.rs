//! Liveness and readiness.
//!
//! Must not know: why traffic is or is not welcome.

use crate::admin::AdminState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const STARTING: u8 = 0;
const READY: u8 = 1;
const DRAINING: u8 = 2;

/// Whether traffic is welcome. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicU8>);

impl Readiness {
    /// The listeners are up and every upstream was asked once.
    pub fn set_ready(&self) {
        // Draining is final, so starting up late does not undo it.
        let swapped =
            self.0.compare_exchange(STARTING, READY, Ordering::Relaxed, Ordering::Relaxed);
        if let Err(state) = swapped {
            tracing::debug!(state, "no longer starting");
        }
    }

    /// Shutdown has begun.
    pub fn set_draining(&self) {
        self.0.store(DRAINING, Ordering::Relaxed);
    }

    fn word(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            STARTING => "starting",
            READY => "ready",
            _ => "draining",
        }
    }
}

/// 200 as long as the process answers at all.
pub(super) async fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// 200 when traffic is welcome, else 503.
pub(super) async fn ready(State(state): State<AdminState>) -> Response {
    let word = state.readiness.word();
    let status = if word == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "status": word }))).into_response()
}
