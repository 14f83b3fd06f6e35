//! One kept-alive connection: sends a request, checks the answer as it arrives.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Call;
use crate::answers::Answer;
use crate::wire::{self, Body};

/// Longest silence within an answer before it counts as lost.
const SILENCE: Duration = Duration::from_secs(10);

/// A connection that outlives its requests; after a failure it is opened anew.
pub struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came of one request.
pub struct Exchange {
    /// Body parts that arrived whole and in order.
    pub parts: usize,
    /// Time to the first whole part, from the instant the caller intended.
    pub result: Result<Duration, Failure>,
}

/// Why an answer does not count.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The socket failed.
    #[error("socket: {0}")]
    Socket(io::ErrorKind),
    /// The peer closed before the answer was whole.
    #[error("closed within the answer")]
    Closed,
    /// The peer announced that it closes a connection that was to be kept.
    #[error("connection not kept alive")]
    NotKeptAlive,
    /// No byte for [`SILENCE`].
    #[error("no byte for {} s", SILENCE.as_secs())]
    Silent,
    /// Another status than 200.
    #[error("status {0}")]
    Status(u16),
    /// The message framing is broken.
    #[error("broken framing")]
    Framing,
    /// The body is not the expected one, byte for byte.
    #[error("wrong bytes")]
    WrongBytes,
    /// The message ended early, in order.
    #[error("answer cut short")]
    Short,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Socket(error.kind())
    }
}

impl Connection {
    /// Connects to `address`.
    ///
    /// # Errors
    /// The socket's.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends `call` and reads its answer; latency counts from `intended`.
    pub async fn exchange(&mut self, call: &Call, intended: Instant) -> Exchange {
        let mut progress = Progress::new(&call.answer, intended);
        let result = self.converse(&call.request, &mut progress).await;
        if result.is_err() {
            // A failure to reconnect shows as the next request's failure.
            if let Ok(fresh) = Self::open(self.address).await {
                *self = fresh;
            }
        }
        Exchange { parts: progress.parts(), result }
    }

    async fn converse(
        &mut self,
        request: &[u8],
        progress: &mut Progress<'_>,
    ) -> Result<Duration, Failure> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        let head = loop {
            self.read().await?;
            if let Some(head) = wire::head(&self.buffer) {
                break head;
            }
        };
        if head.status != 200 {
            return Err(Failure::Status(head.status));
        }
        let mut body = Body::new(head.framing);
        body.feed(&self.buffer[head.len..], |payload| progress.take(payload))?;
        while !matches!(body, Body::Over) {
            self.buffer.clear();
            self.read().await?;
            body.feed(&self.buffer, |payload| progress.take(payload))?;
        }
        if head.close {
            return Err(Failure::NotKeptAlive);
        }
        progress.finish()
    }

    async fn read(&mut self) -> Result<(), Failure> {
        match timeout(SILENCE, self.stream.read_buf(&mut self.buffer)).await {
            Err(_) => Err(Failure::Silent),
            Ok(Ok(0)) => Err(Failure::Closed),
            Ok(read) => Ok(read.map(drop)?),
        }
    }
}

/// How much of the expected body has arrived.
struct Progress<'a> {
    answer: &'a Answer,
    received: usize,
    intended: Instant,
    first: Option<Duration>,
}

impl<'a> Progress<'a> {
    fn new(answer: &'a Answer, intended: Instant) -> Self {
        Self { answer, received: 0, intended, first: None }
    }

    fn parts(&self) -> usize {
        self.answer.parts_within(self.received)
    }

    fn take(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let expected = &self.answer.bytes()[self.received..];
        if !expected.starts_with(payload) {
            return Err(Failure::WrongBytes);
        }
        self.received += payload.len();
        if self.first.is_none() && self.parts() > 0 {
            self.first = Some(self.intended.elapsed());
        }
        Ok(())
    }

    fn finish(&self) -> Result<Duration, Failure> {
        match self.first {
            Some(first) if self.received == self.answer.bytes().len() => Ok(first),
            _ => Err(Failure::Short),
        }
    }
}
