//! The least HTTP/1.1 client that can tell how a connection ended, and a server to talk to.

use crate::sim::{SimSettings, serve};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer unless something hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A server on a free port, gone when dropped.
pub(super) struct TestServer {
    pub(super) address: SocketAddr,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinSet<io::Result<()>>,
}

/// An answer and how it ended.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
    pub(super) end: BodyEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// As long as the framing promised.
    Whole,
    /// The connection closed before.
    Short,
    /// The connection was reset.
    Reset,
}

/// Settings without any waiting, and eight tokens an answer.
pub(super) fn quick() -> SimSettings {
    SimSettings {
        models: vec!["sim-small".parse().unwrap(), "org/sim-large".parse().unwrap()],
        ttft: "0".parse().unwrap(),
        itl: "0".parse().unwrap(),
        tokens: "8".parse().unwrap(),
        ..SimSettings::default()
    }
}

impl TestServer {
    pub(super) async fn start(settings: SimSettings) -> Self {
        let listener = TcpListener::bind(settings.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(serve(listener, settings, stop.clone()));
        Self { address, stop, task }
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n\r\n")).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_with(path, &[], body).await
    }

    pub(super) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        self.send(&post(path, headers, &body.to_string())).await
    }

    pub(super) async fn send(&self, request: &str) -> Reply {
        let mut stream = self.open(request).await;
        let (mut bytes, mut reset) = (Vec::new(), false);
        if let Err(error) = within(stream.read_to_end(&mut bytes)).await {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            reset = true;
        }
        Reply::read(&bytes, reset)
    }

    /// Sends `request` and leaves the reading to the caller.
    pub(super) async fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The figures of one operation, as soon as `settled` holds for them.
    pub(super) async fn figures(&self, operation: &str, settled: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let figures = self.get("/sim/stats").await.json()["requests"][operation].clone();
            if settled(&figures) {
                return figures;
            }
            assert!(Instant::now() < deadline, "{figures}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Reply {
    fn read(bytes: &[u8], reset: bool) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, rest) = text.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        let (body, whole) = if head.contains("transfer-encoding: chunked") {
            unchunk(rest)
        } else {
            let length = header_of(&head, "content-length").unwrap().parse::<usize>().unwrap();
            (rest.to_owned(), rest.len() == length)
        };
        let end = match (reset, whole) {
            (true, _) => BodyEnd::Reset,
            (false, true) => BodyEnd::Whole,
            (false, false) => BodyEnd::Short,
        };
        Self { status: head[9..12].parse().unwrap(), head, body, end }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header_of(&self.head, name)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The data of all events.
    pub(super) fn data(&self) -> Vec<&str> {
        let events = self.body.split_terminator("\n\n");
        events.map(|event| event.strip_prefix("data: ").unwrap()).collect()
    }

    /// All events but `[DONE]`.
    pub(super) fn events(&self) -> Vec<Value> {
        let data = self.data().into_iter().filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The content of every event that has any.
    pub(super) fn tokens(&self) -> Vec<String> {
        let choice = |event: &Value| event["choices"][0].clone();
        let content = |choice: Value| {
            choice["delta"]["content"].as_str().or(choice["text"].as_str()).map(str::to_owned)
        };
        let contents = self.events().iter().map(choice).filter_map(content).collect::<Vec<_>>();
        contents.into_iter().filter(|content| !content.is_empty()).collect()
    }
}

/// A whole POST request.
pub(super) fn post(path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "POST {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n\
         content-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads until `wanted` has arrived.
pub(super) async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let mut buffer = [0; 4096];
        let length = within(stream.read(&mut buffer)).await.unwrap();
        assert!(length > 0, "closed after {text}");
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    text
}

pub(super) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

fn header_of<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn unchunk(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        body.push_str(&tail[..size]);
        rest = &tail[size + 2..];
    }
    (body, false)
}
