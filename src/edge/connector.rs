//! Endpoints as the pipeline sees them, over pingora's connector and its pool.
//!
//! Must not know: what is sent, or when a retry is due.

use crate::edge::convert::{body_fault, connect_fault, head_fault};
use crate::edge::joined::Joined;
use crate::types::ErrorType;
use crate::upstream::{
    Endpoint, Exchange, Opened, Origin, Reuse, Scheme, Timeouts, Transport, TransportFault,
    Upstream,
};
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::StatusCode;
use pingora::connectors::{ConnectorOptions, TransportConnector};
use pingora::http::RequestHeader;
use pingora::protocols::http::v1::client::HttpSession;
use pingora::protocols::{SocketDigest, TcpKeepalive};
use pingora::upstreams::peer::{HttpPeer, Peer};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Idle connections kept, all endpoints together.
const POOL: usize = 4096;
/// An idle connection is closed after this long; most servers give up sooner.
const IDLE: Duration = Duration::from_secs(55);
/// A name is looked up again after this long.
const NAME_TTL: Duration = Duration::from_secs(30);
/// How often a connection whose request is stuck is looked at for an answer. pingora's
/// sessions cannot be read while they are written to, but the kernel counts what came in.
const EARLY_POLL: Duration = Duration::from_millis(50);
/// Part of a pool's key: connections of a retry start in a pool that is always empty.
const FRESH: u64 = 1;

/// Opens exchanges with the endpoints of the configured upstreams.
pub struct PingoraTransport {
    connector: Arc<TransportConnector>,
    /// By upstream, then by endpoint.
    routes: Vec<Vec<Route>>,
}

/// One endpoint's way: its addresses, found when needed, and the options of its peers.
struct Route {
    origin: Origin,
    timeouts: Timeouts,
    known: ArcSwapOption<Known>,
}

/// Addresses of an endpoint, the one that last worked first.
struct Known {
    peers: Vec<Arc<HttpPeer>>,
    found: Instant,
}

impl PingoraTransport {
    /// A transport with its own connection pool.
    pub fn new(upstreams: &[Arc<Upstream>]) -> Self {
        let route = |upstream: &Upstream, endpoint: &Endpoint| Route {
            origin: endpoint.settings.origin.clone(),
            timeouts: upstream.settings.timeouts,
            known: ArcSwapOption::empty(),
        };
        let routes = |upstream: &Arc<Upstream>| {
            upstream.endpoints.iter().map(|endpoint| route(upstream, endpoint)).collect()
        };
        Self {
            connector: Arc::new(TransportConnector::new(Some(ConnectorOptions::new(POOL)))),
            routes: upstreams.iter().map(routes).collect(),
        }
    }

    /// The peer that an endpoint's next connection would go to, for pingora's own engine.
    pub(super) async fn peer(&self, endpoint: &Endpoint) -> Result<Arc<HttpPeer>, TransportFault> {
        let known = self.route(endpoint)?.known_peers().await?;
        known.peers.first().cloned().ok_or(TransportFault(ErrorType::Dns))
    }

    fn route(&self, endpoint: &Endpoint) -> Result<&Route, TransportFault> {
        let route = self.routes.get(endpoint.upstream).and_then(|u| u.get(endpoint.index));
        route.ok_or(TransportFault(ErrorType::NoHealthyUpstream))
    }
}

impl Transport for PingoraTransport {
    type Exchange = PingoraExchange;

    async fn open(
        &self,
        endpoint: &Endpoint,
        reuse: Reuse,
    ) -> Result<Opened<PingoraExchange>, TransportFault> {
        let route = self.route(endpoint)?;
        let opening = async {
            let known = route.known_peers().await?;
            let mut last = TransportFault(ErrorType::Dns);
            for (position, peer) in known.peers.iter().enumerate() {
                match self.connect(peer, reuse).await {
                    Ok(opened) => {
                        route.prefer(&known, position);
                        return Ok(opened);
                    }
                    Err(fault) => last = fault,
                }
            }
            route.known.store(None);
            Err(last)
        };
        match timeout(route.timeouts.connect, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(TransportFault(ErrorType::TimeoutConnect)),
        }
    }
}

impl PingoraTransport {
    async fn connect(
        &self,
        peer: &Arc<HttpPeer>,
        reuse: Reuse,
    ) -> Result<Opened<PingoraExchange>, TransportFault> {
        let connected = match reuse {
            // Boxed, so that a stream does not carry the room for a handshake all its life.
            Reuse::Pooled => Box::pin(self.connector.get_stream(&**peer)).await,
            Reuse::Fresh => {
                let mut fresh = HttpPeer::clone(peer);
                fresh.group_key = FRESH;
                Box::pin(self.connector.get_stream(&fresh)).await
            }
        };
        let (stream, pooled) = connected.map_err(|error| connect_fault(&error))?;
        let session = HttpSession::new(Box::new(Joined::new(stream)));
        let connector = Arc::clone(&self.connector);
        let exchange = PingoraExchange { session, peer: Arc::clone(peer), connector };
        Ok(Opened { exchange, pooled })
    }
}

impl Route {
    async fn known_peers(&self) -> Result<Arc<Known>, TransportFault> {
        let known = self.known.load_full();
        if let Some(known) = &known
            && (self.is_address() || known.found.elapsed() < NAME_TTL)
        {
            return Ok(Arc::clone(known));
        }
        match self.look_up().await {
            Ok(addresses) if !addresses.is_empty() => {
                let peers = addresses.into_iter().map(|address| Arc::new(self.peer(address)));
                let found = Arc::new(Known { peers: peers.collect(), found: Instant::now() });
                self.known.store(Some(Arc::clone(&found)));
                Ok(found)
            }
            // The last good addresses are better than none.
            _ => known.ok_or(TransportFault(ErrorType::Dns)),
        }
    }

    async fn look_up(&self) -> std::io::Result<Vec<SocketAddr>> {
        let Origin { host, port, .. } = &self.origin;
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, *port)]);
        }
        Ok(tokio::net::lookup_host((host.as_str(), *port)).await?.collect())
    }

    fn is_address(&self) -> bool {
        self.origin.host.parse::<IpAddr>().is_ok()
    }

    fn prefer(&self, known: &Known, position: usize) {
        if position > 0 {
            let mut peers = known.peers.clone();
            peers.swap(0, position);
            self.known.store(Some(Arc::new(Known { peers, found: known.found })));
        }
    }

    fn peer(&self, address: SocketAddr) -> HttpPeer {
        let tls = self.origin.scheme == Scheme::Https;
        let mut peer = HttpPeer::new(address, tls, self.origin.host.clone());
        peer.options.connection_timeout = Some(self.timeouts.connect);
        peer.options.total_connection_timeout = Some(self.timeouts.connect);
        peer.options.idle_timeout = Some(IDLE);
        peer.options.tcp_keepalive = Some(TcpKeepalive {
            idle: Duration::from_secs(30),
            interval: Duration::from_secs(10),
            count: 3,
            user_timeout: Duration::ZERO,
        });
        peer
    }
}

/// One request and its answer over one pingora connection.
pub struct PingoraExchange {
    session: HttpSession,
    peer: Arc<HttpPeer>,
    connector: Arc<TransportConnector>,
}

impl PingoraExchange {
    /// The upstream switched protocols: from here on bytes are bytes.
    pub(super) fn upgraded(&mut self) {
        self.session.maybe_upgrade_body_writer();
    }

    fn asked_for_upgrade(&self) -> bool {
        self.session.was_upgraded()
    }
}

impl Exchange for PingoraExchange {
    async fn send_head(&mut self, head: http::request::Parts) -> Result<(), TransportFault> {
        let head = Box::new(RequestHeader::from(head));
        let written = self.session.write_request_header(head).await;
        written.map(drop).map_err(|error| head_fault(&error))
    }

    async fn send_body(&mut self, part: Bytes) -> Result<(), TransportFault> {
        let written = self.session.write_body(&part).await;
        written.map(drop).map_err(|error| head_fault(&error))
    }

    async fn end_body(&mut self) -> Result<(), TransportFault> {
        let ended = self.session.finish_body().await;
        ended.map(drop).map_err(|error| head_fault(&error))
    }

    fn answers_early(&self) -> impl Future<Output = ()> + Send + 'static {
        let received =
            |socket: &SocketDigest| socket.tcp_info().map(|info| info.tcpi_bytes_received);
        // Over TLS, bytes that arrive may be the handshake's, so they say nothing.
        let socket = (!self.peer.is_tls()).then(|| self.session.digest().socket_digest.clone());
        let socket = socket.flatten();
        let before = socket.as_deref().and_then(received);
        async move {
            while let (Some(before), Some(now)) = (before, socket.as_deref().and_then(received)) {
                if now > before {
                    return;
                }
                sleep(EARLY_POLL).await;
            }
            std::future::pending().await
        }
    }

    async fn read_head(&mut self) -> Result<http::response::Parts, TransportFault> {
        loop {
            let read = self.session.read_response().await;
            read.map_err(|error| head_fault(&error))?;
            let head = self.session.resp_header();
            let head = head.ok_or(TransportFault(ErrorType::DecodeError))?;
            if head.status == StatusCode::SWITCHING_PROTOCOLS && !self.asked_for_upgrade() {
                return Err(TransportFault(ErrorType::DecodeError));
            }
            if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(head.as_owned_parts());
            }
        }
    }

    async fn read_chunk(&mut self) -> Result<Option<Bytes>, TransportFault> {
        self.session.read_body_bytes().await.map_err(|error| body_fault(&error))
    }

    async fn release(mut self) {
        self.session.respect_keepalive();
        if let Some(stream) = self.session.reuse().await.and_then(Joined::into_inner) {
            self.connector.release_stream(stream, self.peer.reuse_hash(), Some(IDLE));
        }
    }
}
