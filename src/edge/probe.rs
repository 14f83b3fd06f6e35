//! A small GET, to ask a backend whether it is there and what it serves.
//!
//! Must not know: what the answer means.

use crate::types::ErrorType;
use crate::types::Secret;
use crate::upstream::{Endpoint, Exchange, Opened, Reuse, Transport, TransportFault};
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, HOST, HeaderValue};
use http::{Request, StatusCode};
use std::time::Duration;
use tokio::time::timeout;

/// Answers beyond this size are refused.
const LIMIT: usize = 8 * 1024 * 1024;

/// Why a probe gave no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// Nobody answered; the reason in one word.
    #[error("{}", .0.label())]
    NoAnswer(ErrorType),
    /// It answered, but not with 200.
    #[error("status {0}")]
    Status(StatusCode),
    /// It answered with more than is sensible.
    #[error("the answer is too large")]
    TooLarge,
}

impl From<TransportFault> for ProbeError {
    fn from(TransportFault(error): TransportFault) -> Self {
        Self::NoAnswer(error)
    }
}

/// The body that `endpoint` answers a GET of `path` with.
///
/// # Errors
/// When it does not answer with 200 and a sensible body within `limit`.
pub async fn get<T: Transport>(
    transport: &T,
    endpoint: &Endpoint,
    path: &str,
    key: Option<&Secret>,
    limit: Duration,
) -> Result<Bytes, ProbeError> {
    match timeout(limit, exchange(transport, endpoint, path, key)).await {
        Ok(answered) => answered,
        Err(_) => Err(ProbeError::NoAnswer(ErrorType::TimeoutFirstByte)),
    }
}

async fn exchange<T: Transport>(
    transport: &T,
    endpoint: &Endpoint,
    path: &str,
    key: Option<&Secret>,
) -> Result<Bytes, ProbeError> {
    let Opened { mut exchange, pooled } = transport.open(endpoint, Reuse::Pooled).await?;
    let mut sent = exchange.send_head(head(endpoint, path, key)?).await;
    let mut answered = match sent {
        Ok(()) => exchange.read_head().await,
        Err(fault) => Err(fault),
    };
    if pooled && answered.is_err() {
        exchange = transport.open(endpoint, Reuse::Fresh).await?.exchange;
        sent = exchange.send_head(head(endpoint, path, key)?).await;
        sent?;
        answered = exchange.read_head().await;
    }
    let answered = answered?;
    let mut body = BytesMut::new();
    while let Some(chunk) = exchange.read_chunk().await? {
        if body.len() + chunk.len() > LIMIT {
            return Err(ProbeError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    exchange.release().await;
    if answered.status == StatusCode::OK {
        Ok(body.freeze())
    } else {
        Err(ProbeError::Status(answered.status))
    }
}

fn head(
    endpoint: &Endpoint,
    path: &str,
    key: Option<&Secret>,
) -> Result<http::request::Parts, ProbeError> {
    let uri = format!("{}{path}", endpoint.settings.prefix);
    let bad = |_| ProbeError::NoAnswer(ErrorType::Other);
    let mut head = Request::get(uri).body(()).map_err(bad)?.into_parts().0;
    if let Ok(host) = HeaderValue::try_from(&*endpoint.authority) {
        head.headers.insert(HOST, host);
    }
    head.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(Ok(value)) = key.map(|k| HeaderValue::try_from(format!("Bearer {}", k.expose()))) {
        head.headers.insert(AUTHORIZATION, value);
    }
    Ok(head)
}
