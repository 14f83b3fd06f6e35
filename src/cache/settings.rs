//! What an operator says about the cache, validated.
//!
//! Must not know: TOML, where a value was written, or how a tier keeps what it is given.

use crate::types::Secret;
use std::num::NonZeroU32;
use std::time::Duration;

const MEBIBYTE: u64 = 1024 * 1024;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The cache as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Bytes that the entries in memory may take, at least 1 MiB.
    pub memory: u64,
    /// Which entries leave memory first.
    pub policy: Eviction,
    /// Bytes that the disk tier may take; `None` without one.
    pub disk: Option<u64>,
    /// The shared tier; `None` without one.
    pub redis: Option<RedisSettings>,
    /// The models that cache without a setting of their own; may hold `*` and `?`.
    pub models: Vec<String>,
    /// How those do it, and what a model's own setting begins from.
    pub default: RouteCache,
}

/// Which entries leave memory first when there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eviction {
    /// Those not asked for the longest.
    #[default]
    Lru,
    /// Those asked for the least, and newcomers before those (Einziger et al., 2017).
    TinyLfu,
}

/// A Redis or Valkey that several proxies share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    /// `redis://` or `rediss://`; may hold a password.
    pub url: Secret,
    /// What answers there.
    pub topology: Topology,
    /// Further `host:port` to ask for the topology; used for clusters and sentinels.
    pub nodes: Vec<String>,
    /// The longest that a command may take before the tier is given up on.
    pub timeout: Duration,
    /// What every key and channel begins with.
    pub prefix: String,
}

/// What answers at a Redis address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    #[default]
    Single,
    /// A cluster, which names its other nodes itself.
    Cluster,
    /// Sentinels, which name the server that is the master now.
    Sentinel {
        /// The name that the sentinels know the master by.
        master: String,
    },
}

/// How answers of one model are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteCache {
    /// For which requests the cache is asked.
    pub when: CacheWhen,
    /// How long an answer is fresh, more than 0.
    pub ttl: Duration,
    /// Who shares entries.
    pub scope: CacheScope,
    /// What becomes of requests whose answers are drawn anew each time.
    pub sampled: Sampled,
    /// How long past `ttl` an answer may be given while a new one is fetched; 0 is off.
    pub stale_while_revalidate: Duration,
    /// How long past `ttl` an answer may be given when no upstream can; 0 is off.
    pub stale_if_error: Duration,
    /// How long an error is kept; 0 is off.
    pub errors: Duration,
    /// The longest that a request waits for another's answer to begin; `None` when equal
    /// requests each ask the upstream.
    pub collapse: Option<Duration>,
    /// How fast an answer is replayed.
    pub pace: Pace,
}

/// For which requests the cache is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheWhen {
    /// For all that may be, unless the caller says otherwise.
    #[default]
    Always,
    /// Only where the caller says so.
    Asked,
}

/// Who shares entries. No setting of a caller widens it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheScope {
    /// The requests of one API key.
    #[default]
    Key,
    /// The keys of one tenant; a key without a tenant is alone.
    Tenant,
    /// Everybody.
    Global,
}

/// What becomes of requests whose answers are drawn anew each time: neither `temperature`
/// 0 nor a `seed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampled {
    /// They are not cached.
    #[default]
    Refuse,
    /// Equal requests share a few answers.
    Allow {
        /// How many answers there may be to one request, each given as often as any other.
        variants: NonZeroU32,
    },
}

/// How fast an answer is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the client takes it.
    #[default]
    AtOnce,
    /// With the pauses it was recorded with.
    Recorded,
    /// Evenly, so many output tokens a second.
    TokensPerSecond(NonZeroU32),
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            memory: 256 * MEBIBYTE,
            policy: Eviction::default(),
            disk: Some(4096 * MEBIBYTE),
            redis: None,
            models: Vec::new(),
            default: RouteCache::default(),
        }
    }
}

impl RedisSettings {
    /// One server at `url`, with the usual limits.
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            topology: Topology::default(),
            nodes: Vec::new(),
            timeout: Duration::from_millis(50),
            prefix: "transom".into(),
        }
    }
}

impl Default for RouteCache {
    fn default() -> Self {
        Self {
            when: CacheWhen::default(),
            ttl: HOUR,
            scope: CacheScope::default(),
            sampled: Sampled::default(),
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            errors: Duration::ZERO,
            collapse: Some(Duration::from_secs(30)),
            pace: Pace::default(),
        }
    }
}

impl RouteCache {
    /// The longest that an answer may be given past its time, whatever the reason.
    pub fn stale(&self) -> Duration {
        self.stale_while_revalidate.max(self.stale_if_error)
    }
}
