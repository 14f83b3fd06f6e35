//! Tokens of one request and who counted them.
//!
//! Must not know: prices, limits, metrics.

/// Who counted the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageSource {
    /// The upstream's own `usage`.
    Upstream,
    /// Our estimate, because the upstream gave none.
    Estimated,
    /// Whoever counted them before: the answer came from the cache, and nobody is charged.
    Cache,
}

impl UsageSource {
    /// All sources, in the order of [`UsageSource::index`].
    pub const ALL: [Self; 3] = [Self::Upstream, Self::Estimated, Self::Cache];

    /// Position in [`UsageSource::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Estimated => "estimated",
            Self::Cache => "cache",
        }
    }
}

/// Tokens in and out of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Prompt tokens.
    pub input: u64,
    /// Generated tokens; 0 for embeddings.
    pub output: u64,
    /// Who counted.
    pub source: UsageSource,
}
