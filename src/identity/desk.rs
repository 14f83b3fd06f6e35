//! Where keys are made, revoked and restored while the process runs.
//!
//! What is decided is in force at once, and then kept. Must not know: who decides, or how it is
//! kept.

use crate::identity::{KeyError, Keyring, KnownKey, Minted};
use crate::types::KeyRow;
use parking_lot::Mutex;
use std::sync::Arc;

/// Keeps what was decided over restarts. Waits for the disk.
pub trait KeyShelf: Send + Sync {
    /// Keeps a decision; returns once it is on disk.
    ///
    /// # Errors
    /// When it cannot be kept, in words.
    fn keep(&self, row: KeyRow) -> Result<(), String>;
}

/// Decides about keys, one decision after the other.
pub struct KeyDesk {
    keyring: Arc<Keyring>,
    shelf: Option<Box<dyn KeyShelf>>,
    deciding: Mutex<()>,
}

/// How long what was decided holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Over restarts.
    ForGood,
    /// Until the process ends, for this reason.
    UntilTheEnd(String),
}

impl KeyDesk {
    /// One that decides for `keyring`; without a shelf nothing outlives the process.
    pub fn new(keyring: Arc<Keyring>, shelf: Option<Box<dyn KeyShelf>>) -> Self {
        Self { keyring, shelf, deciding: Mutex::default() }
    }

    /// All keys that are known.
    pub fn known(&self) -> Vec<KnownKey> {
        self.keyring.known()
    }

    /// Whether nobody has to show a key.
    pub fn is_open(&self) -> bool {
        self.keyring.is_open()
    }

    /// Makes a key at `now`, in seconds since 1970. It is in the clear only in what is returned.
    ///
    /// # Errors
    /// When a name cannot be used or is taken, or there are too many keys.
    pub fn make(
        &self,
        alias: String,
        tenant: Option<String>,
        now: u64,
    ) -> Result<(Minted, Kept), KeyError> {
        let minted = Minted::new(alias, tenant)?;
        let kept = self.decide(|keyring| keyring.made(&minted, now))?;
        Ok((minted, kept))
    }

    /// Revokes a key, of the configuration or not.
    ///
    /// # Errors
    /// When no such key opens the door.
    pub fn revoke(&self, alias: &str, now: u64) -> Result<Kept, KeyError> {
        self.decide(|keyring| keyring.revoked(alias, now))
    }

    /// Takes that back.
    ///
    /// # Errors
    /// When no such key is revoked.
    pub fn restore(&self, alias: &str) -> Result<Kept, KeyError> {
        self.decide(|keyring| keyring.restored(alias))
    }

    fn decide(
        &self,
        decision: impl FnOnce(&Keyring) -> Result<KeyRow, KeyError>,
    ) -> Result<Kept, KeyError> {
        let _alone = self.deciding.lock();
        let row = decision(&self.keyring)?;
        self.keyring.carry_out(row.clone());
        Ok(match self.shelf.as_ref().map(|shelf| shelf.keep(row)) {
            Some(Ok(())) => Kept::ForGood,
            Some(Err(why)) => Kept::UntilTheEnd(why),
            None => Kept::UntilTheEnd("there is no data directory".to_owned()),
        })
    }
}
