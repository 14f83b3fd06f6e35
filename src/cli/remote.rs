//! Another server that a command speaks to, as an upstream of one endpoint.
//!
//! Must not know: what it is asked.

use crate::cli::Failure;
use crate::upstream::{
    Balance, EndpointSettings, Origin, Protocol, Scheme, StreamUsage, Timeouts, Upstream,
    UpstreamSettings,
};
use http::Uri;
use std::net::SocketAddr;
use std::sync::Arc;

/// The server at `url`: `http` or `https`, a host, and perhaps a port.
///
/// # Errors
/// When it is no such URL.
pub(super) fn server(url: &str) -> Result<Arc<Upstream>, Failure> {
    let uri: Uri = url.parse().map_err(|_| format!("{url:?} is not a URL"))?;
    let (scheme, port) = match uri.scheme_str() {
        Some("http") => (Scheme::Http, 80),
        Some("https") => (Scheme::Https, 443),
        _ => return Err(format!("{url:?} must begin with http:// or https://").into()),
    };
    let host = uri.host().ok_or_else(|| format!("{url:?} names no host"))?;
    let host = host.trim_matches(['[', ']']).to_owned();
    let origin = Origin { scheme, host, port: uri.port_u16().unwrap_or(port) };
    Ok(upstream(origin))
}

/// The server at `address`, by plain HTTP.
pub(super) fn at(address: SocketAddr) -> Arc<Upstream> {
    let (host, port) = (address.ip().to_string(), address.port());
    upstream(Origin { scheme: Scheme::Http, host, port })
}

fn upstream(origin: Origin) -> Arc<Upstream> {
    let settings = UpstreamSettings {
        name: "server".into(),
        protocol: Protocol::OpenAi,
        endpoints: vec![EndpointSettings { origin, prefix: String::new(), weight: 1 }],
        balance: Balance::default(),
        api_key: None,
        timeouts: Timeouts::default(),
        stream_usage: StreamUsage::AsSent,
    };
    Upstream::new(0, settings)
}
