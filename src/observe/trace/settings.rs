//! What an operator says about traces, validated.
//!
//! Must not know: TOML, or how spans are made and sent.

use super::TracePage;
use crate::types::Secret;
use ipnet::IpNet;
use std::net::IpAddr;

/// `[tracing]`
#[derive(Clone, Debug, Default)]
pub struct TracingSettings {
    /// Where spans go; none are made without.
    pub otlp: Option<OtlpSettings>,
    /// Where kept traces can be looked at.
    pub page: Option<TracePage>,
    /// Whose trace context is taken over.
    pub trust: Trust,
    /// Which traces are kept.
    pub sampling: Sampling,
}

/// An OTLP receiver.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// `http://host:port`, without the signal's path.
    pub endpoint: String,
    /// How it is spoken to.
    pub protocol: OtlpProtocol,
    /// Headers to send along, such as a token.
    pub headers: Vec<(String, Secret)>,
}

/// The transport of OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// Protobuf over HTTP/1.1, to `/v1/traces`.
    #[default]
    HttpProto,
    /// gRPC.
    Grpc,
}

/// Whose `traceparent` is continued. Anybody else's begins a new trace that links to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Everybody's.
    #[default]
    Always,
    /// That of callers in these networks.
    Networks(Vec<IpNet>),
    /// Nobody's.
    Never,
}

/// Whether a caller's trace context is continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// Its trace goes on.
    Yes,
    /// A new trace begins.
    No,
}

impl Trust {
    /// Whether a caller at `address` is trusted; one whose address is not known is only
    /// trusted when everybody is.
    pub fn of(&self, address: Option<IpAddr>) -> Trusted {
        let trusted = match self {
            Self::Always => true,
            Self::Never => false,
            Self::Networks(networks) => address.is_some_and(|address| {
                let address = address.to_canonical();
                networks.iter().any(|network| network.contains(&address))
            }),
        };
        if trusted { Trusted::Yes } else { Trusted::No }
    }
}

/// Which of the unremarkable traces are kept. Errors, aborted streams, missed objectives
/// and retries always are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Traces a minute and model to aim at.
    pub target_per_minute: u32,
    /// The least share that is kept, 0 to 1, by traffic level.
    pub floor: Floor,
    /// Traces a second and model beyond which even that share is not kept.
    pub most_per_second: u32,
}

/// The least share of traces that is kept, 0 to 1, by a model's traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// Below 1 request a second.
    pub low: f64,
    /// Below 10 requests a second.
    pub medium: f64,
    /// From there on.
    pub high: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            target_per_minute: 60,
            floor: Floor { low: 1.0, medium: 0.5, high: 0.1 },
            most_per_second: 500,
        }
    }
}
