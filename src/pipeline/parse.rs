//! Step 3: what the body asks for, and of which model.
//!
//! Must not know: where the model is served.

use crate::error::Fault;
use crate::observe::RequestRecord;
use crate::pipeline::Deps;
use crate::pipeline::body::Body;
use crate::protocol::{RequestView, clean_text, read_request};
use crate::types::Operation;
use crate::upstream::Model;
use std::sync::Arc;

/// Longest stranger's model name that is kept, in characters.
const NAME_LIMIT: usize = 256;

/// A request that was understood.
pub(super) struct Request {
    /// The body as the caller sent it.
    pub(super) body: Body,
    /// What it says.
    pub(super) view: RequestView,
    /// The model it is for.
    pub(super) model: Arc<Model>,
    /// What is to be done with it.
    pub(super) operation: Operation,
}

/// Reads the body and finds its model.
///
/// # Errors
/// When the body is not a valid request of its dialect or names no model there is.
pub(super) fn request<T>(
    deps: &Deps<T>,
    body: Body,
    rec: &mut RequestRecord,
) -> Result<Request, Fault> {
    let view = read_request(rec.call.operation, &body.bytes)
        .map_err(|error| Fault::BadRequest { message: error.to_string(), param: error.param() })?;
    let asked = clean_text(view.model(), NAME_LIMIT);
    let catalog = deps.catalog.load();
    let found = catalog.find(view.model()).cloned();
    rec.call.model_asked = Some(asked);
    rec.call.streamed = view.streams();
    let Some(model) = found else {
        return Err(if catalog.is_awaiting_backends() {
            Fault::NoBackendYet
        } else {
            Fault::UnknownModel { asked: clean_text(view.model(), NAME_LIMIT) }
        });
    };
    deps.observer.assign_model(rec, model.slot);
    Ok(Request { body, view, model, operation: rec.call.operation })
}
