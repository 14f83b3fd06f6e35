//! The validated whole, and what concerns the server itself.
//!
//! Must not know: TOML, or where a value was written.

use crate::admin::{AccessSettings, EffectiveConfig};
use crate::cache::{CacheSettings, RouteCache};
use crate::capture::{CaptureSettings, RouteCapture};
use crate::history::RecentSettings;
use crate::identity::KeySettings;
use crate::observe::{LogSettings, SloSettings, TracingSettings};
use crate::upstream::{ModelSettings, UpstreamSettings};
use crate::webhook::WebhookSettings;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything an operator can say. Names are unique, references resolve, secrets are read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is said below, and where it was said, to be shown.
    pub effective: EffectiveConfig,
    /// `[server]`
    pub server: ServerSettings,
    /// `[admin] recent`
    pub recent: RecentSettings,
    /// `[admin]`
    pub admin: AccessSettings,
    /// `[[upstream]]`, in order. Empty when none is named.
    pub upstreams: Vec<UpstreamSettings>,
    /// `[[model]]`, in order. Empty when models are to be discovered.
    pub models: Vec<ModelSettings>,
    /// `[[key]]`, in order. Empty when callers need no key.
    pub keys: Vec<KeySettings>,
    /// `[[slo]]`, in order; the standard one when none is given.
    pub slos: Vec<SloSettings>,
    /// `[[webhook]]`, in order.
    pub webhooks: Vec<WebhookSettings>,
    /// `[tracing]`
    pub tracing: TracingSettings,
    /// `[cache]`
    pub cache: CacheSettings,
    /// How each of `models` is cached, by its name; `None` is not at all. Models found at
    /// upstreams are not in here: they are cached if `cache.models` names them.
    pub model_caches: BTreeMap<String, Option<RouteCache>>,
    /// `[capture]`
    pub capture: CaptureSettings,
    /// How each of `models` is captured, by its name; `None` is not at all. Models found at
    /// upstreams are not in here: they are captured if `capture.models` names them.
    pub model_captures: BTreeMap<String, Option<RouteCapture>>,
    /// `[log]`
    pub log: LogSettings,
}

impl Settings {
    /// Whether any model's exchanges are captured.
    pub fn captures_anything(&self) -> bool {
        !self.capture.models.is_empty() || self.model_captures.values().any(Option::is_some)
    }

    /// Whether any model's answers are kept.
    pub fn caches_anything(&self) -> bool {
        !self.cache.models.is_empty() || self.model_caches.values().any(Option::is_some)
    }
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where clients connect; at least one.
    pub listen: Vec<SocketAddr>,
    /// Where pages and metrics are; a loopback address, unless `[admin]` has users and TLS.
    pub admin: SocketAddr,
    /// The directory for everything that is kept.
    pub data_dir: PathBuf,
    /// The largest request body, in bytes; at least 1.
    pub max_body: u64,
    /// All request bodies in flight together, in bytes; at least `max_body`.
    pub body_budget: u64,
    /// How long open requests may finish at shutdown.
    pub drain: Duration,
    /// Worker threads; 0 is one per core.
    pub threads: usize,
}
