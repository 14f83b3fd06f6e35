//! The shape of the file. Its JSON Schema, and with that every check of names, types and
//! formats, comes from here; the comments on fields are what operators read.
//!
//! Must not know: what makes sense together. Required settings are `Option`s: a faulty one
//! is reported and left out, so that the rest can still be checked.

mod admin;
mod cache;
mod capture;
mod slo;
mod tracing;
mod webhook;

pub(super) use admin::{RawAdmin, RawAdminTls, RawMetricsAccess, RawRole, RawUser};
pub(super) use cache::{
    RawCache, RawEviction, RawModelCache, RawRedis, RawRedisTable, RawRouteCache, RawSampled,
    RawScope, RawWhen,
};
pub(super) use capture::{
    RawAlways, RawCapture, RawCaptureMode, RawModelCapture, RawPattern, RawRedact, RawRouteCapture,
    RawRule,
};
pub(super) use slo::{RawGoodput, RawIndicator, RawRoute, RawSlo, RawThreshold, RawUpstream429};
pub(super) use tracing::{RawFloor, RawOtlpProtocol, RawTracing, RawTrust, RawTrustWord};
pub(super) use webhook::{RawWebhook, RawWebhookEvent};

use super::format::{
    ByteSize, Digest, EndpointUrl, Label, Pattern, Text, UpstreamModel, VariableName,
};
use crate::upstream;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The settings of Transom. Every one has a default; an empty file works.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawSettings {
    /// The proxy itself: where it listens and its limits.
    pub server: RawServer,
    /// The pages of `server.admin`: who may see and do what there.
    pub admin: RawAdmin,
    /// Where requests can go: groups of endpoints that serve the same models.
    pub upstream: Vec<RawUpstream>,
    /// What callers may ask for. Without any, the models found at the upstreams are
    /// offered by their own names.
    pub model: Vec<RawModel>,
    /// Who may call. Without any, callers need no key.
    pub key: Vec<RawKey>,
    /// How well: what is promised of models and routes. Without any, 99 % of every model's
    /// requests are to be answered, over 30 days.
    pub slo: Vec<RawSlo>,
    /// Who outside is told when a budget burns or an upstream fails.
    pub webhook: Vec<RawWebhook>,
    /// Where traces go, whose are continued, and which are kept.
    pub tracing: RawTracing,
    /// Answers that are kept and given again. Nothing is cached unless a model says so, or
    /// `models` here.
    pub cache: RawCache,
    /// Exchanges that are written down, to be looked at and sent again. Nothing is captured
    /// unless a model says so, or `models` here.
    pub capture: RawCapture,
    /// What is written to standard output.
    pub log: RawLog,
}

#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawServer {
    /// Where clients connect.
    #[schemars(length(min = 1))]
    pub listen: Vec<Text<SocketAddr>>,
    /// Where the pages and the metrics are. An address that other machines reach needs users
    /// and TLS in `[admin]`.
    pub admin: Text<SocketAddr>,
    /// The directory for everything that is kept, made when needed; relative to the
    /// working directory.
    pub data_dir: Text<PathBuf>,
    /// The largest request body.
    pub max_body: RawSize,
    /// All request bodies in flight together.
    pub body_budget: RawSize,
    /// How long open requests may finish at shutdown.
    pub drain: Text<Duration>,
    /// Worker threads; 0 is one per core.
    #[schemars(range(max = 1024))]
    pub threads: usize,
}

/// A number of bytes, with or without a unit.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawSize {
    Text(Text<ByteSize>),
    Bytes(u64),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUpstream {
    /// Unique; a metric label.
    #[schemars(required)]
    pub name: Option<Text<Label>>,
    /// The language its endpoints speak.
    #[serde(default)]
    pub protocol: RawProtocol,
    /// Its servers: URLs, or tables with a `url` and a `weight`. A path in the URL is put
    /// before the caller's path. Callers' paths bring `/v1` themselves: with the protocol
    /// `openai`, one at the end of the URL is left out.
    #[schemars(required, length(min = 1))]
    pub endpoints: Option<Vec<RawEndpoint>>,
    /// How an endpoint is chosen.
    #[serde(default)]
    pub balance: RawBalance,
    /// The environment variable that holds the upstream's own API key. It is sent in place
    /// of the caller's.
    pub api_key_env: Option<Text<VariableName>>,
    /// The file that holds the upstream's own API key.
    pub api_key_file: Option<Text<PathBuf>>,
    /// Limits on each attempt.
    #[serde(default)]
    pub timeouts: RawTimeouts,
    /// Whether to ask for the token counts of streams whose caller did not; the extra chunk
    /// is taken out again.
    #[serde(default = "yes")]
    pub include_usage: bool,
    /// Whether people depend on it: `transom replay` refuses to load it without `--yes`.
    #[serde(default)]
    pub production: bool,
}

/// The language of an upstream.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawProtocol {
    /// OpenAI's HTTP API.
    #[default]
    Openai,
    /// Any HTTP: forwarded and observed from outside.
    Http,
}

/// How an endpoint is chosen among those of an upstream.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawBalance {
    /// The less loaded of two random endpoints, by outstanding estimated tokens.
    #[default]
    P2cTokens,
    /// In turn, by weight.
    RoundRobin,
}

/// One server of an upstream.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawEndpoint {
    Url(Text<EndpointUrl>),
    Weighted(RawWeightedEndpoint),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWeightedEndpoint {
    /// Where it listens.
    #[schemars(required)]
    pub url: Option<Text<EndpointUrl>>,
    /// Share of the traffic in relation to its siblings.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub weight: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTimeouts {
    /// TCP and TLS.
    pub connect: Text<Duration>,
    /// From the request sent to the head of the response.
    pub first_byte: Text<Duration>,
    /// From the head of the response to the first generated output; streams only.
    pub first_token: Text<Duration>,
    /// Between two chunks.
    pub idle: Text<Duration>,
    /// The whole request, all attempts together.
    pub total: Text<Duration>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    /// Unique; the label everywhere.
    #[schemars(required)]
    pub name: Option<Text<Label>>,
    /// Other names callers may say; `*` stands for any text, `?` for one character.
    #[serde(default)]
    pub aliases: Vec<Text<Pattern>>,
    /// Where it is served.
    #[schemars(required, length(min = 1))]
    pub targets: Option<Vec<RawTarget>>,
    /// What its tokens cost.
    #[serde(default)]
    pub price: RawPrice,
    /// Whether its answers are cached: true or false, or a table of what is other than in
    /// `[cache]`. What `models` of `[cache]` says if left out.
    pub cache: Option<RawModelCache>,
    /// Whether its exchanges are captured: true or false, a mode, or a table of what is other
    /// than in `[capture]`. What `models` of `[capture]` says if left out.
    pub capture: Option<RawModelCapture>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPrice {
    /// US dollars per million prompt tokens.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub input: f64,
    /// US dollars per million generated tokens.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub output: f64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTarget {
    /// The name of an upstream.
    #[schemars(required)]
    pub upstream: Option<String>,
    /// What the upstream calls the model; the model's own name if left out.
    pub model: Option<Text<UpstreamModel>>,
    /// Share of the traffic in relation to its siblings; 0 is drained.
    #[serde(default = "one")]
    #[schemars(range(max = 1000))]
    pub weight: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKey {
    /// Unique; the only name of the key that is ever shown.
    #[schemars(required)]
    pub alias: Option<Text<Label>>,
    /// SHA-256 of the key, 64 hex digits.
    #[schemars(required)]
    pub sha256: Option<Text<Digest>>,
    /// Whom the key belongs to; the keys of one tenant may share cached answers.
    pub tenant: Option<Text<Label>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLog {
    /// The shape of lines.
    pub format: RawLogFormat,
    /// The least severe lines that are written.
    pub level: RawLogLevel,
}

/// The shape of log lines.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawLogFormat {
    /// Human on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For eyes.
    Human,
}

/// The least severe lines that are written.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawLogLevel {
    /// Failures only.
    Error,
    /// Failures and oddities.
    Warn,
    /// Also one line per request.
    #[default]
    Info,
    /// Also decisions.
    Debug,
}

impl Default for RawServer {
    fn default() -> Self {
        let loopback = |port| Text(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let size = |bytes| RawSize::Text(Text(ByteSize(bytes)));
        Self {
            listen: vec![loopback(7080)],
            admin: loopback(7081),
            data_dir: Text("transom-data".into()),
            max_body: size(32 << 20),
            body_budget: size(1 << 30),
            drain: Text(Duration::from_secs(30)),
            threads: 0,
        }
    }
}

impl Default for RawTimeouts {
    fn default() -> Self {
        let upstream::Timeouts { connect, first_byte, first_token, idle, total } =
            upstream::Timeouts::default();
        Self {
            connect: Text(connect),
            first_byte: Text(first_byte),
            first_token: Text(first_token),
            idle: Text(idle),
            total: Text(total),
        }
    }
}

impl RawSize {
    /// Either way.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Text(Text(ByteSize(bytes))) | Self::Bytes(bytes) => *bytes,
        }
    }
}

/// Puts `defaults` on the properties of `schema` that have one.
fn show_defaults(schema: &mut Schema, defaults: serde_json::Result<Json>) {
    let properties = schema.get_mut("properties").and_then(Json::as_object_mut);
    let (Ok(Json::Object(defaults)), Some(properties)) = (defaults, properties) else { return };
    for (key, default) in defaults.into_iter().filter(|(_, default)| !default.is_null()) {
        if let Some(Json::Object(property)) = properties.get_mut(&key) {
            property.insert("default".to_owned(), default);
        }
    }
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}
