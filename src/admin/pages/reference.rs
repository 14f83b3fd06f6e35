//! Every metric, with what it means and a first question to ask of it.
//!
//! Must not know: what a metric counts.

use super::{Form, Frame, Shown};
use crate::admin::AdminState;
use crate::admin::reference::{Entry, Label, Wanted, reference};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

#[derive(Template, Serialize)]
#[template(path = "reference.html")]
struct ReferencePage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    q: String,
    metrics: Vec<Entry>,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Form,
    frame: Frame,
    Query(wanted): Query<Wanted>,
) -> Response {
    let metrics = reference(&state, &wanted).metrics;
    Shown(form, ReferencePage { frame, q: wanted.q, metrics }).into_response()
}

impl Label {
    /// Its values, and which parts of the text stand between backticks.
    fn parts(&self) -> Vec<(&'static str, bool)> {
        self.values.split('`').zip([false, true].into_iter().cycle()).collect()
    }
}
