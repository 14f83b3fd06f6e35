//! What a client sees of servers that behave in every way.

use super::test_server::TestServer;
use super::*;
use crate::replay::CountedBy;
use crate::types::{Operation, Secret};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

fn outgoing(how: &'static str) -> Outgoing {
    let mut headers = HeaderMap::new();
    headers.insert("x-sim", HeaderValue::from_static(how));
    headers.insert("authorization", HeaderValue::from_static("recorded"));
    Outgoing {
        method: Method::POST,
        path: "/v1/chat/completions?a=b".parse().unwrap(),
        headers,
        body: Bytes::from_static(b"{\"model\":\"m\"}"),
        operation: Operation::Chat,
        streamed: true,
    }
}

fn patience(millis: u64) -> Patience {
    let timeout = Duration::from_millis(millis);
    Patience { timeout, leaves_after: None, cut: CancellationToken::new() }
}

fn client(url: &str) -> Client {
    let target = Target::parse(url).unwrap();
    let target = target.with_header("authorization", &Secret::new("Bearer k")).unwrap();
    Client::new(&target, rustls::RootCertStore::empty(), KeepAnswers::Yes).unwrap()
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_stream_is_timed_from_its_first_byte_to_its_last() {
    let server = TestServer::start().await;
    let client = client(&format!("{}/v1", server.url()));
    let began = Instant::now();
    let seen = client.send(&outgoing("stream 4 20"), &patience(30_000)).await;
    assert_eq!((seen.status, seen.failure), (Some(200), None));
    let times = [seen.sent, seen.headers, seen.first_byte, seen.first_token, Some(seen.last)];
    let times: Vec<_> = [Some(began)].into_iter().chain(times).map(Option::unwrap).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(seen.connecting.is_some());
    assert!((1..=3).contains(&seen.gaps.len()), "{:?}", seen.gaps);
    assert_eq!(seen.tokens, Some((7, 4, CountedBy::Target)));
    assert_eq!(seen.answer.unwrap().text, "word word word word ");
    let (path, headers, body) = server.seen.last.lock().clone();
    assert_eq!(path, "/v1/chat/completions?a=b");
    assert_eq!(headers["authorization"], "Bearer k");
    assert_eq!(headers["host"], server.address.to_string());
    assert_eq!(body, "{\"model\":\"m\"}");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = TestServer::start().await;
    let client = client(&server.url());
    for _ in 0..5 {
        let seen = client.send(&outgoing("stream 2 0"), &patience(30_000)).await;
        assert_eq!(seen.failure, None);
    }
    assert_eq!(server.seen.connections.load(Relaxed), 1);
    let again = client.send(&outgoing("status 500"), &patience(30_000)).await;
    assert_eq!((again.connecting, again.failure), (None, Some(Failure::ServerError)));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let server = TestServer::start().await;
    let client = client(&server.url());
    for (how, status, failure) in [
        ("status 429", Some(429), Failure::RateLimited),
        ("status 404", Some(404), Failure::ClientError),
        ("status 503", Some(503), Failure::ServerError),
        ("close", None, Failure::Broken),
        ("cut", Some(200), Failure::Truncated),
    ] {
        let seen = client.send(&outgoing(how), &patience(30_000)).await;
        assert_eq!((seen.status, seen.failure), (status, Some(failure)), "{how}");
        assert!(seen.sent.is_some(), "{how}");
    }
    let seen = client.send(&outgoing("slow 30000"), &patience(500)).await;
    assert_eq!((seen.status, seen.failure), (None, Some(Failure::Timeout)));
}

#[tokio::test]
async fn without_a_server_there_is_no_connection() {
    let address = TestServer::start().await.address;
    let client = client(&format!("http://{address}"));
    let seen = client.send(&outgoing("stream 1 0"), &patience(30_000)).await;
    assert_eq!((seen.sent, seen.failure), (None, Some(Failure::Connect)));
}

#[tokio::test]
async fn a_client_that_leaves_closes_its_connection() {
    let server = TestServer::start().await;
    let client = client(&server.url());
    let leaves = Patience { leaves_after: Some(Duration::from_millis(60)), ..patience(30_000) };
    let seen = client.send(&outgoing("stream 1000 20"), &leaves).await;
    assert_eq!(seen.failure, Some(Failure::Cancelled));
    assert!(seen.last - seen.sent.unwrap() >= Duration::from_millis(55));
    until("the server sees it", || server.seen.abandoned.load(Relaxed) == 1).await;
    let later = Patience { leaves_after: Some(Duration::from_secs(20)), ..patience(30_000) };
    let in_time = client.send(&outgoing("stream 1 0"), &later).await;
    assert_eq!(in_time.failure, None, "it had its answer before");
}

#[tokio::test]
async fn a_request_that_is_cut_off_counts_as_cancelled() {
    let server = TestServer::start().await;
    let client = client(&server.url());
    let patience = patience(30_000);
    let request = outgoing("slow 30000");
    let send = client.send(&request, &patience);
    let cut = async {
        until("it is there", || server.seen.requests.load(Relaxed) == 1).await;
        patience.cut.cancel();
    };
    let (seen, ()) = tokio::join!(send, cut);
    assert_eq!(seen.failure, Some(Failure::Cancelled));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_nothing() {
    // Each connection answers one request, says nothing of closing, and reads no other.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        for _ in 0..2 {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(tcp.read(&mut request).await.unwrap() > 0);
            tcp.write_all(b"HTTP/1.1 404 no\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            // The next request comes before this end of the connection is closed.
            assert!(tcp.read(&mut request).await.is_ok());
        }
    };
    let client = client(&url);
    let talk = async {
        for _ in 0..2 {
            let seen = client.send(&outgoing("-"), &patience(10_000)).await;
            assert_eq!(seen.failure, Some(Failure::ClientError));
        }
        drop(client);
    };
    tokio::join!(server, talk);
}

#[tokio::test]
async fn requests_share_a_connection_where_the_server_speaks_http_2() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = key.cert.der().clone();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider);
    let tls = tls.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut tls = tls.with_single_cert(vec![certificate.clone()], private.unwrap()).unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let server = TestServer::start_tls(tokio_rustls::TlsAcceptor::from(Arc::new(tls))).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let url = format!("https://localhost:{}", server.address.port());
    let target = Target::parse(&url).unwrap();
    let client = Client::new(&target, roots, KeepAnswers::No).unwrap();
    let (request, patience) = (outgoing("stream 3 10"), patience(30_000));
    let seen = futures_util::future::join_all((0..50).map(|_| client.send(&request, &patience)));
    for seen in seen.await {
        assert_eq!((seen.status, seen.failure), (Some(200), None));
        assert!(seen.sent.is_some() && seen.first_token.is_some());
    }
    assert_eq!(server.seen.connections.load(Relaxed), 1);
    assert!(server.seen.last.lock().0.starts_with(&url), "a whole URI");
    let stranger = Client::new(&target, rustls::RootCertStore::empty(), KeepAnswers::No).unwrap();
    let seen = stranger.send(&request, &patience).await;
    assert_eq!(seen.failure, Some(Failure::Connect), "a certificate nobody trusts");
}
