//! What an operator says about what is kept of requests, validated.
//!
//! Must not know: TOML.

/// `[admin] recent`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentSettings {
    /// Requests that are kept in memory; 0 keeps none.
    pub requests: usize,
    /// What they may take, in bytes.
    pub bytes: usize,
}

impl RecentSettings {
    /// The fewest bytes that there is any sense in.
    pub const LEAST_BYTES: usize = 1 << 20;
}

impl Default for RecentSettings {
    fn default() -> Self {
        Self { requests: 100_000, bytes: 64 << 20 }
    }
}
