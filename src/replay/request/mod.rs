//! A recorded request, made ready to be sent again.
//!
//! Owns which headers go along and which changes the body gets. Must not know: where it is
//! sent, when, or under whose name: credentials are the target's.

#[cfg(test)]
mod tests;

use crate::capture::{Content, Exchange};
use crate::protocol::{AskUsage, CacheMember, Edits, read_request, recognise, strip_hop_by_hop};
use crate::types::Operation;
use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// A request that can be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// `POST`, or `GET` without a body.
    pub method: Method,
    /// The path with its query, as it was recorded.
    pub path: PathAndQuery,
    /// Without credentials, and without what belongs to a connection.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What is asked for.
    pub operation: Operation,
    /// Whether the answer is to come in events.
    pub streamed: bool,
}

/// What is changed.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// Another name for the model.
    pub model: Option<String>,
    /// Whether `stream_options.include_usage` is asked for where it was not.
    pub ask_usage: AskUsage,
}

/// Makes up a body from a shape.
pub type Compose<'a> = dyn Fn(&Exchange) -> Result<Bytes, NotReplayable> + 'a;

/// Why a recorded request cannot be sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// It might change or delete something.
    #[error("{0} is not sent again: only POST and GET are")]
    Method(Method),
    /// Its path is none.
    #[error("the path cannot be sent")]
    Path,
    /// Only its beginning was kept.
    #[error("the body was cut when it was captured")]
    Cut,
    /// Nothing is known of its body.
    #[error("the body was not captured")]
    NoBody,
    /// Its model was to be replaced, and there is none in it.
    #[error("the model cannot be replaced: {0}")]
    Model(String),
    /// It cannot be made up from its shape, or cannot be read.
    #[error("{0}")]
    Other(String),
}

/// Where the requests of a run come from.
pub trait Requests: Send + Sync {
    /// The request of the capture with this number, ready to be sent. Called on a thread of its
    /// own a little ahead of time, so it may read a file.
    ///
    /// # Errors
    /// When it cannot be sent.
    fn outgoing(&self, exchange: u64) -> Result<Outgoing, NotReplayable>;
}

/// Makes `exchange` ready to be sent again.
///
/// # Errors
/// When that cannot be done truly.
pub fn prepare(
    exchange: &Exchange,
    options: &RequestOptions,
    compose: &Compose<'_>,
) -> Result<Outgoing, NotReplayable> {
    let call = &exchange.call;
    if call.method != Method::POST && call.method != Method::GET {
        return Err(NotReplayable::Method(call.method.clone()));
    }
    let path: PathAndQuery = call.path.parse().map_err(|_| NotReplayable::Path)?;
    let recognised = || recognise(&call.method, path.path()).1;
    let operation = call.operation.unwrap_or_else(recognised);
    let body = match &exchange.request.body {
        _ if call.method == Method::GET => Bytes::new(),
        Content::Whole(body) => body.clone(),
        Content::Cut { .. } => return Err(NotReplayable::Cut),
        Content::Unknown => return Err(NotReplayable::NoBody),
        Content::Shape(_) => compose(exchange)?,
    };
    let (body, streamed) = change(operation, body, options)?;
    let mut headers = headers(&exchange.request.headers);
    if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let method = call.method.clone();
    let streamed = streamed.or(call.streamed).unwrap_or(false);
    Ok(Outgoing { method, path, headers, body, operation, streamed })
}

/// The body with the changes, and whether it asks for a stream where that can be read.
fn change(
    operation: Operation,
    body: Bytes,
    options: &RequestOptions,
) -> Result<(Bytes, Option<bool>), NotReplayable> {
    if body.is_empty() {
        return Ok((body, None));
    }
    let view = match (read_request(operation, &body), &options.model) {
        (Ok(view), _) => view,
        (Err(error), Some(_)) => return Err(NotReplayable::Model(error.to_string())),
        // A target may understand what we do not.
        (Err(_), None) => return Ok((body, None)),
    };
    let edits = Edits {
        model: options.model.as_deref(),
        ask_usage: options.ask_usage,
        cache: CacheMember::Keep,
    };
    let parts = view.edit(&body, &edits);
    let mut whole = BytesMut::with_capacity(parts.len());
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    Ok((whole.freeze(), Some(view.streams())))
}

/// Those that mean the same on another connection, at another time, from another sender.
fn headers(recorded: &HeaderMap) -> HeaderMap {
    let mut headers = recorded.clone();
    strip_hop_by_hop(&mut headers);
    for name in DROPPED.into_iter().chain(DROPPED_TOO.map(HeaderName::from_static)) {
        headers.remove(name);
    }
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers
}

const AGENT: &str = concat!("transom-replay/", env!("CARGO_PKG_VERSION"));

/// Credentials, conditions, and what is said anew. Answers are wanted uncompressed: they are
/// read.
const DROPPED: [HeaderName; 13] = [
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CONTENT_LENGTH,
    COOKIE,
    EXPECT,
    HOST,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
    USER_AGENT,
];
const DROPPED_TOO: [&str; 14] = [
    "api-key",
    "b3",
    "baggage",
    "forwarded",
    "idempotency-key",
    "traceparent",
    "tracestate",
    "x-api-key",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
    "x-trace-id",
];
