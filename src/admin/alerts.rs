//! What machines ask of alerts: to take those of an Alertmanager, and to try a webhook.
//!
//! Must not know: when an alert fires, or how anything is sent.

use crate::admin::AdminState;
use crate::admin::access::{Action, Deed, Visitor};
use crate::admin::refusal::{Refusal, refusal};
use crate::alert::{Notification, Taken};
use crate::webhook::TestError;
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// The largest notification, in bytes.
const LARGEST: usize = 1 << 20;

/// Takes the notification of an Alertmanager.
pub(super) async fn receive(
    State(state): State<AdminState>,
    _: Visitor,
    body: Body,
) -> Result<Json<Taken>, Refusal> {
    let body = to_bytes(body, LARGEST).await.map_err(|_| {
        let why = format!("a notification has {LARGEST} bytes at most; see `max_alerts`");
        refusal(StatusCode::PAYLOAD_TOO_LARGE, why)
    })?;
    let notification = Notification::read(&body);
    let notification =
        notification.map_err(|error| refusal(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok(Json(state.alerts.take(notification, state.clock.date())))
}

/// Sends a webhook a message that says nothing but that it arrives.
pub(super) async fn test(
    State(state): State<AdminState>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    tested(&state, &visitor, &name)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "webhook": name, "queued": true }))))
}

/// The same, for a page.
pub(super) fn tested(state: &AdminState, visitor: &Visitor, name: &str) -> Result<(), Refusal> {
    let deed = Deed::of(Action::WebhookTest).about(name);
    let sent = state.webhooks.test(name);
    state.access.note(
        visitor,
        match sent {
            Ok(()) => deed,
            Err(error) => deed.failed(error.to_string()),
        },
    );
    sent.map_err(|error| {
        let status = match error {
            TestError::Unknown => StatusCode::NOT_FOUND,
            TestError::Full => StatusCode::SERVICE_UNAVAILABLE,
        };
        refusal(status, error.to_string())
    })
}
