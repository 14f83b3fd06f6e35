//! Upstreams and their endpoints at run time.
//!
//! Owns the load figures that balancing decides by. Must not know: how bytes travel.

use crate::upstream::{EndpointSettings, Locality, UpstreamSettings};
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
    outstanding_tokens: AtomicU64,
}

impl Upstream {
    /// The upstream at position `index` of the configuration.
    pub fn new(index: usize, settings: UpstreamSettings) -> Arc<Self> {
        let endpoint = |(position, endpoint): (usize, &EndpointSettings)| {
            Arc::new(Endpoint::new(index, position, endpoint.clone()))
        };
        let endpoints = settings.endpoints.iter().enumerate().map(endpoint).collect();
        Arc::new(Self { index, settings, endpoints, turn: AtomicUsize::new(0) })
    }
}

impl Endpoint {
    fn new(upstream: usize, index: usize, settings: EndpointSettings) -> Self {
        let authority = settings.origin.authority().into();
        Self {
            upstream,
            index,
            locality: Locality::of(&settings.origin.host),
            settings,
            authority,
            outstanding_tokens: AtomicU64::new(0),
        }
    }

    /// Estimated tokens of the requests it is working on.
    pub fn outstanding_tokens(&self) -> u64 {
        self.outstanding_tokens.load(Ordering::Relaxed)
    }

    /// Adds a request's estimate to the load until the value is dropped.
    pub fn take(self: &Arc<Self>, tokens: u64) -> Load {
        self.outstanding_tokens.fetch_add(tokens, Ordering::Relaxed);
        Load { endpoint: Arc::clone(self), tokens }
    }
}

/// A request's share of an endpoint's load.
#[derive(Debug)]
pub struct Load {
    endpoint: Arc<Endpoint>,
    tokens: u64,
}

impl Load {
    /// The endpoint that carries it.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.endpoint.outstanding_tokens.fetch_sub(self.tokens, Ordering::Relaxed);
    }
}
