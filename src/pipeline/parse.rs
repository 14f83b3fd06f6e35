//! Step 3: what the body asks for, and of which model.
//!
//! Must not know: where the model is served.

use crate::error::Fault;
use crate::observe::RequestRecord;
use crate::pipeline::Deps;
use crate::pipeline::body::Body;
use crate::protocol::{RequestView, clean_text, read_request};
use crate::types::Operation;
use crate::upstream::{Catalog, Model};
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
    let model = model_of(&deps.catalog.load(), view.model());
    rec.call.model_asked = Some(clean_text(view.model(), NAME_LIMIT));
    rec.call.streamed = view.streams();
    let model = model?;
    deps.observer.assign_model(rec, model.slot);
    Ok(Request { body, view, model, operation: rec.call.operation })
}

/// The model that a caller means who says `asked`.
///
/// # Errors
/// When there is none; that may only be because a backend has not answered yet.
pub fn model_of(catalog: &Catalog, asked: &str) -> Result<Arc<Model>, Fault> {
    match catalog.find(asked) {
        Some(model) => Ok(Arc::clone(model)),
        None if catalog.is_awaiting_backends() => Err(Fault::NoBackendYet),
        None => Err(Fault::UnknownModel { asked: clean_text(asked, NAME_LIMIT) }),
    }
}
