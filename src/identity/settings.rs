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
}
