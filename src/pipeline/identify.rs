//! Step 1: which trace a request belongs to, and who sent it.
//!
//! W3C context first, then `X-Trace-ID`, else a new trace; what came well-formed is kept,
//! everything else is minted. Must not know: what the request asks for.

use crate::error::Fault;
use crate::identity::Caller;
use crate::observe::{
    CallFacts, Identity, RecordGuard, RequestRecord, StreamMeter, Timeline, server_timing, verdict,
};
use crate::pipeline::Deps;
use crate::protocol::{format_traceparent, parse_trace_id, parse_traceparent, recognise};
use crate::types::{ErrorType, ModelSlot, RequestId, SpanId, TraceFlags, TraceId};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Begins the record of a request: from here on it is counted.
pub fn begin<T>(deps: &Deps<T>, head: &Parts) -> RecordGuard {
    let (dialect, operation) = recognise(&head.method, head.uri.path());
    let record = RequestRecord {
        identity: identity(&head.headers, || deps.random.next_u64()),
        call: CallFacts {
            dialect,
            operation,
            method: head.method.clone(),
            model_asked: None,
            model: ModelSlot::OTHER,
            model_answered: None,
            streamed: false,
            bytes_in: 0,
            bytes_out: 0,
        },
        timeline: Timeline::start(deps.clock.now()),
        attempts: Vec::with_capacity(1),
        meter: StreamMeter::default(),
        usage: None,
        verdict: verdict::failed(500, ErrorType::Other),
    };
    deps.observer.begin(Box::new(record))
}

/// Lets the caller in or not.
///
/// # Errors
/// [`Fault::Unauthorized`] when a key is needed and none that is known was shown.
pub fn caller<T>(deps: &Deps<T>, head: &Parts, rec: &mut RequestRecord) -> Result<Caller, Fault> {
    let caller = deps.keyring.admit(&head.headers).ok_or(Fault::Unauthorized)?;
    if let Caller::Holder(alias) = &caller {
        rec.identity.key_alias = Some(alias.clone());
    }
    Ok(caller)
}

/// Puts the ids on a request to an upstream: its spans become children of `span`.
pub fn trace_headers(headers: &mut HeaderMap, identity: &Identity, span: SpanId) {
    if identity.parent_id.is_none() {
        // Without a valid traceparent its tracestate means nothing (W3C §3.3.1).
        headers.remove(TRACESTATE);
    }
    headers.insert(TRACEPARENT, format_traceparent(identity.trace_id, span, identity.flags));
    insert_ids(headers, identity);
}

/// Puts the ids and the timing on an answer to the caller. An upstream's own request id
/// is kept under another name.
pub fn answer_headers<T>(deps: &Deps<T>, headers: &mut HeaderMap, rec: &RequestRecord) {
    let theirs = headers.remove(X_REQUEST_ID);
    if let Some(id) = theirs.filter(|id| id != rec.identity.request_id.as_str()) {
        headers.insert(X_UPSTREAM_REQUEST_ID, id);
    }
    insert_ids(headers, &rec.identity);
    if let Some(timing) = server_timing(rec, deps.clock.now()) {
        headers.append(SERVER_TIMING, timing);
    }
}

fn insert_ids(headers: &mut HeaderMap, identity: &Identity) {
    if let Ok(value) = HeaderValue::try_from(identity.trace_id.to_string()) {
        headers.insert(X_TRACE_ID, value);
    }
    if let Ok(value) = HeaderValue::try_from(identity.request_id.as_str()) {
        headers.insert(X_REQUEST_ID, value);
    }
}

fn identity(headers: &HeaderMap, mut random: impl FnMut() -> u64) -> Identity {
    let parent = parse_traceparent(headers.get_all(TRACEPARENT));
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let trace_id = parent.as_ref().map(|parent| parent.trace_id);
    let trace_id = trace_id.or_else(|| text(X_TRACE_ID).and_then(parse_trace_id));
    Identity {
        request_id: text(X_REQUEST_ID)
            .and_then(RequestId::parse)
            .unwrap_or_else(|| RequestId::mint(&mut random)),
        trace_id: trace_id.unwrap_or_else(|| TraceId::mint(&mut random)),
        span_id: SpanId::mint(&mut random),
        parent_id: parent.as_ref().map(|parent| parent.parent_id),
        flags: parent.map_or(TraceFlags::SAMPLED, |parent| parent.flags),
        key_alias: None,
    }
}
