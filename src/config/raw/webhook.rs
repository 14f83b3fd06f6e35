//! `[[webhook]]` as it is written.
//!
//! Must not know: how anything is signed or sent.

use crate::config::format::{Label, Pattern, Text, VariableName};
use crate::webhook::WebhookUrl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawWebhook {
    /// Unique; a metric label.
    #[schemars(required)]
    pub name: Option<Text<Label>>,
    /// Where it listens. Only the host is ever shown.
    #[schemars(required)]
    pub url: Option<Text<WebhookUrl>>,
    /// The environment variable that holds the secret that messages are signed with: `whsec_` and
    /// 24 to 64 bytes in Base64.
    pub secret_env: Option<Text<VariableName>>,
    /// The file that holds the secret.
    pub secret_file: Option<Text<PathBuf>>,
    /// What it is told of.
    #[serde(default = "everything")]
    #[schemars(length(min = 1))]
    pub events: Vec<RawWebhookEvent>,
    /// The models it is told of; `*` stands for any text, `?` for one character. All if left
    /// out.
    #[serde(default)]
    pub models: Vec<Text<Pattern>>,
}

/// What a webhook is told of.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawWebhookEvent {
    /// Error budgets that burn, are spent, or have recovered.
    Budget,
    /// Endpoints of upstreams that fail or have recovered.
    Upstream,
}

fn everything() -> Vec<RawWebhookEvent> {
    vec![RawWebhookEvent::Budget, RawWebhookEvent::Upstream]
}
