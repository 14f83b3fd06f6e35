//! A model backend that does what a script says, however evil, and remembers what it got.
//!
//! The proxy's own probes are answered and left out of the memory. Must not know: what a
//! test is about.

use super::wait::until;
use super::wire::{Head, Wire};
use bytes::Bytes;
use parking_lot::Mutex;
use std::future::Future;
use std::io::Result;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// A small receive buffer, so that an upstream that does not read is soon felt.
const RECEIVE_BUFFER: u32 = 16 * 1024;

/// A backend on a port of its own. Dropping it closes everything.
pub struct Upstream {
    address: SocketAddr,
    memory: Arc<Memory>,
    _tasks: JoinSet<()>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// Request line and headers.
    pub head: Head,
    /// As much of the body as the script read.
    pub body: Vec<u8>,
}

#[derive(Default)]
struct Memory {
    requests: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    closed_by_proxy: AtomicUsize,
    drained: AtomicUsize,
}

type Script = dyn Fn(Call) -> Pin<Box<dyn Future<Output = Result<After>> + Send>> + Send + Sync;

struct Backend {
    script: Box<Script>,
    memory: Arc<Memory>,
    models: String,
    tls: Option<TlsAcceptor>,
}

/// How an upstream differs from a plain one.
#[derive(Default)]
pub struct Traits {
    /// The models it says it serves.
    pub models: &'static [&'static str],
    /// Its certificate, for HTTPS.
    pub tls: Option<TlsAcceptor>,
}

impl Upstream {
    /// A backend that handles each request by `script`.
    pub fn start<F, R>(script: F) -> Self
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result<After>> + Send + 'static,
    {
        Self::with(Traits::default(), script)
    }

    /// A backend whose script shares something with the test.
    pub fn sharing<S, F, R>(shared: &S, script: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S, Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result<After>> + Send + 'static,
    {
        let shared = shared.clone();
        Self::start(move |call| script(shared.clone(), call))
    }

    /// A backend with traits of its own.
    pub fn with<F, R>(traits: Traits, script: F) -> Self
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result<After>> + Send + 'static,
    {
        let listener = listen();
        let address = listener.local_addr().expect("a bound socket");
        let memory = Arc::<Memory>::default();
        let entry = |id: &&str| format!(r#"{{"id":"{id}","object":"model"}}"#);
        let backend = Arc::new(Backend {
            script: Box::new(move |call| Box::pin(script(call))),
            memory: Arc::clone(&memory),
            models: traits.models.iter().map(entry).collect::<Vec<_>>().join(","),
            tls: traits.tls,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, backend));
        Self { address, memory, _tasks: tasks }
    }

    /// Its address as an endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `host:port`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far, probes apart.
    pub fn requests(&self) -> Vec<Received> {
        self.memory.requests.lock().clone()
    }

    /// The only request so far.
    pub fn only_request(&self) -> Received {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }

    /// How many requests came so far.
    pub fn count(&self) -> usize {
        self.memory.requests.lock().len()
    }

    /// Waits for the `count`th request's head.
    pub async fn got(&self, count: usize) {
        until("a request at the upstream", || self.count() >= count).await;
    }

    /// Waits until the proxy has closed `count` connections that scripts were watching.
    pub async fn saw_closed(&self, count: usize) {
        let closed = || self.memory.closed_by_proxy.load(SeqCst) >= count;
        until("the proxy closes its upstream connection", closed).await;
    }

    /// Bytes that scripts found in connections while waiting for their end.
    pub fn drained(&self) -> usize {
        self.memory.drained.load(SeqCst)
    }
}

fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(RECEIVE_BUFFER).expect("a buffer size");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    socket.listen(1024).expect("a listener")
}

async fn accept(listener: TcpListener, backend: Arc<Backend>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("an open socket");
        connections.spawn(serve(stream, Arc::clone(&backend)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, backend: Arc<Backend>) {
    let mut wire = match &backend.tls {
        None => Wire::new(stream),
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => Wire::new(stream),
            Err(_) => return,
        },
    };
    let mut connection = None;
    while let Ok(Some(head)) = wire.head().await {
        if is_probe(&head) {
            // The answer is for nobody if the proxy has just stopped.
            drop(wire.write(backend.models_answer()).await);
            return;
        }
        let memory = &backend.memory;
        let connection = *connection.get_or_insert_with(|| memory.connections.fetch_add(1, SeqCst));
        let number = memory.remember(connection, head.clone());
        let call = Call { number, connection, head, wire, memory: Arc::clone(memory), read: false };
        match (backend.script)(call).await {
            Ok(After::Reuse(reused)) => wire = reused,
            Ok(After::Closed) | Err(_) => return,
        }
    }
}

/// Requests of callers carry an id; those of the proxy itself do not.
fn is_probe(head: &Head) -> bool {
    head.word(0) == "GET" && head.header("x-request-id").is_none()
}

impl Backend {
    fn models_answer(&self) -> String {
        let body = format!(r#"{{"object":"list","data":[{}]}}"#, self.models);
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
    }
}

impl Memory {
    fn remember(&self, connection: usize, head: Head) -> usize {
        let mut requests = self.requests.lock();
        requests.push(Received { connection, head, body: Vec::new() });
        requests.len() - 1
    }
}

/// What is left of a connection after a request.
pub enum After {
    /// It waits for the next request.
    Reuse(Wire),
    /// It is closed.
    Closed,
}

/// One request in the hands of a script.
pub struct Call {
    /// Which request it is, counted from 0 over all connections.
    pub number: usize,
    /// Which connection it came on.
    pub connection: usize,
    /// Its head.
    pub head: Head,
    wire: Wire,
    memory: Arc<Memory>,
    read: bool,
}

impl Call {
    /// Reads the whole body.
    pub async fn body(&mut self) -> Result<Bytes> {
        self.read = true;
        if self.head.is_chunked() {
            while let Some(chunk) = self.wire.chunk().await? {
                self.note(&chunk);
            }
        } else {
            let mut left = self.head.length().unwrap_or(0);
            while left > 0 {
                let some = self.wire.at_most(left).await?;
                left -= some.len();
                self.note(&some);
            }
        }
        Ok(Bytes::from(self.memory.requests.lock()[self.number].body.clone()))
    }

    /// Reads `length` bytes of what follows the head, whatever they are.
    pub async fn raw(&mut self, length: usize) -> Result<Bytes> {
        self.read = true;
        self.wire.exactly(length).await
    }

    /// Reads the body and counts it without remembering it.
    pub async fn discard_body(&mut self) -> Result<usize> {
        self.read = true;
        let mut count = 0;
        if self.head.is_chunked() {
            while let Some(chunk) = self.wire.chunk().await? {
                count += chunk.len();
            }
        } else {
            let length = self.head.length().unwrap_or(0);
            while count < length {
                count += self.wire.at_most(length - count).await?.len();
            }
        }
        Ok(count)
    }

    /// Writes bytes at once.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.wire.write(bytes).await
    }

    /// Is slow.
    pub async fn delay(&self, time: Duration) {
        sleep(time).await;
    }

    /// Reads the body, if that was not done, answers, and keeps the connection.
    pub async fn answer(mut self, answer: impl AsRef<[u8]>) -> Result<After> {
        if !self.read {
            self.body().await?;
        }
        self.write(answer).await?;
        Ok(After::Reuse(self.wire))
    }

    /// Keeps the connection for the next request.
    pub fn reuse(self) -> Result<After> {
        Ok(After::Reuse(self.wire))
    }

    /// Closes the connection properly.
    pub fn close(self) -> Result<After> {
        Ok(After::Closed)
    }

    /// Closes the connection with a reset.
    pub fn reset(self) -> Result<After> {
        self.wire.reset();
        Ok(After::Closed)
    }

    /// Ends the writing side only and waits until the proxy closes the connection.
    pub async fn half_close(mut self) -> Result<After> {
        self.wire.half_close().await?;
        self.until_closed().await
    }

    /// Says nothing more and waits until the proxy closes the connection.
    pub async fn until_closed(mut self) -> Result<After> {
        let count = self.wire.drain().await;
        self.memory.drained.fetch_add(count, SeqCst);
        self.memory.closed_by_proxy.fetch_add(1, SeqCst);
        Ok(After::Closed)
    }

    /// Sends back whatever comes, until the proxy closes the connection.
    pub async fn echo(mut self) -> Result<After> {
        while let Ok(Some(bytes)) = self.wire.some().await {
            self.wire.write(bytes).await?;
        }
        self.memory.closed_by_proxy.fetch_add(1, SeqCst);
        Ok(After::Closed)
    }

    fn note(&self, part: &[u8]) {
        self.memory.requests.lock()[self.number].body.extend_from_slice(part);
    }
}
