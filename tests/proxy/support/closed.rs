//! Endpoints that cannot be reached.
//!
//! Must not know: the proxy.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// A port that refuses connections, for as long as this lives.
pub struct Refusing {
    socket: TcpSocket,
}

/// A port whose connections are never completed, for as long as this lives.
pub struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Refusing {
    /// Bound, so that nobody else gets the port, and not listening.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        Self { socket }
    }

    /// Listens after all, at the same address.
    pub fn listen(self) -> TcpListener {
        self.socket.listen(16).expect("a listener")
    }

    /// Its address as an endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.socket.local_addr().expect("a bound socket"))
    }
}

impl BlackHole {
    /// Listens and never accepts; its backlog is full.
    pub async fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let listener = socket.listen(1).expect("a listener");
        let address = listener.local_addr().expect("a bound socket");
        let mut waiting = Vec::new();
        // The system completes one or two more than the backlog says.
        while let Ok(Ok(stream)) =
            timeout(Duration::from_millis(100), TcpStream::connect(address)).await
        {
            waiting.push(stream);
        }
        Self { address, _listener: listener, _waiting: waiting }
    }

    /// Its address as an endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
