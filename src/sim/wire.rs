//! The TCP side: accepting, and closing a connection in the ways that HTTP has no word for.
//!
//! Must not know: HTTP, what is sent.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Accepts [`Wire`]s, all of which break when `cut` is cancelled.
pub(super) struct WireListener {
    tcp: TcpListener,
    cut: CancellationToken,
}

/// One connection, without Nagle's delay.
pub(super) struct Wire {
    tcp: TcpStream,
    connection: Connection,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// A handler's hold on the connection its request came by.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection {
    resets: Arc<AtomicBool>,
}

impl Connection {
    /// Closes the connection at its next read or write, by a TCP RST rather than a FIN.
    pub(super) fn reset(&self) {
        self.resets.store(true, Ordering::Relaxed);
    }

    /// HTTP/2 would go on after the end of one stream; the failure stops it.
    fn unbroken(&self) -> io::Result<()> {
        match self.resets.load(Ordering::Relaxed) {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => Ok(()),
        }
    }
}

impl WireListener {
    pub(super) const fn new(tcp: TcpListener, cut: CancellationToken) -> Self {
        Self { tcp, cut }
    }
}

impl Listener for WireListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        // The trait's own accept, which bears with failures such as a lack of descriptors.
        let (tcp, peer) = Listener::accept(&mut self.tcp).await;
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%peer, %error, "TCP_NODELAY not set");
        }
        let cut = Box::pin(self.cut.clone().cancelled_owned());
        (Wire { tcp, connection: Connection::default(), cut }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Connected<IncomingStream<'_, WireListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, WireListener>) -> Self {
        stream.io().connection.clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.connection.resets.load(Ordering::Relaxed)
            && let Err(error) = self.tcp.set_zero_linger()
        {
            tracing::debug!(%error, "connection closes without the reset asked for");
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // An HTTP connection always has a read pending, to notice a client that leaves; so
        // this is where it also notices the cut.
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        self.connection.unbroken()?;
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.connection.unbroken()?;
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.connection.unbroken()?;
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
