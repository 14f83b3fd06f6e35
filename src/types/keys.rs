//! What was decided about API keys while the process ran.
//!
//! Must not know: how keys are checked, or where this is kept.

/// The last decision about one key. A later one has a greater edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
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
    /// Which of several decisions about this key is the last.
    pub edition: u64,
}
