//! How handlers say no: `{"error": "…"}`, with the status that fits.
//!
//! Must not know: what was asked for.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A request that makes no sense or cannot be carried out, with the reason.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    /// For a page that shows it itself.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The reason.
    pub(super) fn why(&self) -> &str {
        &self.why
    }
}

/// With this status, for this reason.
pub(super) fn refusal(status: StatusCode, why: impl Into<String>) -> Refusal {
    Refusal { status, why: why.into() }
}

/// It is not the sender's fault.
pub(super) fn broken(why: impl Into<String>) -> Refusal {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, why)
}

/// What a body says. Insisting on the JSON content type, as axum does, keeps other sites' forms
/// out.
pub(super) fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Refusal> {
    body.map(|Json(body)| body).map_err(|rejection| match rejection {
        // Whatever is wrong with it, it is the sender's mistake.
        JsonRejection::JsonDataError(error) => refusal(StatusCode::BAD_REQUEST, error.body_text()),
        other => refusal(other.status(), other.body_text()),
    })
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        refusal(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.why }))).into_response()
    }
}
