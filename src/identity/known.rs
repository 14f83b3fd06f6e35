//! Keys as operators know them: by name, never in the clear after they were made.
//!
//! Must not know: headers, or where anything is kept.

use crate::types::{KeyRow, Secret};
use sha2::{Digest, Sha256};

/// Characters of a name.
const LONGEST: usize = 128;
/// What keys begin with.
const PREFIX: &str = "tk-";
/// Random bytes of a key.
const BYTES: usize = 24;

/// A key that is known, good or revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
    /// Its name.
    pub alias: String,
    /// Whom it belongs to.
    pub tenant: Option<String>,
    /// When it was made, in seconds since 1970; `None` for a key of the configuration.
    pub made: Option<u64>,
    /// When it was revoked, in seconds since 1970.
    pub revoked: Option<u64>,
}

/// A new key, which is in the clear only here.
#[derive(Debug)]
pub struct Minted {
    /// The key.
    pub key: Secret,
    /// Its name.
    pub alias: String,
    /// Whom it belongs to.
    pub tenant: Option<String>,
}

/// Why something about a key cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another key has that name.
    #[error("another key has that name")]
    Taken,
    /// There is none of that name that this could be done to.
    #[error("there is no key of that name that this can be done to")]
    Unknown,
    /// There are as many as there can be.
    #[error("there are too many keys")]
    TooMany,
    /// A name cannot be used.
    #[error("a name has 1 to {LONGEST} characters, and none that cannot be seen")]
    Name,
    /// The system gave no randomness.
    #[error("the system has no randomness")]
    Randomness,
}

impl KnownKey {
    pub(super) fn of(row: &KeyRow) -> Self {
        let KeyRow { sha256, alias, tenant, made, revoked, .. } = row.clone();
        Self { sha256, alias, tenant, made, revoked }
    }

    pub(super) fn into_row(self, edition: u64) -> KeyRow {
        let Self { sha256, alias, tenant, made, revoked } = self;
        KeyRow { sha256, alias, tenant, made, revoked, edition }
    }

    /// Whether its name is free again: it was made at run time, and is revoked.
    pub fn is_gone(&self) -> bool {
        self.made.is_some() && self.revoked.is_some()
    }
}

impl Minted {
    /// A new key of this name: `tk-` and 192 random bits in hex.
    ///
    /// # Errors
    /// When a name cannot be used, or the system has no randomness.
    pub fn new(alias: String, tenant: Option<String>) -> Result<Self, KeyError> {
        let is_name = |name: &str| {
            (1..=LONGEST).contains(&name.len())
                && !name.contains(char::is_control)
                && name.trim() == name
                && !name.contains(['*', '?'])
        };
        if !is_name(&alias) || !tenant.as_deref().is_none_or(is_name) {
            return Err(KeyError::Name);
        }
        let mut random = [0; BYTES];
        getrandom::fill(&mut random).map_err(|_| KeyError::Randomness)?;
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { key: Secret::new(format!("{PREFIX}{hex}")), alias, tenant })
    }

    /// What is kept of it.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.key.expose()).into()
    }
}
