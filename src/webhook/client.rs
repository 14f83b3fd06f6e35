//! One request to one receiver: signed, over TLS where its URL says so, never redirected.
//!
//! Must not know: what is sent, or how often.

use super::event::Message;
use super::{SigningKey, WebhookSettings, WebhookUrl};
use crate::trust::{client_config, system_roots};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long all of it may take; the specification recommends 15 to 30 s.
const PATIENCE: Duration = Duration::from_secs(15);
/// Characters of what went wrong.
const LONGEST: usize = 200;

/// Sends messages to one receiver.
pub(super) struct Client {
    url: WebhookUrl,
    key: SigningKey,
    http: HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was answered with another status than 2xx.
    Status(StatusCode),
    /// It was not answered. In words that hold no secret.
    Unanswered(String),
}

impl Client {
    /// One for this receiver, trusted by the system's certificates.
    ///
    /// # Errors
    /// When TLS is wanted and the system has no certificates.
    pub(super) fn new(settings: &WebhookSettings) -> io::Result<Self> {
        let roots = if settings.url.is_tls() { system_roots()? } else { RootCertStore::empty() };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(client_config(roots)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        // Messages are rare: no connection is kept for the next.
        let http =
            HttpClient::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { url: settings.url.clone(), key: settings.key.clone(), http })
    }

    /// Sends `message`, signed at `now`. What the answer says beside its status is not read.
    pub(super) async fn send(
        &self,
        message: &Message,
        now: SystemTime,
    ) -> Result<StatusCode, Failure> {
        let request = self.request(message, now);
        let request = request.map_err(|error| Failure::Unanswered(error.to_string()))?;
        let answer = match timeout(PATIENCE, self.http.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Failure::Unanswered(root_of(&error))),
            Err(_) => return Err(Failure::Unanswered("no answer in time".to_owned())),
        };
        let status = answer.status();
        if status.is_success() { Ok(status) } else { Err(Failure::Status(status)) }
    }

    fn request(&self, message: &Message, now: SystemTime) -> http::Result<Request<Full<Bytes>>> {
        let timestamp = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Request::builder()
            .method(Method::POST)
            .uri(self.url.expose().clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, concat!("transom/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", self.key.sign(&message.id, timestamp, &message.body))
            .body(Full::new(message.body.clone()))
    }
}

impl Failure {
    /// The status of the answer, if there was one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status.as_u16()),
            Self::Unanswered(_) => None,
        }
    }

    /// In words, for an operator.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Status(status) if status.is_redirection() => {
                format!("answered {status}; redirects are not followed")
            }
            Self::Status(status) => format!("answered {status}"),
            Self::Unanswered(why) => why.clone(),
        }
    }
}

/// What is behind the library's words, which hold neither the URL nor the message.
fn root_of(error: &(dyn Error + 'static)) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string().chars().take(LONGEST).collect()
}
