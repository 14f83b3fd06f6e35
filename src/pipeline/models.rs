//! `GET /v1/models` and `GET /v1/models/{id}`, answered from the catalog.
//!
//! Must not know: how models were found.

use crate::error::Fault;
use crate::observe::{RequestRecord, Verdict};
use crate::pipeline::{Deps, Downstream, respond};
use crate::protocol::{clean_text, model_entry, models_list, percent_decode};
use crate::types::Outcome;
use crate::upstream::{Catalog, Model};
use bytes::Bytes;

/// Lists the models, or describes one.
///
/// # Errors
/// When the path names a model that is not there.
pub(super) async fn answer<D: Downstream, T>(
    deps: &Deps<T>,
    down: &mut D,
    rec: &mut RequestRecord,
) -> Result<Verdict, Fault> {
    let catalog = deps.catalog.load_full();
    let path = down.head().uri.path();
    let named = path.strip_prefix("/v1/models/").map(|id| id.strip_suffix('/').unwrap_or(id));
    let named = named.filter(|id| !id.is_empty());
    let body = match named {
        Some(id) => describe(&catalog, &percent_decode(id))?,
        None => list(&catalog),
    };
    let head = respond::json_head(deps, 200, body.len(), rec);
    respond::whole(down, head, body, rec).await.map_err(|_| Fault::ClientGone)?;
    Ok(Verdict { outcome: Outcome::Success, status: 200, error: None })
}

fn describe(catalog: &Catalog, id: &str) -> Result<Bytes, Fault> {
    match catalog.find(id) {
        Some(model) => Ok(Bytes::from(entry(id, model))),
        None if catalog.is_awaiting_backends() => Err(Fault::NoBackendYet),
        None => Err(Fault::UnknownModel { asked: clean_text(id, 256) }),
    }
}

fn list(catalog: &Catalog) -> Bytes {
    let entries = catalog.models().iter().flat_map(|model| {
        let plain = model.aliases.iter().filter(|alias| !alias.contains(['*', '?']));
        let names = std::iter::once(&model.name).chain(plain);
        names.map(|name| entry(name, model))
    });
    models_list(entries)
}

/// An upstream's own description of a model says more than we could.
fn entry(name: &str, model: &Model) -> String {
    match &model.description {
        Some(description) if name == model.name => description.get().to_owned(),
        _ => model_entry(name, "transom"),
    }
}
