//! The connections of the admin listener, with TLS (rustls) where it is asked for.
//!
//! Must not know: what is said on a connection. A handshake waits for nobody and nobody waits
//! for it: strangers who connect and say nothing must not keep others out.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Connections at once, handshakes included; further ones wait for a place.
const MOST: usize = 512;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long nothing is accepted when the system is out of something.
const BREATH: Duration = Duration::from_millis(200);

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Accepts connections.
pub(super) struct AdminListener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    handshakes: JoinSet<Option<(Connection, SocketAddr)>>,
    places: Arc<Semaphore>,
}

/// A connection, and its place among those there may be.
pub(super) struct Connection {
    wire: Box<dyn Wire>,
    _place: OwnedSemaphorePermit,
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl AdminListener {
    /// On `socket`, with TLS where there is a configuration for it.
    pub(super) fn new(socket: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let places = Arc::new(Semaphore::new(MOST));
        Self { socket, tls: tls.map(TlsAcceptor::from), handshakes: JoinSet::new(), places }
    }

    /// The next one, its handshake still to come.
    async fn next(
        socket: &TcpListener,
        places: &Arc<Semaphore>,
    ) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let place = Arc::clone(places).acquire_owned().await;
            match (socket.accept().await, place) {
                (Ok((stream, peer)), Ok(place)) => return (stream, peer, place),
                (Err(error), _) => {
                    tracing::debug!(%error, "the admin listener could not accept");
                    sleep(BREATH).await;
                }
                // Nobody closes it.
                (_, Err(_)) => sleep(BREATH).await,
            }
        }
    }
}

impl Listener for AdminListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            tokio::select! {
                Some(shaken) = self.handshakes.join_next() => {
                    if let Ok(Some(ready)) = shaken {
                        return ready;
                    }
                }
                (stream, peer, place) = Self::next(&self.socket, &self.places) => {
                    let Some(tls) = self.tls.clone() else {
                        return (Connection { wire: Box::new(stream), _place: place }, peer);
                    };
                    self.handshakes.spawn(async move {
                        let shaken = timeout(HANDSHAKE, tls.accept(stream)).await.ok()?;
                        let shaken = shaken.inspect_err(|error| {
                            tracing::debug!(%peer, %error, "no TLS with the admin listener");
                        });
                        Some((Connection { wire: Box::new(shaken.ok()?), _place: place }, peer))
                    });
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

impl Connected<IncomingStream<'_, AdminListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, AdminListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(cx, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(cx, bytes)
    }
}
