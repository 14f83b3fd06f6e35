//! A small model server for the tests of replays: each request says in its header `x-sim` how
//! it is answered.
//!
//! Must not know: the client.

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, iter, unfold};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// A server on a port of its own, ended when it is dropped.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<SeenByServer>,
    _tasks: JoinSet<()>,
}

/// What the server has seen.
#[derive(Default)]
pub(crate) struct SeenByServer {
    pub(crate) connections: AtomicU64,
    pub(crate) requests: AtomicU64,
    /// Bodies whose client left before their end.
    pub(crate) abandoned: AtomicU64,
    /// Of the last request.
    pub(crate) last: Mutex<(String, HeaderMap, Bytes)>,
}

/// Counts an answer that is dropped before its end.
struct Abandoned(Arc<SeenByServer>, bool);

impl Drop for Abandoned {
    fn drop(&mut self) {
        if !self.1 {
            self.0.abandoned.fetch_add(1, Relaxed);
        }
    }
}

impl TestServer {
    /// In plain text.
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    /// With TLS, HTTP/2 if the client likes.
    pub(crate) async fn start_tls(tls: tokio_rustls::TlsAcceptor) -> Self {
        Self::with(Some(tls)).await
    }

    async fn with(tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<SeenByServer>::default();
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Relaxed);
                connections.spawn(serve(tcp, tls.clone(), Arc::clone(&shared)));
            }
        });
        Self { address, seen, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(tcp: TcpStream, tls: Option<tokio_rustls::TlsAcceptor>, seen: Arc<SeenByServer>) {
    tcp.set_nodelay(true).unwrap();
    let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
    let Some(tls) = tls else {
        let http1 = hyper::server::conn::http1::Builder::new();
        http1.serve_connection(TokioIo::new(tcp), service).await.ok();
        return;
    };
    let Ok(tls) = tls.accept(tcp).await else { return };
    let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    http2.serve_connection(TokioIo::new(tls), service).await.ok();
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<SeenByServer>,
) -> Result<Response<Body>, io::Error> {
    seen.requests.fetch_add(1, Relaxed);
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    *seen.last.lock() = (head.uri.to_string(), head.headers.clone(), body);
    let how = head.headers.get("x-sim").map_or("stream 3 0", |how| how.to_str().unwrap());
    let mut words = how.split(' ');
    let what = words.next().unwrap_or_default();
    let mut number = || words.next().map_or(0, |word| word.parse::<u64>().unwrap());
    let response = Response::builder();
    match what {
        "status" => {
            let status = StatusCode::from_u16(number() as u16).unwrap();
            Ok(response.status(status).body(whole("no")).unwrap())
        }
        "close" => Err(io::Error::other("closed")),
        "slow" => {
            sleep(Duration::from_millis(number())).await;
            let response = response.header("content-type", "application/json");
            let text =
                "{\"choices\":[{\"message\":{\"content\":\"late\"},\"finish_reason\":\"stop\"}]}";
            Ok(response.body(whole(text)).unwrap())
        }
        "stream" => {
            let response = response.header("content-type", "text/event-stream");
            let (tokens, gap) = (number(), Duration::from_millis(number()));
            Ok(response.body(stream(tokens, gap, seen)).unwrap())
        }
        // Like `stream`, but cut in the middle.
        "cut" => {
            let response = response.header("content-type", "text/event-stream");
            let frames = [Ok(frame(event("a", false))), Err(io::Error::other("cut"))];
            let frames = iter(frames).then(|frame| async {
                sleep(Duration::from_millis(20)).await;
                frame
            });
            Ok(response.body(StreamBody::new(frames.boxed())).unwrap())
        }
        other => panic!("{other}"),
    }
}

/// So many tokens, with so much time before each.
fn stream(tokens: u64, gap: Duration, seen: Arc<SeenByServer>) -> Body {
    let state = (0, Abandoned(seen, false));
    let frames = unfold(state, move |(sent, mut abandoned)| async move {
        if sent > tokens {
            return None;
        }
        let text = if sent < tokens {
            if !gap.is_zero() {
                sleep(gap).await;
            }
            event("word ", sent + 1 == tokens)
        } else {
            abandoned.1 = true;
            format!(
                "data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":7,\"completion_tokens\":{tokens}}}}}\n\ndata: [DONE]\n\n"
            )
        };
        Some((Ok(frame(text)), (sent + 1, abandoned)))
    });
    StreamBody::new(frames.boxed())
}

fn event(text: &str, is_last: bool) -> String {
    let finish = if is_last { "\"stop\"" } else { "null" };
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

fn frame(text: String) -> Frame<Bytes> {
    Frame::data(text.into())
}

fn whole(text: &str) -> Body {
    StreamBody::new(iter([Ok(frame(text.to_owned()))]).boxed())
}
