//! `[[slo]]` as it is written.
//!
//! Must not know: what an objective means.

use crate::config::format::{Label, Pattern, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawSlo {
    /// Unique; a metric label.
    #[schemars(required)]
    pub name: Option<Text<Label>>,
    /// The models it is promised for; each has a budget of its own. `*` stands for any text,
    /// `?` for one character. Every model if neither this nor `route` is given.
    pub model: Option<Text<Pattern>>,
    /// Or the route it is promised for, over all models.
    pub route: Option<RawRoute>,
    /// What makes a request good.
    #[serde(default)]
    pub kind: RawIndicator,
    /// The limit: a duration, or for `goodput` a table of limits. Not for `availability`.
    pub threshold: Option<RawThreshold>,
    /// The share of good requests that is promised, in percent, above 0 and below 100.
    #[schemars(required, range(min = 0, max = 100))]
    pub objective: Option<f64>,
    /// The time over which it is promised, 1d to 90d.
    #[serde(default = "month")]
    pub window: Text<Duration>,
    /// What an upstream's 429 is that the caller gets to see.
    #[serde(default)]
    pub upstream_429: RawUpstream429,
}

/// A route that runs a model.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
pub(in crate::config) enum RawRoute {
    /// Chat.
    #[serde(rename = "/v1/chat/completions")]
    Chat,
    /// Completions.
    #[serde(rename = "/v1/completions")]
    Completions,
    /// Embeddings.
    #[serde(rename = "/v1/embeddings")]
    Embeddings,
}

/// What makes a request good.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawIndicator {
    /// It was answered to its end.
    #[default]
    Availability,
    /// A stream's first token came in time.
    Ttft,
    /// The time per output token after the first was kept.
    Tpot,
    /// The whole answer came in time.
    Latency,
    /// It was answered, and every limit given was kept.
    Goodput,
}

/// One limit, or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::config) enum RawThreshold {
    One(Text<Duration>),
    Several(RawGoodput),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawGoodput {
    /// Until the first token; streams only.
    pub ttft: Option<Text<Duration>>,
    /// Per output token after the first; streams only.
    pub tpot: Option<Text<Duration>>,
    /// The whole answer.
    pub latency: Option<Text<Duration>>,
}

/// What an upstream's 429 is that the caller gets to see.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawUpstream429 {
    /// A promise that was not kept.
    #[default]
    Bad,
    /// Nobody's fault; not counted.
    Excluded,
}

fn month() -> Text<Duration> {
    Text(Duration::from_secs(30 * 24 * 3600))
}
