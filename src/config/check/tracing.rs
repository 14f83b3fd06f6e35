//! `[tracing]`
//!
//! Must not know: spans. Reports never repeat the receiver's headers, which hold tokens.

use crate::config::env::Environment;
use crate::config::format::{Format, Text};
use crate::config::path::Path;
use crate::config::raw::{RawFloor, RawOtlpProtocol, RawTracing, RawTrust, RawTrustWord};
use crate::config::report::Report;
use crate::observe::{Floor, OtlpProtocol, OtlpSettings, Sampling, TracingSettings, Trust};
use crate::types::Secret;
use http::{HeaderName, HeaderValue};

/// The validated section.
pub(super) fn settings(
    raw: RawTracing,
    env: &Environment,
    report: &mut Report<'_>,
) -> TracingSettings {
    let path = Path::default().key("tracing");
    let headers = headers(&raw, env, &path.key("headers_env"), report);
    let protocol = match raw.protocol {
        RawOtlpProtocol::Http => OtlpProtocol::HttpProto,
        RawOtlpProtocol::Grpc => OtlpProtocol::Grpc,
    };
    let RawFloor { low, medium, high } = raw.floor;
    TracingSettings {
        otlp: raw.otlp.map(|Text(url)| OtlpSettings { endpoint: url.write(), protocol, headers }),
        page: raw.page.map(|Text(page)| page),
        trust: match raw.trust {
            RawTrust::Word(RawTrustWord::Always) => Trust::Always,
            RawTrust::Word(RawTrustWord::Never) => Trust::Never,
            RawTrust::Networks(networks) => {
                Trust::Networks(networks.into_iter().map(|Text(network)| network.0).collect())
            }
        },
        sampling: Sampling {
            target_per_minute: raw.target_traces_per_minute,
            floor: Floor { low: low.0.0, medium: medium.0.0, high: high.0.0 },
            most_per_second: raw.max_traces_per_second,
        },
    }
}

/// The form of `OTEL_EXPORTER_OTLP_HEADERS`.
fn headers(
    raw: &RawTracing,
    env: &Environment,
    path: &Path,
    report: &mut Report<'_>,
) -> Vec<(String, Secret)> {
    let Some(Text(variable)) = raw.headers_env.as_ref().filter(|_| !env.is_blind()) else {
        return Vec::new();
    };
    let Some(text) = env.get(&variable.0) else {
        report.at(path, "the environment variable it names is not set");
        return Vec::new();
    };
    let mut headers = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let sendable = HeaderName::try_from(&name).is_ok() && HeaderValue::try_from(value).is_ok();
        if sendable && !value.is_empty() {
            headers.push((name, Secret::new(value)));
        } else {
            report.at(path, "the variable it names must hold name=value,name=value");
        }
    }
    headers
}
