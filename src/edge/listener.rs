//! The data listeners: sockets bound before anything starts, so that a port in use is an
//! error in words, then served by pingora until shutdown.
//!
//! Must not know: what is served.

use crate::edge::Gateway;
use pingora::apps::HttpServerOptions;
use pingora::protocols::http::v2::server::H2Options;
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use pingora::server::{Fds, ListenFds, ShutdownWatch};
use pingora::services::Service as _;
use pingora::services::listening::Service;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::time::Duration;

/// An idle HTTP/2 connection is closed after this long; idle HTTP/1.1 ones after pingora's
/// 60 s.
const H2_IDLE: Duration = Duration::from_secs(60);
/// HTTP/2 streams that one connection may have open.
const H2_STREAMS: u32 = 1024;
/// Retries of pass-through requests, the first try included; whether one is due is decided
/// there.
const PASS_THROUGH_TRIES: usize = 2;
/// Idle upstream connections kept for pass-through.
const POOL: usize = 1024;

/// A socket that listens and is not served yet.
pub struct BoundListener {
    socket: TcpListener,
    /// Where it listens, the port chosen by the system filled in.
    pub address: SocketAddr,
}

impl BoundListener {
    /// The socket itself, for a server other than pingora.
    pub fn into_socket(self) -> TcpListener {
        self.socket
    }
}

/// Binds `address`.
///
/// # Errors
/// When the system refuses, as with a port in use.
pub fn bind(address: SocketAddr) -> io::Result<BoundListener> {
    let socket = TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Ok(BoundListener { socket, address })
}

/// The data listeners of one proxy.
pub struct Listeners {
    service: Service<pingora::proxy::HttpProxy<Gateway>>,
    fds: ListenFds,
}

impl Listeners {
    /// Listeners that serve `gateway` on `bound` sockets, HTTP/1.1 and h2c on each.
    pub fn new(gateway: Gateway, bound: Vec<BoundListener>) -> Self {
        let conf = ServerConf {
            max_retries: PASS_THROUGH_TRIES,
            upstream_keepalive_pool_size: POOL,
            ..ServerConf::default()
        };
        let mut proxy = http_proxy(&Arc::new(conf), gateway);
        let mut options = HttpServerOptions::default();
        options.h2c = true;
        options.h2_idle_timeout = Some(H2_IDLE);
        proxy.server_options = Some(options);
        let mut h2 = H2Options::new();
        h2.max_concurrent_streams(H2_STREAMS);
        proxy.h2_options = Some(h2);
        let mut service = Service::new("data".into(), proxy);
        let mut fds = Fds::new();
        for BoundListener { socket, address } in bound {
            // pingora finds the bound socket by its address and takes it over.
            fds.add(address.to_string(), socket.into_raw_fd());
            service.add_tcp(&address.to_string());
        }
        Self { service, fds: ListenFds::new(fds.into()) }
    }

    /// Accepts until `shutdown` turns true, then returns; requests in flight go on.
    pub async fn serve(mut self, shutdown: ShutdownWatch) {
        self.service.start_service(Some(self.fds), shutdown, 1).await;
    }
}
