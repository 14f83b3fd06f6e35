//! `[tracing]` as it is written.
//!
//! Must not know: spans.

use crate::config::format::{EndpointUrl, Network, Percent, Text, VariableName};
use crate::observe::{Floor, Sampling, TracePage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawTracing {
    /// The OTLP receiver, such as a collector or Jaeger. Without one no spans are made.
    pub otlp: Option<Text<EndpointUrl>>,
    /// How the receiver is spoken to.
    pub protocol: RawOtlpProtocol,
    /// The environment variable that holds headers for the receiver, such as a token, as
    /// `name=value,name=value`.
    pub headers_env: Option<Text<VariableName>>,
    /// Where kept traces can be looked at: the address of a trace's page, with `{trace_id}` in
    /// it. Pages lead there.
    pub page: Option<Text<TracePage>>,
    /// Whose trace context is continued: everybody's, nobody's, or that of callers in a list
    /// of networks. Anybody else's request begins a new trace that links to theirs.
    pub trust: RawTrust,
    /// Unremarkable traces to keep, a minute and model. Errors, aborted streams, missed
    /// objectives and retries are always kept.
    #[schemars(range(max = 1_000_000))]
    pub target_traces_per_minute: u32,
    /// The least share of unremarkable traces that is kept, by a model's traffic.
    pub floor: RawFloor,
    /// Unremarkable traces a second and model beyond which the floor does not hold.
    #[schemars(range(max = 1_000_000))]
    pub max_traces_per_second: u32,
}

/// How an OTLP receiver is spoken to.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawOtlpProtocol {
    /// Protobuf over HTTP; usually port 4318.
    #[default]
    Http,
    /// gRPC; usually port 4317.
    Grpc,
}

/// Whose trace context is continued.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::config) enum RawTrust {
    Word(RawTrustWord),
    Networks(Vec<Text<Network>>),
}

/// Everybody or nobody.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RawTrustWord {
    /// Everybody's.
    Always,
    /// Nobody's.
    Never,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawFloor {
    /// Below 1 request a second.
    pub low: Text<Percent>,
    /// Below 10 requests a second.
    pub medium: Text<Percent>,
    /// From there on.
    pub high: Text<Percent>,
}

impl Default for RawTracing {
    fn default() -> Self {
        Self {
            otlp: None,
            protocol: RawOtlpProtocol::default(),
            headers_env: None,
            page: None,
            trust: RawTrust::Word(RawTrustWord::Always),
            target_traces_per_minute: Sampling::default().target_per_minute,
            floor: RawFloor::default(),
            max_traces_per_second: Sampling::default().most_per_second,
        }
    }
}

impl Default for RawFloor {
    fn default() -> Self {
        let Floor { low, medium, high } = Sampling::default().floor;
        let percent = |ratio| Text(Percent(ratio));
        Self { low: percent(low), medium: percent(medium), high: percent(high) }
    }
}
