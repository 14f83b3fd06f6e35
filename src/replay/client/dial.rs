//! New connections: TCP, then TLS where the target asks for it, then HTTP of the version that
//! both sides speak.
//!
//! Must not know: which connections there are already, or what they will carry.

use super::body::TimedBody;
use super::target::Target;
use crate::trust::client_config;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Executor, Read, Write};
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Opens connections to one target.
pub(super) struct Dialer {
    pub(super) target: Target,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    tasks: ConnectionTasks,
}

/// A connection that nothing has been sent on.
pub(super) enum Fresh {
    /// For one request at a time.
    Http1(http1::SendRequest<TimedBody>),
    /// For many.
    Http2(http2::SendRequest<TimedBody>),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No TCP, or no TLS.
    #[error("no connection: {0}")]
    Io(#[from] io::Error),
    /// No HTTP.
    #[error("no HTTP: {0}")]
    Http(#[from] hyper::Error),
}

/// The tasks that drive connections, ended with their client.
#[derive(Clone)]
struct ConnectionTasks {
    tracker: TaskTracker,
    closing: CancellationToken,
}

impl ConnectError {
    /// Whether this machine is what has run out of something: files, or ports. Then it is no
    /// failure of the target's.
    pub fn is_ours(&self) -> bool {
        use rustix::io::Errno;
        const OURS: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS];
        let Self::Io(error) = self else { return false };
        OURS.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
}

impl Dialer {
    pub(super) fn new(target: &Target, roots: RootCertStore) -> io::Result<Self> {
        let tls = if target.is_tls() { Some(tls(target, roots)?) } else { None };
        let tasks =
            ConnectionTasks { tracker: TaskTracker::new(), closing: CancellationToken::new() };
        Ok(Self { target: target.clone(), tls, tasks })
    }

    /// Opens a connection.
    pub(super) async fn dial(&self) -> Result<Fresh, ConnectError> {
        let tcp = TcpStream::connect((self.target.host(), self.target.port())).await?;
        tcp.set_nodelay(true)?;
        let Some((connector, name)) = &self.tls else { return self.http1(TokioIo::new(tcp)).await };
        let tls = connector.connect(name.clone(), tcp).await?;
        let speaks_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        let io = TokioIo::new(tls);
        if speaks_h2 { self.http2(io).await } else { self.http1(io).await }
    }

    async fn http1<T>(&self, io: T) -> Result<Fresh, ConnectError>
    where
        T: Read + Write + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::handshake(io).await?;
        self.tasks.execute(connection);
        Ok(Fresh::Http1(sender))
    }

    async fn http2<T>(&self, io: T) -> Result<Fresh, ConnectError>
    where
        T: Read + Write + Send + Unpin + 'static,
    {
        let (sender, connection) = http2::handshake(self.tasks.clone(), io).await?;
        self.tasks.execute(connection);
        Ok(Fresh::Http2(sender))
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.tasks.closing.cancel();
    }
}

/// What becomes of a connection is told by the requests on it.
impl<F> Executor<F> for ConnectionTasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, connection: F) {
        let closing = self.closing.clone();
        self.tracker.spawn(async move { closing.run_until_cancelled(connection).await });
    }
}

fn tls(target: &Target, roots: RootCertStore) -> io::Result<(TlsConnector, ServerName<'static>)> {
    let name = ServerName::try_from(target.host().to_owned()).map_err(io::Error::other)?;
    let mut config = client_config(roots)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((TlsConnector::from(Arc::new(config)), name))
}
