//! Where a fault becomes an answer: in the caller's dialect, with the trace id, once.
//!
//! Must not know: what led to the fault.

use crate::error::Fault;
use crate::observe::{RequestRecord, Verdict, verdict};
use crate::pipeline::identify::replace;
use crate::pipeline::{ClientGone, Deps, Downstream, answer_headers, cache};
use crate::protocol::{self, ProxyError};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::response::Parts;
use http::{Response, StatusCode};

/// Answers with `fault` and says what the request came to. A caller that left is told
/// nothing.
pub(super) async fn with_fault<D: Downstream, T>(
    deps: &Deps<T>,
    down: &mut D,
    fault: &Fault,
    rec: &mut RequestRecord,
) -> Verdict {
    if *fault == Fault::ClientGone {
        down.abort();
        return verdict::client_left();
    }
    if !down.owes_an_answer() {
        down.abort();
        return verdict::failed(fault.status(), fault.error_type());
    }
    let (head, body) = error_answer(deps, fault, rec);
    match whole(down, head, body, rec).await {
        Ok(()) | Err(ClientGone) => verdict::failed(fault.status(), fault.error_type()),
    }
}

/// Sends an answer of our own.
pub(super) async fn whole<D: Downstream>(
    down: &mut D,
    head: Parts,
    body: Bytes,
    rec: &mut RequestRecord,
) -> Result<(), ClientGone> {
    let length = body.len() as u64;
    down.write_head(head).await?;
    if rec.call.method != http::Method::HEAD {
        down.write_chunk(body).await?;
        rec.call.bytes_out += length;
    }
    down.finish().await
}

/// The head of an answer of our own: JSON of `length` bytes.
pub(super) fn json_head<T>(
    deps: &Deps<T>,
    status: u16,
    length: usize,
    rec: &RequestRecord,
) -> Parts {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let ours = answer_headers(deps, &head.headers, rec);
    replace(&mut head.headers, ours);
    head
}

/// The answer that `fault` makes: head and body.
pub fn error_answer<T>(deps: &Deps<T>, fault: &Fault, rec: &RequestRecord) -> (Parts, Bytes) {
    let message = fault.to_string();
    let body = protocol::error_body(rec.call.dialect, &proxy_error(fault, &message, rec));
    let mut head = json_head(deps, fault.status(), body.len(), rec);
    if matches!(fault, Fault::Overloaded | Fault::NoBackendYet | Fault::ShuttingDown) {
        head.headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if *fault == Fault::NotCached {
        cache::tell_not_cached(&mut head.headers, rec);
    }
    (head, body)
}

/// The event that ends a stream which `fault` broke.
pub(super) fn error_event(fault: &Fault, rec: &RequestRecord) -> Bytes {
    let message = fault.to_string();
    protocol::error_event(rec.call.dialect, &proxy_error(fault, &message, rec))
}

fn proxy_error<'a>(fault: &Fault, message: &'a str, rec: &RequestRecord) -> ProxyError<'a> {
    ProxyError {
        status: fault.status(),
        kind: fault.kind(),
        message,
        param: fault.param(),
        code: fault.code(),
        trace_id: rec.identity.trace_id,
    }
}
