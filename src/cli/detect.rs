//! Looks for a model backend on this machine when the operator names none.
//!
//! Must not know: how to serve it.

use crate::cli::{Failure, say};
use crate::config::Settings;
use crate::edge::{PingoraTransport, get};
use crate::upstream::{
    Balance, EndpointSettings, LOCAL_BACKENDS, LocalBackend, Origin, Scheme, Serves, StreamUsage,
    Timeouts, Upstream, UpstreamSettings,
};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A backend on this machine answers within this, or is not there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The settings with every backend that answers on this machine as an upstream.
///
/// # Errors
/// When none does, with what to do about it.
pub(super) async fn local_upstreams(mut settings: Settings) -> Result<Settings, Failure> {
    let ours: Vec<u16> = std::iter::once(settings.server.admin)
        .chain(settings.server.listen.iter().copied())
        .map(|address: SocketAddr| address.port())
        .collect();
    let places: Vec<_> = LOCAL_BACKENDS.iter().filter(|b| !ours.contains(&b.port)).collect();
    let candidate =
        |(index, backend): (usize, &&LocalBackend)| Upstream::new(index, upstream(backend));
    let candidates: Vec<_> = places.iter().enumerate().map(candidate).collect();
    let transport = PingoraTransport::new(&candidates);
    let probes = places.iter().zip(&candidates).map(async |(backend, upstream)| {
        let endpoint = upstream.endpoints.first()?;
        get(&transport, endpoint, backend.path, None, PATIENCE).await.ok()?;
        Some(upstream.settings.clone())
    });
    for found in futures_util::future::join_all(probes).await.into_iter().flatten() {
        say(&mut io::stderr(), &format!("found {} on {}", found.name, authority(&found)));
        settings.effective.add_upstream(settings.upstreams.len(), &found);
        settings.upstreams.push(found);
    }
    if settings.upstreams.is_empty() {
        return Err(nothing_found().into());
    }
    Ok(settings)
}

fn upstream(backend: &LocalBackend) -> UpstreamSettings {
    let origin = Origin { scheme: Scheme::Http, host: "127.0.0.1".into(), port: backend.port };
    UpstreamSettings {
        name: backend.name.into(),
        protocol: backend.protocol,
        endpoints: vec![EndpointSettings { origin, prefix: String::new(), weight: 1 }],
        balance: Balance::default(),
        api_key: None,
        timeouts: Timeouts::default(),
        stream_usage: StreamUsage::default(),
        serves: Serves::default(),
    }
}

fn authority(upstream: &UpstreamSettings) -> String {
    upstream.endpoints.iter().map(|endpoint| endpoint.origin.authority()).collect()
}

fn nothing_found() -> String {
    let looked: Vec<_> = LOCAL_BACKENDS.iter().map(|b| format!("{} {}", b.name, b.port)).collect();
    format!(
        "no model backend answers on this machine (looked for {}).\n\
         Name one:          transom serve --upstream http://HOST:PORT\n\
         or see it at work: transom demo",
        looked.join(", ")
    )
}
