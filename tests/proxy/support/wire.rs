//! HTTP/1.1 as bytes: heads, lines, chunks. Deliberately naive, so that a fault of the
//! proxy is not made good here.
//!
//! Must not know: which side of a connection it is on.

use bytes::{Bytes, BytesMut};
use std::io::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection of any kind.
pub trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {
    /// Makes closing it a reset instead of a proper end, where it can be.
    fn reset_on_close(&self) {}
}

impl Io for TcpStream {
    fn reset_on_close(&self) {
        self.set_zero_linger().expect("the socket is open");
    }
}

impl Io for tokio_rustls::server::TlsStream<TcpStream> {}

/// The start line and the headers of a message.
#[derive(Clone, Debug)]
pub struct Head {
    /// Request line or status line, without its end.
    pub start: String,
    /// In order, names as they came.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// All headers of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// `Content-Length`, if there is one.
    pub fn length(&self) -> Option<usize> {
        self.header("content-length").map(|text| text.parse().expect("a length"))
    }

    /// Whether the body is in the chunked coding.
    pub fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|coding| coding.ends_with("chunked"))
    }

    /// The word at `position` of the start line.
    pub fn word(&self, position: usize) -> &str {
        self.start.split(' ').nth(position).unwrap_or_default()
    }
}

/// A connection and what was read from it too early.
pub struct Wire {
    io: Box<dyn Io>,
    buffer: BytesMut,
}

impl Wire {
    /// A wire over `io`.
    pub fn new(io: impl Io + 'static) -> Self {
        Self { io: Box::new(io), buffer: BytesMut::new() }
    }

    /// The next head; `None` when the peer closed the connection properly before one.
    pub async fn head(&mut self) -> Result<Option<Head>> {
        if self.buffer.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        let start = self.line().await?;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(Some(Head { start, headers }));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken("a header"))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// The next line, without its CRLF.
    pub async fn line(&mut self) -> Result<String> {
        let end = loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                break end;
            }
            self.fill_or_fail().await?;
        };
        let line = self.buffer.split_to(end + 2);
        Ok(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    /// The next `length` bytes.
    pub async fn exactly(&mut self, length: usize) -> Result<Bytes> {
        while self.buffer.len() < length {
            self.fill_or_fail().await?;
        }
        Ok(self.buffer.split_to(length).freeze())
    }

    /// The next bytes, one at least and `limit` at most.
    pub async fn at_most(&mut self, limit: usize) -> Result<Bytes> {
        if self.buffer.is_empty() {
            self.fill_or_fail().await?;
        }
        Ok(self.buffer.split_to(limit.min(self.buffer.len())).freeze())
    }

    /// Whatever comes next; `None` at the end of the connection.
    pub async fn some(&mut self) -> Result<Option<Bytes>> {
        if self.buffer.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        Ok(Some(self.buffer.split().freeze()))
    }

    /// One chunk of the chunked coding (RFC 9112 §7.1); `None` after the last one and the
    /// trailers.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let size = self.line().await?;
        let size = size.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| broken("a chunk size"))?;
        if size == 0 {
            while !self.line().await?.is_empty() {}
            return Ok(None);
        }
        let chunk = self.exactly(size).await?;
        match &*self.exactly(2).await? {
            b"\r\n" => Ok(Some(chunk)),
            _ => Err(broken("a chunk's end")),
        }
    }

    /// Writes all of `bytes` at once.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.io.write_all(bytes.as_ref()).await?;
        self.io.flush().await
    }

    /// Ends the writing side.
    pub async fn half_close(&mut self) -> Result<()> {
        self.io.shutdown().await
    }

    /// Reads to the end of the connection, whichever way it ends, and returns how many
    /// bytes there were.
    pub async fn drain(&mut self) -> usize {
        let mut count = 0;
        while let Ok(Some(bytes)) = self.some().await {
            count += bytes.len();
        }
        count
    }

    /// Closes with a reset.
    pub fn reset(self) {
        self.io.reset_on_close();
    }

    async fn fill(&mut self) -> Result<bool> {
        self.buffer.reserve(16 * 1024);
        Ok(self.io.read_buf(&mut self.buffer).await? > 0)
    }

    async fn fill_or_fail(&mut self) -> Result<()> {
        if self.fill().await? { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("not {what}"))
}
