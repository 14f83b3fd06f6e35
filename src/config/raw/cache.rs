//! `[cache]`, and `cache` of a `[[model]]`, as they are written.
//!
//! Must not know: how answers are kept or found.

use super::RawSize;
use crate::cache::{
    CacheScope, CacheSettings, CacheWhen, Eviction, Pace, RedisSettings, RouteCache, Sampled,
};
use crate::config::format::{
    ByteSize, Label, NodeAddress, Patience, Pattern, RedisUrl, Text, VariableName,
};
use crate::types::Secret;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, transform = show_defaults_of_routes)]
pub(in crate::config) struct RawCache {
    /// What answers may take in memory, 1MiB or more. One that would take more than 1/64 of
    /// it is not kept there.
    pub memory: RawSize,
    /// Which answers leave memory first when there is no room.
    pub policy: RawEviction,
    /// What answers may take on disk, in `data_dir`, 16MiB or more; 0 keeps none there.
    pub disk: RawSize,
    /// A Redis or Valkey that several proxies share: its URL, or a table. While it is down,
    /// requests go on without it.
    pub redis: Option<RawRedis>,
    /// The models that cache without a `cache` of their own; `*` stands for any text, `?`
    /// for one character.
    pub models: Vec<Text<Pattern>>,
    /// What models begin from.
    #[serde(flatten)]
    pub route: RawRouteCache,
}

/// Which answers leave memory first.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum RawEviction {
    /// Those not asked for the longest.
    #[default]
    Lru,
    /// Those asked for the least, and newcomers before those.
    TinyLfu,
}

/// A server that several proxies share.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::config) enum RawRedis {
    Url(Text<RedisUrl>),
    Table(RawRedisTable),
}

#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRedisTable {
    /// Where it listens; `rediss` is with TLS. A path is the number of a database.
    pub url: Option<Text<RedisUrl>>,
    /// The environment variable that holds the URL, for one with a password.
    pub url_env: Option<Text<VariableName>>,
    /// The file that holds the URL, for one with a password.
    pub url_file: Option<Text<PathBuf>>,
    /// Further members of the cluster, or further sentinels, as `host:port`.
    pub nodes: Vec<Text<NodeAddress>>,
    /// Whether it is a cluster.
    pub cluster: bool,
    /// The name by which sentinels know the master; the URL and the nodes are then those of
    /// the sentinels.
    pub sentinel_master: Option<Text<Label>>,
    /// The longest that a request waits for it.
    pub timeout: Text<Duration>,
    /// What its keys and channels begin with.
    pub prefix: Text<Label>,
}

/// Whether a model caches, or how.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::config) enum RawModelCache {
    Switch(bool),
    Route(Box<RawRouteCache>),
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct RawRouteCache {
    /// For which requests the cache is asked.
    pub when: Option<RawWhen>,
    /// How long an answer is fresh.
    pub ttl: Option<Text<Duration>>,
    /// Who shares answers. Nothing that a caller sends widens it.
    pub scope: Option<RawScope>,
    /// What becomes of requests whose answers are drawn anew each time: those with neither
    /// a `temperature` of 0 nor a `seed`.
    pub sampled: Option<RawSampled>,
    /// How many answers there may be to equal sampled requests, 1 if left out; only with
    /// `sampled = "allow"`.
    #[schemars(range(min = 1, max = 64))]
    pub variants: Option<NonZeroU32>,
    /// How long past `ttl` an answer may be given while a new one is fetched; 0s is off.
    pub stale_while_revalidate: Option<Text<Duration>>,
    /// How long past `ttl` an answer may be given when no upstream can; 0s is off.
    pub stale_if_error: Option<Text<Duration>>,
    /// How long an error is kept; 0s is off.
    pub errors_ttl: Option<Text<Duration>>,
    /// The longest that a request waits for the answer to an equal one on its way; with
    /// "off" each asks the upstream.
    pub collapse: Option<Text<Patience>>,
    /// How fast an answer is replayed.
    pub pace: Option<Text<Pace>>,
}

/// For which requests the cache is asked.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawWhen {
    /// For all, unless the caller says otherwise.
    Always,
    /// Only where the caller says so.
    Asked,
}

/// Who shares answers.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawScope {
    /// The requests of one key.
    Key,
    /// The keys of one tenant; a key without a tenant is alone.
    Tenant,
    /// Everybody.
    Global,
}

/// What becomes of requests whose answers are drawn anew each time.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawSampled {
    /// They are not cached.
    Refuse,
    /// Equal ones share their answers.
    Allow,
}

impl Default for RawCache {
    fn default() -> Self {
        let CacheSettings { memory, policy, disk, .. } = CacheSettings::default();
        let size = |bytes| RawSize::Text(Text(ByteSize(bytes)));
        Self {
            memory: size(memory),
            policy: match policy {
                Eviction::Lru => RawEviction::Lru,
                Eviction::TinyLfu => RawEviction::TinyLfu,
            },
            disk: size(disk.unwrap_or(0)),
            redis: None,
            models: Vec::new(),
            route: RawRouteCache::default(),
        }
    }
}

impl Default for RawRedisTable {
    fn default() -> Self {
        let RedisSettings { timeout, prefix, .. } = RedisSettings::new(Secret::new(""));
        Self {
            url: None,
            url_env: None,
            url_file: None,
            nodes: Vec::new(),
            cluster: false,
            sentinel_master: None,
            timeout: Text(timeout),
            prefix: Text(Label(prefix)),
        }
    }
}

impl From<RouteCache> for RawRouteCache {
    fn from(route: RouteCache) -> Self {
        let (sampled, variants) = match route.sampled {
            Sampled::Refuse => (RawSampled::Refuse, None),
            Sampled::Allow { variants } => (RawSampled::Allow, Some(variants)),
        };
        Self {
            when: Some(match route.when {
                CacheWhen::Always => RawWhen::Always,
                CacheWhen::Asked => RawWhen::Asked,
            }),
            ttl: Some(Text(route.ttl)),
            scope: Some(match route.scope {
                CacheScope::Key => RawScope::Key,
                CacheScope::Tenant => RawScope::Tenant,
                CacheScope::Global => RawScope::Global,
            }),
            sampled: Some(sampled),
            variants,
            stale_while_revalidate: Some(Text(route.stale_while_revalidate)),
            stale_if_error: Some(Text(route.stale_if_error)),
            errors_ttl: Some(Text(route.errors)),
            collapse: Some(Text(Patience(route.collapse))),
            pace: Some(Text(route.pace)),
        }
    }
}

/// In `[cache]` what is left out is the default; in a model, what `[cache]` says.
fn show_defaults_of_routes(schema: &mut Schema) {
    let defaults = serde_json::to_value(RawRouteCache::from(RouteCache::default()));
    super::show_defaults(schema, defaults);
}
