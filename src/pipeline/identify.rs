//! Step 1: which trace a request belongs to, and who sent it.
//!
//! W3C context first, then `X-Trace-ID`, else a new trace; what came well-formed is kept,
//! everything else is minted. Must not know: what the request asks for.

use crate::error::Fault;
use crate::identity::Caller;
use crate::observe::Trusted;
use crate::observe::{CallFacts, Identity, Origin, RecordGuard, RequestRecord, server_timing};
use crate::pipeline::Deps;
use crate::protocol::{
    format_traceparent, parse_trace_id, parse_traceparent, read_replay_mark, recognise,
};
use crate::types::{RequestId, SpanId, TraceFlags, TraceId};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use std::net::IpAddr;
use std::sync::Arc;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Begins the record of a request from `client`: from here on it is counted.
pub fn begin<T>(deps: &Deps<T>, head: &Parts, client: Option<IpAddr>) -> RecordGuard {
    let (dialect, operation) = recognise(&head.method, head.uri.path());
    let trust = deps.trust.of(client);
    let identity = identity(&head.headers, trust, || deps.random.next_u64());
    let call = CallFacts::new(dialect, operation, head.method.clone());
    let origin = read_replay_mark(&head.headers).map_or(Origin::Client, Origin::Replay);
    let record = RequestRecord { origin, ..RequestRecord::begin(identity, call, deps.clock.now()) };
    deps.observer.begin(Box::new(record))
}

/// Lets the caller in or not.
///
/// # Errors
/// [`Fault::Unauthorized`] when a key is needed and none that is known was shown.
pub fn caller<T>(deps: &Deps<T>, head: &Parts, rec: &mut RequestRecord) -> Result<Caller, Fault> {
    let caller = deps.keyring.admit(&head.headers).ok_or(Fault::Unauthorized)?;
    if let Caller::Holder(holder) = &caller {
        rec.identity.key_alias = Some(Arc::clone(&holder.alias));
        rec.identity.tenant.clone_from(&holder.tenant);
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
    replace(headers, ids(identity));
}

/// The headers that an answer to the caller gets, in place of any of the same name: the
/// ids and the timing. `theirs` are the upstream's headers; its own request id is kept
/// under another name, its own timing stands before ours.
pub fn answer_headers<T>(
    deps: &Deps<T>,
    theirs: &HeaderMap,
    rec: &RequestRecord,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<T> {
    let ours = rec.identity.request_id.as_str();
    let their_id = theirs.get(X_REQUEST_ID).filter(|id| *id != ours).cloned();
    let timing = server_timing(rec, theirs.get(SERVER_TIMING), deps.clock.now());
    let rest = [
        their_id.map(|id| (X_UPSTREAM_REQUEST_ID, id)),
        timing.map(|timing| (SERVER_TIMING, timing)),
    ];
    ids(&rec.identity).chain(rest.into_iter().flatten())
}

/// Puts `pairs` in place of whatever has their names.
pub fn replace(headers: &mut HeaderMap, pairs: impl Iterator<Item = (HeaderName, HeaderValue)>) {
    for (name, value) in pairs {
        headers.insert(name, value);
    }
}

fn ids(identity: &Identity) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
    let trace_id = HeaderValue::try_from(identity.trace_id.to_string());
    let request_id = HeaderValue::try_from(identity.request_id.as_str());
    let both = [(X_TRACE_ID, trace_id), (X_REQUEST_ID, request_id)];
    both.into_iter().filter_map(|(name, value)| Some((name, value.ok()?)))
}

/// The trace context of a caller that is not trusted is only linked to.
fn identity(headers: &HeaderMap, trust: Trusted, mut random: impl FnMut() -> u64) -> Identity {
    let context = parse_traceparent(headers.get_all(TRACEPARENT));
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (parent, link) = match trust {
        Trusted::Yes => (context, None),
        Trusted::No => (None, context),
    };
    let named = (trust == Trusted::Yes).then(|| text(X_TRACE_ID)).flatten();
    let trace_id = parent.as_ref().map(|parent| parent.trace_id);
    let trace_id = trace_id.or_else(|| named.and_then(parse_trace_id));
    let state = parent.as_ref().and_then(|_| text(TRACESTATE)).filter(|state| !state.is_empty());
    let request_id = text(X_REQUEST_ID).and_then(RequestId::parse);
    let request_id = request_id.unwrap_or_else(|| RequestId::mint(&mut random));
    let trace_id = trace_id.unwrap_or_else(|| TraceId::mint(&mut random));
    Identity {
        parent_id: parent.as_ref().map(|parent| parent.parent_id),
        link: link.map(|theirs| (theirs.trace_id, theirs.parent_id)),
        trace_state: state.map(Box::from),
        flags: parent.map_or(TraceFlags::SAMPLED, |parent| parent.flags),
        ..Identity::new(request_id, trace_id, SpanId::mint(&mut random))
    }
}
