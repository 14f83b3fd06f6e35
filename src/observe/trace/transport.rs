//! The way to an OTLP receiver: HTTP or gRPC, in the clear or over TLS.
//!
//! Both speak through one connector, whose TLS is the same as everywhere else: rustls with
//! *ring* and the system's certificates. Must not know: spans, or when they are sent.

use super::settings::{OtlpProtocol, OtlpSettings};
use crate::trust::{client_config, system_roots};
use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::io;
use std::time::Duration;
use tonic::metadata::MetadataMap;
use tonic::transport::Endpoint;

/// Where an OTLP receiver takes spans over HTTP (OTLP §OTLP/HTTP Request).
const PATH: &str = "v1/traces";

/// An exporter to the receiver; `patience` bounds each export. Needs a runtime around it.
///
/// # Errors
/// When the endpoint is not a URL, or TLS is wanted and the system has no certificates.
pub(super) fn connect(settings: &OtlpSettings, patience: Duration) -> io::Result<SpanExporter> {
    let roots = if settings.endpoint.starts_with("https:") {
        system_roots()?
    } else {
        RootCertStore::empty()
    };
    connect_trusting(roots, settings, patience)
}

/// [`connect`], with TLS trusting `roots`.
pub(super) fn connect_trusting(
    roots: RootCertStore,
    settings: &OtlpSettings,
    patience: Duration,
) -> io::Result<SpanExporter> {
    let tls = client_config(roots)?;
    match settings.protocol {
        OtlpProtocol::HttpProto => over_http(settings, tls, patience),
        OtlpProtocol::Grpc => over_grpc(settings, tls, patience),
    }
}

fn over_http(
    settings: &OtlpSettings,
    tls: ClientConfig,
    patience: Duration,
) -> io::Result<SpanExporter> {
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    let headers = settings.headers.iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.expose().to_owned()));
    SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/{PATH}", settings.endpoint.trim_end_matches('/')))
        .with_http_client(Telling(HyperClient::new(connector, patience, None)))
        .with_headers(headers.collect())
        .with_timeout(patience)
        .build()
        .map_err(io::Error::other)
}

fn over_grpc(
    settings: &OtlpSettings,
    tls: ClientConfig,
    patience: Duration,
) -> io::Result<SpanExporter> {
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http2().build();
    let endpoint = Endpoint::from_shared(settings.endpoint.clone()).map_err(io::Error::other)?;
    let channel = endpoint.timeout(patience).connect_with_connector_lazy(connector);
    let headers = settings.headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value.expose()).ok()?))
    });
    let metadata = MetadataMap::from_headers(headers.collect::<HeaderMap>());
    SpanExporter::builder()
        .with_tonic()
        .with_channel(channel)
        .with_metadata(metadata)
        .with_timeout(patience)
        .build()
        .map_err(io::Error::other)
}

/// The exporter hides why it could not speak; this says it to who looks closely.
#[derive(Debug)]
struct Telling(HyperClient<HttpsConnector<HttpConnector>>);

#[async_trait]
impl HttpClient for Telling {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.0.send_bytes(request).await;
        answer.inspect_err(|error| {
            let mut root: &dyn Error = &**error;
            while let Some(source) = root.source() {
                root = source;
            }
            tracing::debug!(error = %root, "the receiver of spans cannot be spoken to");
        })
    }
}
