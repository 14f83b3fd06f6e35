//! The ways to a receiver: its headers, TLS, gRPC.

use super::collector::{Collector, Inbox, Manner, Received};
use super::{names, record, until};
use crate::observe::trace::export::Pace;
use crate::observe::trace::{TraceExport, spans, transport};
use crate::observe::{OtlpProtocol, OtlpSettings};
use crate::types::Secret;
use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prometheus::IntCounter;
use prost::Message;
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

fn settings(endpoint: String, protocol: OtlpProtocol) -> OtlpSettings {
    let headers = vec![("x-token".to_owned(), Secret::new("let-me-in"))];
    OtlpSettings { endpoint, protocol, headers }
}

/// Sends the two spans of a request; the counter tells of those that did not arrive.
fn send(settings: OtlpSettings, roots: RootCertStore) -> (TraceExport, IntCounter) {
    let pace = Pace { every: Duration::ZERO, ..Pace::default() };
    let dropped = IntCounter::new("dropped", "spans").expect("a counter");
    let connect = move || transport::connect_trusting(roots, &settings, pace.patience);
    let (export, _) = TraceExport::start_with(pace, dropped.clone(), connect).expect("an exporter");
    export.push(spans(&record(), &names()));
    (export, dropped)
}

#[test]
fn headers_go_along_over_http() {
    let collector = Collector::start(Manner::Takes);
    let url = collector.url() + "/";
    let (_export, _) = send(settings(url, OtlpProtocol::HttpProto), RootCertStore::empty());
    collector.inbox().once(2);
    let head = collector.inbox().exports()[0].head.clone();
    assert!(head.starts_with("post /v1/traces ") && head.contains("x-token: let-me-in"), "{head}");
}

#[test]
fn over_tls_a_receiver_is_believed_only_with_a_certificate_to_be_trusted() {
    let (roots, server) = certified(b"http/1.1");
    let collector = Collector::over(Manner::Takes, move |stream| {
        let tls = ServerConnection::new(Arc::clone(&server)).map_err(std::io::Error::other)?;
        Ok(StreamOwned::new(tls, stream))
    });
    let url = format!("https://localhost:{}", collector.address.port());
    let to = || settings(url.clone(), OtlpProtocol::HttpProto);

    let (_stranger, dropped) = send(to(), RootCertStore::empty());
    until("the refusal", || dropped.get() == 2);
    assert!(collector.inbox().spans().is_empty());

    let (_export, dropped) = send(to(), roots);
    assert_eq!((collector.inbox().once(2).len(), dropped.get()), (2, 0));
}

#[test]
fn spans_and_headers_arrive_over_grpc() {
    let inbox = Inbox::default();
    let address = grpc(inbox.clone(), |stream| async { Ok(stream) });
    arrive_over_grpc(format!("http://{address}"), RootCertStore::empty(), &inbox);
}

#[test]
fn spans_and_headers_arrive_over_grpc_and_tls() {
    let (roots, server) = certified(b"h2");
    let (inbox, acceptor) = (Inbox::default(), TlsAcceptor::from(server));
    let address = grpc(inbox.clone(), move |stream| acceptor.accept(stream));
    arrive_over_grpc(format!("https://localhost:{}", address.port()), roots, &inbox);
}

fn arrive_over_grpc(url: String, roots: RootCertStore, inbox: &Inbox) {
    let (export, dropped) = send(settings(url, OtlpProtocol::Grpc), roots);
    assert_eq!(inbox.once(2).len(), 2);
    let head = inbox.exports()[0].head.clone();
    assert!(head.contains("traceservice/export"), "{head}");
    assert!(head.contains("let-me-in"), "{head}");
    until("the answer", || export.health().report().sent.is_some());
    assert_eq!(dropped.get(), 0);
}

/// A server for `localhost` that speaks `protocol`, and the roots that vouch for it.
fn certified(protocol: &[u8]) -> (RootCertStore, Arc<ServerConfig>) {
    let cert = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(cert.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.cert.der().clone()], key)
        .expect("a server");
    server.alpn_protocols = vec![protocol.to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(cert.cert.der().clone()).expect("a root");
    (roots, Arc::new(server))
}

/// A gRPC receiver, as small as can be. It speaks through what `wrap` makes of a connection.
fn grpc<S, F>(inbox: Inbox, wrap: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = std::io::Result<S>>,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("a setting");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            let (stream, _) = listener.accept().await.expect("a connection");
            serve(wrap(stream).await.expect("a stream"), &inbox).await
        })
    });
    address
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    inbox: &Inbox,
) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    let mut calls = JoinSet::new();
    while let Some(call) = connection.accept().await {
        let (request, respond) = call?;
        let inbox = inbox.clone();
        calls.spawn(async move { answer(request, respond, &inbox).await });
    }
    Ok(())
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    inbox: &Inbox,
) -> Result<(), h2::Error> {
    let head = format!("{} {:?}", request.uri(), request.headers()).to_ascii_lowercase();
    let (mut stream, mut body) = (request.into_body(), BytesMut::new());
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
    }
    // A gRPC message follows a flag and its length.
    let request = ExportTraceServiceRequest::decode(body.split_off(5)).expect("OTLP in protobuf");
    inbox.add(Received { head, request });
    let head = Response::builder().header("content-type", "application/grpc").body(());
    let mut answer = respond.send_response(head.expect("a head"), false)?;
    answer.send_data(Bytes::from_static(&[0; 5]), false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().expect("a value"));
    answer.send_trailers(trailers)
}
