//! `[[upstream]]`
//!
//! Must not know: models.

use super::secret;
use super::unique::Taken;
use crate::config::env::Environment;
use crate::config::format::{EndpointUrl, Format, Text};
use crate::config::path::Path;
use crate::config::raw::{RawBalance, RawEndpoint, RawProtocol, RawTimeouts, RawUpstream};
use crate::config::report::Report;
use crate::upstream::{
    Balance, EndpointSettings, Protocol, Serves, StreamUsage, Timeouts, UpstreamSettings,
};
use std::time::Duration;

/// The names of all upstreams.
pub(super) struct Names {
    /// In order.
    pub known: Vec<String>,
    /// Whether none is missing because it is faulty.
    pub complete: bool,
}

/// The names by which models refer to upstreams.
pub(super) fn names(raw: &[RawUpstream], report: &Report<'_>) -> Names {
    let known: Vec<String> =
        raw.iter().filter_map(|upstream| Some(upstream.name.as_ref()?.0.0.clone())).collect();
    let complete = report.count(&path()) == known.len();
    Names { known, complete }
}

/// The validated sections.
pub(super) fn settings(
    raw: Vec<RawUpstream>,
    env: &Environment,
    report: &mut Report<'_>,
) -> Vec<UpstreamSettings> {
    let mut taken = Taken::default();
    let mut settings = Vec::new();
    for (index, upstream) in raw.into_iter().enumerate() {
        let path = path().index(index);
        if let Some(name) = &upstream.name {
            taken.claim(&name.0.0, path.key("name"), report);
        }
        let api_key = secret::api_key(&upstream, env, &path, report);
        let timeouts = timeouts(&upstream.timeouts, &path.key("timeouts"), report);
        let protocol = match upstream.protocol {
            RawProtocol::Openai => Protocol::OpenAi,
            RawProtocol::Http => Protocol::Http,
        };
        let balance = match upstream.balance {
            RawBalance::P2cTokens => Balance::P2cTokens,
            RawBalance::RoundRobin => Balance::RoundRobin,
        };
        let stream_usage =
            if upstream.include_usage { StreamUsage::Ask } else { StreamUsage::AsSent };
        let endpoints = upstream.endpoints.unwrap_or_default();
        let endpoints = self::endpoints(endpoints, protocol, &path.key("endpoints"), report);
        let Some(Text(name)) = upstream.name else { continue };
        settings.push(UpstreamSettings {
            name: name.0,
            protocol,
            endpoints,
            balance,
            api_key,
            timeouts,
            stream_usage,
            serves: if upstream.production { Serves::Production } else { Serves::Test },
        });
    }
    settings
}

fn path() -> Path {
    Path::default().key("upstream")
}

fn endpoints(
    raw: Vec<RawEndpoint>,
    protocol: Protocol,
    path: &Path,
    report: &mut Report<'_>,
) -> Vec<EndpointSettings> {
    let mut taken = Taken::default();
    let mut endpoints = Vec::new();
    for (index, endpoint) in raw.into_iter().enumerate() {
        let (url, weight) = match endpoint {
            RawEndpoint::Url(url) => (Some(url), 1),
            RawEndpoint::Weighted(endpoint) => (endpoint.url, endpoint.weight),
        };
        let Some(Text(mut url)) = url else { continue };
        if protocol == Protocol::OpenAi {
            // Base URLs are usually passed around with it; callers' paths begin with it.
            let stripped = url.prefix.strip_suffix("/v1").map(str::to_owned);
            url.prefix = stripped.unwrap_or(url.prefix);
        }
        taken.claim(&url.write(), path.index(index), report);
        let EndpointUrl { origin, prefix } = url;
        endpoints.push(EndpointSettings { origin, prefix, weight });
    }
    endpoints
}

fn timeouts(raw: &RawTimeouts, path: &Path, report: &mut Report<'_>) -> Timeouts {
    let mut positive = |key: &str, Text(duration): &Text<Duration>| {
        if duration.is_zero() {
            report.at(&path.key(key), "must be longer than 0s");
        }
        *duration
    };
    Timeouts {
        connect: positive("connect", &raw.connect),
        first_byte: positive("first_byte", &raw.first_byte),
        first_token: positive("first_token", &raw.first_token),
        idle: positive("idle", &raw.idle),
        total: positive("total", &raw.total),
    }
}
