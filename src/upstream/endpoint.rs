//! Upstreams and their endpoints at run time.
//!
//! Owns the load figures that balancing decides by. Must not know: how bytes travel.

use crate::types::Place;
use crate::upstream::{EndpointSettings, Locality, Share, UpstreamSettings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A group of endpoints that serve the same models.
#[derive(Debug)]
pub struct Upstream {
    /// Position in the configuration; a label by way of its name.
    pub index: usize,
    /// What the operator said.
    pub settings: UpstreamSettings,
    /// At least one.
    pub endpoints: Vec<Arc<Endpoint>>,
    pub(super) turn: AtomicUsize,
}

/// One server.
#[derive(Debug)]
pub struct Endpoint {
    /// The upstream's position in the configuration.
    pub upstream: usize,
    /// Position within the upstream.
    pub index: usize,
    /// What the operator said.
    pub settings: EndpointSettings,
    /// `host:port`, for the `Host` header, logs and the record.
    pub authority: Arc<str>,
    /// Who runs it.
    pub locality: Locality,
    /// What it gets of the upstream's traffic.
    pub share: Share,
    /// Requests in the low bits, their tokens above: one addition counts both.
    load: AtomicU64,
}

/// Bits of a load that count requests: a million at once.
const REQUEST_BITS: u32 = 20;
const ONE_REQUEST: u64 = 1;
/// The most tokens that one request counts for.
const MOST_TOKENS: u64 = (1 << 24) - 1;

impl Upstream {
    /// The upstream at position `index` of the configuration.
    pub fn new(index: usize, settings: UpstreamSettings) -> Arc<Self> {
        let endpoint = |(position, endpoint): (usize, &EndpointSettings)| {
            Arc::new(Endpoint::new(index, position, endpoint.clone()))
        };
        let endpoints = settings.endpoints.iter().enumerate().map(endpoint).collect();
        Arc::new(Self { index, settings, endpoints, turn: AtomicUsize::new(0) })
    }

    /// Whether any endpoint takes new requests.
    pub fn takes_requests(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.share.weight() > 0)
    }
}

impl Endpoint {
    fn new(upstream: usize, index: usize, settings: EndpointSettings) -> Self {
        let authority = settings.origin.authority().into();
        Self {
            upstream,
            index,
            locality: Locality::of(&settings.origin.host),
            share: Share::new(settings.weight),
            settings,
            authority,
            load: AtomicU64::new(0),
        }
    }

    /// Estimated tokens of the requests it is working on.
    pub fn outstanding_tokens(&self) -> u64 {
        self.load.load(Ordering::Relaxed) >> REQUEST_BITS
    }

    /// Inference requests it is working on.
    pub fn in_flight(&self) -> u64 {
        self.load.load(Ordering::Relaxed) & ((1 << REQUEST_BITS) - 1)
    }

    /// Adds a request and its estimate to the load until the value is dropped.
    pub fn take(self: &Arc<Self>, tokens: u64) -> Load {
        let added = (tokens.min(MOST_TOKENS) << REQUEST_BITS) + ONE_REQUEST;
        self.load.fetch_add(added, Ordering::Relaxed);
        Load { endpoint: Arc::clone(self), added }
    }

    /// What it is called where its share is changed; `upstream` is the one it belongs to.
    pub fn place(&self, upstream: &Upstream) -> Place {
        Place::Endpoint { upstream: upstream.settings.name.clone(), url: self.settings.url() }
    }
}

/// A request's share of an endpoint's load.
#[derive(Debug)]
pub struct Load {
    endpoint: Arc<Endpoint>,
    added: u64,
}

impl Load {
    /// The endpoint that carries it.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.endpoint.load.fetch_sub(self.added, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Balance;
    use crate::upstream::settings::tests::upstream_of;

    #[test]
    fn requests_and_their_tokens_are_counted_until_they_end() {
        let upstream = Upstream::new(0, upstream_of(Balance::RoundRobin, &[1]));
        let endpoint = &upstream.endpoints[0];
        let loads = [endpoint.take(0), endpoint.take(1_000), endpoint.take(u64::MAX)];
        assert_eq!((endpoint.in_flight(), endpoint.outstanding_tokens()), (3, 1_000 + MOST_TOKENS));
        drop(loads);
        assert_eq!((endpoint.in_flight(), endpoint.outstanding_tokens()), (0, 0));
    }
}
