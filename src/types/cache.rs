//! What a response cache and those who ask, keep, count or purge it have to agree on.
//!
//! Must not know: how an answer is kept or found.

use std::fmt;
use std::sync::Arc;

/// The identity of a request as far as its answer is concerned: BLAKE3, 256 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(pub [u8; 32]);

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({self})")
    }
}

/// What an entry can be purged by. Never text of a prompt, never a key's text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CacheTags {
    /// The configured model.
    pub model: Arc<str>,
    /// The path template, as in the `route` label.
    pub route: Arc<str>,
    /// The caller's own division of its entries; empty where it named none.
    pub namespace: Arc<str>,
    /// The alias of the API key; empty where none is needed.
    pub key: Arc<str>,
    /// The tenant that the key belongs to; empty where there is none.
    pub tenant: Arc<str>,
}

/// What to remove from a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purge {
    /// Everything.
    All,
    /// One entry.
    Entry(CacheKey),
    /// Whatever has all of these tags; an empty one is not asked about.
    Tagged(CacheTags),
}

impl Purge {
    /// Whether an entry with this key and these tags goes.
    pub fn matches(&self, key: &CacheKey, tags: &CacheTags) -> bool {
        match self {
            Self::All => true,
            Self::Entry(wanted) => wanted == key,
            Self::Tagged(wanted) => [
                (&wanted.model, &tags.model),
                (&wanted.route, &tags.route),
                (&wanted.namespace, &tags.namespace),
                (&wanted.key, &tags.key),
                (&wanted.tenant, &tags.tenant),
            ]
            .iter()
            .all(|(wanted, has)| wanted.is_empty() || wanted == has),
        }
    }
}

/// Where an entry was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheTier {
    /// This process's memory.
    Memory,
    /// This machine's disk.
    Disk,
    /// The shared Redis or Valkey.
    Redis,
}

impl CacheTier {
    /// All tiers, the nearest first.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Disk, Self::Redis];

    /// The label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Redis => "redis",
        }
    }
}

/// What the cache had to say to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheStatus {
    /// Answered from the cache, and fresh.
    Hit(CacheTier),
    /// Answered from the cache, past its time but within what was allowed.
    Stale(CacheTier),
    /// Answered by the upstream.
    Miss,
    /// Answered by another caller's exchange with the upstream.
    Collapsed,
    /// The cache was not asked.
    Bypass(BypassReason),
}

impl CacheStatus {
    /// The `cache` label's values, and `none` where a route has no cache.
    pub const LABELS: [&str; 6] = ["none", "hit", "stale", "miss", "collapsed", "bypass"];

    /// The label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hit(_) => "hit",
            Self::Stale(_) => "stale",
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Bypass(_) => "bypass",
        }
    }

    /// Whether no upstream was asked on this request's behalf.
    pub const fn spared_the_upstream(self) -> bool {
        matches!(self, Self::Hit(_) | Self::Stale(_) | Self::Collapsed)
    }
}

/// Why the cache was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BypassReason {
    /// The caller said so.
    Asked,
    /// The route caches only what asks for it.
    NotAsked,
    /// The answer would be drawn anew each time.
    Sampled,
    /// The request continues or stores something at the upstream.
    Stateful,
    /// Tools that the upstream itself runs.
    ServerTools,
    /// Members twice, not UTF-8: two readers may not understand the same.
    Ambiguous,
    /// It replays captured traffic.
    Replay,
}

impl BypassReason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::Asked,
        Self::NotAsked,
        Self::Sampled,
        Self::Stateful,
        Self::ServerTools,
        Self::Ambiguous,
        Self::Replay,
    ];

    /// The label value, and the `detail` of `Cache-Status`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::NotAsked => "not_asked",
            Self::Sampled => "sampled",
            Self::Stateful => "stateful",
            Self::ServerTools => "server_tools",
            Self::Ambiguous => "ambiguous",
            Self::Replay => "replay",
        }
    }
}
