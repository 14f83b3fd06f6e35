//! What an operator says about upstreams and models, validated.
//!
//! Must not know: TOML, where a value was written, or how it is carried out.

use crate::types::{NanoUsd, Secret, Usage, UsageSource};
use std::time::Duration;

/// One group of endpoints that serve the same models.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Unique; a metric label.
    pub name: String,
    /// The language its endpoints speak.
    pub protocol: Protocol,
    /// At least one.
    pub endpoints: Vec<EndpointSettings>,
    /// How an endpoint is chosen.
    pub balance: Balance,
    /// Sent as `Authorization: Bearer`, in place of the caller's own key.
    pub api_key: Option<Secret>,
    /// Limits on each attempt.
    pub timeouts: Timeouts,
    /// Whether to ask for token counts of streams whose caller did not.
    pub stream_usage: StreamUsage,
    /// Whether people depend on it.
    pub serves: Serves,
}

/// Whether people depend on an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serves {
    /// Nobody said so.
    #[default]
    Test,
    /// They do: load tests need a word of their own.
    Production,
}

/// The language of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OpenAI's HTTP API.
    OpenAi,
    /// Any HTTP: forwarded and observed from outside.
    Http,
}

impl Protocol {
    /// As it is written in the configuration.
    pub const fn label(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Http => "http",
        }
    }
}

/// One server of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSettings {
    /// Where it listens.
    pub origin: Origin,
    /// Path put before the caller's path; empty or `/prefix` without a trailing slash.
    pub prefix: String,
    /// Share of the traffic in relation to its siblings, 1 to 1000.
    pub weight: u32,
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Plain or TLS.
    pub scheme: Scheme,
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// Plain HTTP or HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http://`
    Http,
    /// `https://`
    Https,
}

/// How an endpoint is chosen among those of an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// In turn, by weight.
    RoundRobin,
    /// The less loaded of two random endpoints, by outstanding estimated tokens.
    #[default]
    P2cTokens,
}

/// Limits on one attempt and on the whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP and TLS.
    pub connect: Duration,
    /// From the request sent to the response head.
    pub first_byte: Duration,
    /// From the response head to the first generated output, streams only.
    pub first_token: Duration,
    /// Between two chunks, and for any write that makes no progress.
    pub idle: Duration,
    /// The whole request, all attempts together.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(120),
            first_token: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(15 * 60),
        }
    }
}

/// What to do about token counts of streams whose caller did not ask for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamUsage {
    /// Ask the upstream (`stream_options.include_usage`) and strip the extra chunk again.
    #[default]
    Ask,
    /// Forward the request as it is; tokens may have to be estimated.
    AsSent,
}

/// What callers may ask for and where it goes.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// Unique; the label everywhere.
    pub name: String,
    /// Other names callers may say; may hold `*` and `?`.
    pub aliases: Vec<String>,
    /// At least one; each names an upstream that exists.
    pub targets: Vec<TargetSettings>,
    /// What its tokens cost.
    pub price: Price,
}

/// What a model's tokens cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// One prompt token.
    pub input: NanoUsd,
    /// One generated token.
    pub output: NanoUsd,
}

impl Price {
    /// What `usage` costs; `None` where tokens cost nothing or were not counted by the
    /// upstream.
    pub fn of(self, usage: Option<Usage>) -> Option<NanoUsd> {
        let usage = usage.filter(|usage| usage.source == UsageSource::Upstream)?;
        let cost = self.input * usage.input + self.output * usage.output;
        (cost > NanoUsd::default()).then_some(cost)
    }
}

/// One place where a model is served.
#[derive(Clone, Debug)]
pub struct TargetSettings {
    /// The name of an [`UpstreamSettings`].
    pub upstream: String,
    /// What the upstream calls the model; `None` when it uses the model's own name.
    pub model: Option<String>,
    /// Share of the traffic in relation to its siblings, 0 to 1000; 0 is drained.
    pub weight: u32,
}

impl EndpointSettings {
    /// `http://host:port/prefix`
    pub fn url(&self) -> String {
        let scheme = match self.origin.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}{}", self.origin.authority(), self.prefix)
    }
}

impl Balance {
    /// As it is written in the configuration.
    pub const fn label(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::P2cTokens => "p2c_tokens",
        }
    }
}

impl Origin {
    /// `host:port`, without the port where it is the scheme's own (RFC 9110 §4.2).
    pub fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An upstream with one endpoint a weight.
    pub(in crate::upstream) fn upstream_of(balance: Balance, weights: &[u32]) -> UpstreamSettings {
        let endpoint = |weight: &u32| EndpointSettings {
            origin: Origin { scheme: Scheme::Http, host: "127.0.0.1".into(), port: 1 },
            prefix: String::new(),
            weight: *weight,
        };
        UpstreamSettings {
            name: "u".into(),
            protocol: Protocol::OpenAi,
            endpoints: weights.iter().map(endpoint).collect(),
            balance,
            api_key: None,
            timeouts: Timeouts::default(),
            stream_usage: StreamUsage::Ask,
            serves: Serves::default(),
        }
    }

    #[test]
    fn the_scheme_s_own_port_is_left_out_and_ipv6_is_bracketed() {
        let origin = |scheme, host: &str, port| Origin { scheme, host: host.into(), port };
        assert_eq!(origin(Scheme::Https, "a.example", 443).authority(), "a.example");
        assert_eq!(origin(Scheme::Http, "a.example", 443).authority(), "a.example:443");
        assert_eq!(origin(Scheme::Http, "::1", 80).authority(), "[::1]");
    }
}
