//! What an operator says about callers, validated.
//!
//! Must not know: TOML or headers.

/// An API key that callers may present.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// Unique; the only name of the key that is ever shown.
    pub alias: String,
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
    /// Whom it belongs to; the keys of one tenant may share what is cached for them.
    pub tenant: Option<String>,
}
