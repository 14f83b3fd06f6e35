//! Keeps what is decided about keys, and knows what was.
//!
//! Must not know: how keys are checked, or how anything is stored.

use crate::identity::{KeyDesk, KeySettings, KeyShelf, Keyring};
use crate::store::Store;
use crate::types::KeyRow;
use std::sync::Arc;

/// What the keys of the configuration and earlier decisions in `store` come to, and who decides.
pub(super) fn keys(
    configured: &[KeySettings],
    store: Option<&Arc<Store>>,
) -> (Arc<Keyring>, KeyDesk) {
    let decided = store.map(|store| store.load_keys()).unwrap_or_default();
    let keyring = Arc::new(Keyring::new(configured, decided));
    let shelf = store.map(|store| Box::new(OnDisk(Arc::clone(store))) as Box<dyn KeyShelf>);
    (Arc::clone(&keyring), KeyDesk::new(keyring, shelf))
}

/// Decisions on disk.
struct OnDisk(Arc<Store>);

impl KeyShelf for OnDisk {
    fn keep(&self, row: KeyRow) -> Result<(), String> {
        self.0.save_key(row).map_err(|error| error.to_string())
    }
}
