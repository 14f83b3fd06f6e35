//! `[admin]` as it is written.
//!
//! Must not know: sessions, TLS, how requests are kept.

use super::RawSize;
use crate::config::format::{BasePath, ByteSize, Digest, HostAndPort, Label, Text};
use crate::history::RecentSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawAdmin {
    /// The requests that are kept in memory, each with its times; the oldest make room.
    pub recent: RawRecent,
    /// What comes before every path, such as `/transom`, where a proxy before it passes only
    /// that on.
    pub base_path: Option<Text<BasePath>>,
    /// Names it may be called by, besides its own addresses and `localhost`; requests to other
    /// names are refused.
    pub hosts: Vec<Text<HostAndPort>>,
    /// The certificate to be shown. Without it, plain HTTP is spoken.
    pub tls: Option<RawAdminTls>,
    /// Whether a proxy before it speaks TLS, and says in `X-Forwarded-For` for whom.
    pub behind_tls: bool,
    /// Who may read the metrics; `open` on a loopback address without TLS if left out, else
    /// `viewer`.
    pub metrics: Option<RawMetricsAccess>,
    /// Who may sign in. Without any, everybody who reaches it may do everything.
    pub user: Vec<RawUser>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRecent {
    /// How many; 0 keeps none.
    #[schemars(range(max = 100_000_000))]
    pub requests: usize,
    /// What they may take, 1MiB or more.
    pub bytes: RawSize,
}

impl Default for RawRecent {
    fn default() -> Self {
        let RecentSettings { requests, bytes } = RecentSettings::default();
        Self { requests, bytes: RawSize::Text(Text(ByteSize(bytes as u64))) }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawAdminTls {
    /// The file of the certificate and those that vouch for it, PEM.
    #[schemars(required)]
    pub cert: Option<Text<PathBuf>>,
    /// The file of its private key, PEM.
    #[schemars(required)]
    pub key: Option<Text<PathBuf>>,
}

/// Who may read the metrics.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawMetricsAccess {
    /// Whoever reaches the listener.
    Open,
    /// Whoever shows a token.
    Viewer,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawUser {
    /// Unique; how the audit calls them.
    #[schemars(required)]
    pub name: Option<Text<Label>>,
    /// What they may do.
    #[schemars(required)]
    pub role: Option<RawRole>,
    /// SHA-256 of their token, 64 hex digits; `transom keys user` makes both.
    #[schemars(required)]
    pub token_sha256: Option<Text<Digest>>,
}

/// What somebody may do.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum RawRole {
    /// See numbers, not content.
    Viewer,
    /// See what callers and models wrote, too.
    ViewerContent,
    /// See numbers, and act: purge, replay, change the level of logs.
    Operator,
    /// Everything.
    Admin,
}
