//! A raw HTTP/1.1 client that shows exactly what came.
//!
//! Must not know: the proxy's rules, beyond those that every answer keeps.

use super::wait::within;
use super::wire::{Head, Wire};
use bytes::Bytes;
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// Any name will do for clients.
const HOST: &str = "proxy.test";

/// One connection to the proxy.
pub struct Client {
    wire: Wire,
    host: &'static str,
}

/// A whole answer, as far as it came.
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Status line and headers.
    pub head: Head,
    /// Informational heads that came before.
    pub interim: Vec<Head>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The chunks of a chunked body.
    pub chunks: Vec<Bytes>,
    /// Whether the body came to its proper end.
    pub whole: bool,
}

impl Client {
    /// Connects to `address`.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = within("connect to the proxy", TcpStream::connect(address)).await;
        let stream = stream.expect("the proxy accepts");
        stream.set_nodelay(true).expect("an open socket");
        Self { wire: Wire::new(stream), host: HOST }
    }

    /// Connects to the admin listener at `address`, which wants to be called by a name of its own.
    pub async fn admin(address: SocketAddr) -> Self {
        Self { host: "localhost", ..Self::connect(address).await }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within("send to the proxy", self.wire.write(bytes)).await.expect("the proxy reads");
    }

    /// Writes bytes as they are, as many as the proxy takes.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        within("send to the proxy", self.wire.write(bytes)).await
    }

    /// Sends a POST with a JSON body and a length.
    pub async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let head =
            request_head("POST", path, headers, Some(body.len())).replacen(HOST, self.host, 1);
        self.send([head.as_bytes(), body].concat()).await;
    }

    /// Sends a request without a body.
    pub async fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let head = request_head(method, path, headers, None).replacen(HOST, self.host, 1);
        self.send(head).await;
    }

    /// The next head, informational or not.
    pub async fn head(&mut self) -> Head {
        let head = within("a response head", self.wire.head()).await;
        head.expect("a response head").expect("an answer before the connection closes")
    }

    /// The next chunk of a chunked body; `None` at its proper end.
    pub async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        within("a chunk", self.wire.chunk()).await
    }

    /// The next `length` bytes of a chunked body, across chunks.
    pub async fn body_bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let chunk = self.chunk().await.expect("a chunk");
            bytes.extend_from_slice(&chunk.expect("more of the body"));
        }
        bytes
    }

    /// The next bytes of the connection, whatever they are.
    pub async fn raw(&mut self, length: usize) -> Bytes {
        within("raw bytes", self.wire.exactly(length)).await.expect("raw bytes")
    }

    /// The next answer, to a request that may have a body in its answer.
    pub async fn response(&mut self) -> Response {
        self.response_to("POST").await
    }

    /// The next answer, to a request of this method.
    pub async fn response_to(&mut self, method: &str) -> Response {
        let mut interim = Vec::new();
        let head = loop {
            let head = self.head().await;
            if !head.word(1).starts_with('1') {
                break head;
            }
            interim.push(head);
        };
        self.rest(method, interim, head).await
    }

    /// The body that follows `head`, which was read already.
    pub async fn rest(&mut self, method: &str, interim: Vec<Head>, head: Head) -> Response {
        let status = head.word(1).parse().expect("a status");
        let mut response =
            Response { status, head, interim, body: Vec::new(), chunks: Vec::new(), whole: true };
        if method == "HEAD" || matches!(status, 204 | 304) {
            return response;
        }
        let read = async {
            if response.head.is_chunked() {
                while let Some(chunk) = self.wire.chunk().await? {
                    response.body.extend_from_slice(&chunk);
                    response.chunks.push(chunk);
                }
            } else if let Some(length) = response.head.length() {
                while response.body.len() < length {
                    let some = self.wire.at_most(length - response.body.len()).await?;
                    response.body.extend_from_slice(&some);
                }
            } else {
                while let Some(some) = self.wire.some().await? {
                    response.body.extend_from_slice(&some);
                }
            }
            io::Result::Ok(())
        };
        response.whole = within("the body of an answer", read).await.is_ok();
        response
    }

    /// Whatever comes next; `None` at the end of the connection, however it ends.
    pub async fn some(&mut self) -> Option<Bytes> {
        within("more bytes or the end", self.wire.some()).await.ok().flatten()
    }

    /// Whether the proxy closes the connection without sending anything more.
    pub async fn is_closed(&mut self) -> bool {
        self.some().await.is_none()
    }

    /// Ends the sending side and keeps reading.
    pub async fn half_close(&mut self) {
        self.wire.half_close().await.expect("an open socket");
    }
}

impl Response {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The trace id, after checking what every answer carries: both ids and the timing.
    pub fn trace_id(&self) -> &str {
        let trace_id = self.header("x-trace-id").unwrap_or_else(|| panic!("no trace: {self:?}"));
        assert_eq!(trace_id.len(), 32, "{trace_id}");
        assert!(self.header("x-request-id").is_some_and(|id| !id.is_empty()), "{self:?}");
        let timing = self.header("server-timing").unwrap_or_default();
        assert!(timing.contains(";dur="), "{self:?}");
        trace_id
    }

    /// The error object of an OpenAI answer, after checking its shape.
    pub fn openai_error(&self) -> Value {
        let error = self.json()["error"].take();
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        assert!(error["type"].is_string(), "{self:?}");
        let keys = error.as_object().expect("an object");
        assert!(keys.contains_key("param") && keys.contains_key("code"), "{self:?}");
        assert_eq!(error["trace_id"], self.trace_id());
        error
    }
}

/// A request head for any host; JSON, if it has a length.
pub fn request_head(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    length: Option<usize>,
) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"));
    }
    head + "\r\n"
}
