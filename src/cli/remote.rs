//! Another server that a command speaks to, as an upstream of one endpoint.
//!
//! Must not know: what it is asked.

use crate::cli::{Failure, runtime};
use crate::config::Environment;
use crate::edge::{PingoraTransport, get};
use crate::types::Secret;
use crate::upstream::{
    Balance, Endpoint, EndpointSettings, Exchange, Origin, Protocol, Reuse, Scheme, Serves,
    StreamUsage, Timeouts, Transport, Upstream, UpstreamSettings,
};
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use http::request::Parts;
use http::{HeaderName, Method, Request, StatusCode, Uri};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Answers beyond this size are cut.
const LIMIT: usize = 8 * 1024 * 1024;

/// The server at `url`: `http` or `https`, a host, and perhaps a port.
///
/// # Errors
/// When it is no such URL.
pub(super) fn server(url: &str) -> Result<Arc<Upstream>, Failure> {
    let uri: Uri = url.parse().map_err(|_| format!("{url:?} is not a URL"))?;
    let (scheme, port) = match uri.scheme_str() {
        Some("http") => (Scheme::Http, 80),
        Some("https") => (Scheme::Https, 443),
        _ => return Err(format!("{url:?} must begin with http:// or https://").into()),
    };
    let host = uri.host().ok_or_else(|| format!("{url:?} names no host"))?;
    let host = host.trim_matches(['[', ']']).to_owned();
    let origin = Origin { scheme, host, port: uri.port_u16().unwrap_or(port) };
    Ok(upstream(origin))
}

/// The server at `address`, by plain HTTP.
pub(super) fn at(address: SocketAddr) -> Arc<Upstream> {
    let (host, port) = (address.ip().to_string(), address.port());
    upstream(Origin { scheme: Scheme::Http, host, port })
}

/// The variable that holds a token for admin pages that ask for one.
const TOKEN: &str = "TRANSOM_ADMIN_TOKEN";

/// What the proxy whose admin pages are at `url` answers to a GET of `path` within `patience`,
/// if that is JSON.
///
/// # Errors
/// When it gives no answer, or refuses.
pub(super) fn ask_admin(url: &str, path: &str, patience: Duration) -> Result<Value, Failure> {
    let server = server(url)?;
    let path = format!("{}{path}", base(url)?);
    let mut answer = Value::Null;
    runtime::run(1, async |_| {
        let transport = PingoraTransport::new(std::slice::from_ref(&server));
        let endpoint = server.endpoints.first().ok_or("no server")?;
        let asked = get(&transport, endpoint, &path, token().as_ref(), patience).await;
        let asked = asked.map_err(|error| format!("{url} gave no answer: {error}"))?;
        answer = serde_json::from_slice(&asked)?;
        Ok(())
    })?;
    Ok(answer)
}

/// What the proxy whose admin pages are at `url` answers to a POST of this JSON within
/// `patience`, if it does what it is asked.
///
/// # Errors
/// When it gives no answer, or refuses; with its words.
pub(super) fn order(
    url: &str,
    path: &str,
    json: String,
    patience: Duration,
) -> Result<Value, Failure> {
    bring(url, (Method::POST, path), json, patience)
}

/// The same by PUT: what is there is to be as the JSON says.
///
/// # Errors
/// As [`order`].
pub(super) fn set(
    url: &str,
    path: &str,
    json: String,
    patience: Duration,
) -> Result<Value, Failure> {
    bring(url, (Method::PUT, path), json, patience)
}

fn bring(
    url: &str,
    (method, path): (Method, &str),
    json: String,
    patience: Duration,
) -> Result<Value, Failure> {
    let server = server(url)?;
    let path = format!("{}{path}", base(url)?);
    let head = json_head((method, &path), &json, token().as_ref())?;
    let mut answer = Value::Null;
    runtime::run(1, async |_| {
        let transport = PingoraTransport::new(std::slice::from_ref(&server));
        let endpoint = server.endpoints.first().ok_or("no server")?;
        let posted = ask(&transport, endpoint, head, json.into());
        let posted = timeout(patience, posted).await.map_err(|_| "it took too long".into());
        let posted: Result<_, Failure> = posted.and_then(|posted| posted);
        let (status, body) = posted.map_err(|error| format!("{url} gave no answer: {error}"))?;
        answer = serde_json::from_slice(&body).unwrap_or_default();
        if status != StatusCode::OK {
            let why = answer["error"].as_str().unwrap_or("no reason was given");
            return Err(format!("{url} refused with {status}: {why}").into());
        }
        Ok(())
    })?;
    Ok(answer)
}

/// What is at `url`, with one more header in the request.
///
/// # Errors
/// When there is no answer within `patience`, or another one than 200.
pub(super) fn fetch(
    url: &str,
    header: Option<&(String, Secret)>,
    patience: Duration,
) -> Result<Vec<u8>, Failure> {
    let server = server(url)?;
    let uri: Uri = url.parse()?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut head = Request::get(path).body(())?.into_parts().0;
    if let Some((name, value)) = header {
        let mut value = HeaderValue::from_str(value.expose())?;
        value.set_sensitive(true);
        head.headers.insert(HeaderName::try_from(name)?, value);
    }
    let mut found = Vec::new();
    runtime::run(1, async |_| {
        let transport = PingoraTransport::new(std::slice::from_ref(&server));
        let endpoint = server.endpoints.first().ok_or("no server")?;
        let asked = timeout(patience, ask(&transport, endpoint, head, Bytes::new())).await;
        let (status, body) = asked.map_err(|_| format!("{url} took too long"))??;
        if status != StatusCode::OK {
            return Err(format!("{url} answered with {status}").into());
        }
        found = body.to_vec();
        Ok(())
    })?;
    Ok(found)
}

/// A request that brings this JSON.
fn json_head(
    (method, path): (Method, &str),
    json: &str,
    token: Option<&Secret>,
) -> Result<Parts, Failure> {
    let mut head = Request::builder().method(method).uri(path).body(())?.into_parts().0;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
    if let Some(token) = token {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))?;
        bearer.set_sensitive(true);
        head.headers.insert(AUTHORIZATION, bearer);
    }
    Ok(head)
}

/// The token of the environment, if there is one.
fn token() -> Option<Secret> {
    let env = Environment::from_process();
    env.get(TOKEN).map(str::trim).filter(|token| !token.is_empty()).map(Secret::new)
}

/// What comes before every path of the pages at `url`.
fn base(url: &str) -> Result<String, Failure> {
    let uri: Uri = url.parse()?;
    Ok(uri.path().trim_end_matches('/').to_owned())
}

/// What `endpoint` answers, whatever its status.
async fn ask(
    transport: &PingoraTransport,
    endpoint: &Endpoint,
    mut head: Parts,
    body: Bytes,
) -> Result<(StatusCode, Bytes), Failure> {
    head.headers.insert(HOST, HeaderValue::try_from(&*endpoint.authority)?);
    let mut exchange = transport.open(endpoint, Reuse::Fresh).await?.exchange;
    exchange.send_head(head).await?;
    if !body.is_empty() {
        exchange.send_body(body).await?;
    }
    exchange.end_body().await?;
    let status = exchange.read_head().await?.status;
    let mut body = BytesMut::new();
    while let Some(chunk) = exchange.read_chunk().await?
        && body.len() < LIMIT
    {
        body.extend_from_slice(&chunk);
    }
    Ok((status, body.freeze()))
}

fn upstream(origin: Origin) -> Arc<Upstream> {
    let settings = UpstreamSettings {
        name: "server".into(),
        protocol: Protocol::OpenAi,
        endpoints: vec![EndpointSettings { origin, prefix: String::new(), weight: 1 }],
        balance: Balance::default(),
        api_key: None,
        timeouts: Timeouts::default(),
        stream_usage: StreamUsage::AsSent,
        serves: Serves::default(),
    };
    Upstream::new(0, settings)
}
