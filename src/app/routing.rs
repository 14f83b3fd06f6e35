//! Shares of traffic that operators have changed, and how that gets over a restart.
//!
//! Must not know: what a share is, or how it is stored.

use crate::store::Store;
use crate::types::{Edit, Place};
use crate::upstream::{EditShelf, Edits, ModelSettings, Upstream};
use std::io;
use std::sync::Arc;

/// What was said earlier, in `store` if there is one, of `upstreams` and the `configured` models.
pub(super) fn edits(
    upstreams: &[Arc<Upstream>],
    configured: &[ModelSettings],
    store: Option<&Arc<Store>>,
) -> Arc<Edits> {
    let shelf = store.map(|store| Box::new(InStore(Arc::clone(store))) as Box<dyn EditShelf>);
    Arc::new(Edits::new(upstreams.to_vec(), configured, shelf))
}

struct InStore(Arc<Store>);

impl EditShelf for InStore {
    fn load(&self) -> Vec<(Place, Edit)> {
        self.0.read_edits().unwrap_or_else(|error| {
            tracing::warn!(%error, "what was said of shares cannot be read: the file counts");
            Vec::new()
        })
    }

    fn save(&self, edits: &[(Place, Edit)]) -> io::Result<()> {
        self.0.write_edits(edits)
    }
}
