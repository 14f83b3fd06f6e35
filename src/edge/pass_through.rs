//! Requests that Transom forwards without understanding them: unknown
//! paths, large uploads. pingora's engine moves the bytes; this observes them.
//!
//! Must not know: inference, models.

use crate::edge::PingoraTransport;
use crate::edge::convert::{body_fault, connect_fault, head_fault};
use crate::error::Fault;
use crate::identity::Caller;
use crate::observe::verdict::{self, Ending};
use crate::observe::{Attempt, RecordGuard, Verdict};
use crate::pipeline::{self, Deps};
use crate::types::{ErrorType, Random, SpanId, StreamEnd};
use crate::upstream::{Endpoint, TransportFault, Upstream, balance};
use http::header::{HOST, HeaderMap};
use http::uri::PathAndQuery;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType as Kind, Result};
use std::sync::Arc;

/// Attempts, the first included.
const ATTEMPTS: usize = 2;

/// One request on its way through pingora's engine.
pub struct PassThrough {
    rec: RecordGuard,
    caller: Caller,
    upstream: Arc<Upstream>,
    tried: Vec<Arc<Endpoint>>,
    failed: Option<ErrorType>,
}

impl PassThrough {
    pub(super) fn new(mut rec: RecordGuard, caller: Caller, upstream: Arc<Upstream>) -> Self {
        rec.timeline.waits_are_unseen();
        Self { rec, caller, upstream, tried: Vec::new(), failed: None }
    }

    pub(super) async fn choose_peer(
        &mut self,
        deps: &Deps<PingoraTransport>,
    ) -> Result<Box<HttpPeer>> {
        let endpoint = balance::pick(&self.upstream, &self.tried, &deps.random).cloned();
        let Some(endpoint) = endpoint.or_else(|| self.tried.last().cloned()) else {
            self.failed = Some(ErrorType::NoHealthyUpstream);
            return Err(Error::new_up(Kind::ConnectError));
        };
        let attempt = Attempt::begin(
            endpoint.upstream,
            endpoint.authority.clone(),
            span(&deps.random),
            deps.clock.now(),
        );
        self.rec.attempts.push(attempt);
        self.tried.push(Arc::clone(&endpoint));
        let peer = deps.transport.peer(&endpoint).await.map_err(|TransportFault(error)| {
            self.failed = Some(error);
            Error::new_up(Kind::ConnectError)
        })?;
        let mut peer = Box::new(HttpPeer::clone(&peer));
        let timeouts = self.upstream.settings.timeouts;
        peer.options.read_timeout = Some(timeouts.first_byte);
        peer.options.write_timeout = Some(timeouts.idle);
        Ok(peer)
    }

    pub(super) fn prepare(&mut self, request: &mut RequestHeader) -> Result<()> {
        let (Some(endpoint), Some(attempt)) = (self.tried.last(), self.rec.attempts.last()) else {
            return Ok(());
        };
        let prefix = &endpoint.settings.prefix;
        if !prefix.is_empty() {
            let path = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
            let joined = format!("{prefix}{path}").parse();
            request.set_uri(joined.map_err(|_| Error::new_in(Kind::InvalidHTTPHeader))?);
        }
        let mut headers = HeaderMap::clone(&request.headers);
        pipeline::upstream_headers(
            &mut headers,
            &self.caller,
            (&**endpoint, &self.upstream.settings, &self.rec),
            attempt.span_id,
        );
        replace_headers(request, &headers)?;
        request.insert_header(HOST, &*endpoint.authority)
    }

    pub(super) fn connected(&mut self, deps: &Deps<PingoraTransport>) {
        let now = deps.clock.now();
        if let Some(attempt) = self.rec.last_attempt_mut() {
            attempt.connected = Some(now);
        }
    }

    pub(super) fn failed_to_connect(
        &mut self,
        deps: &Deps<PingoraTransport>,
        mut error: Box<Error>,
    ) -> Box<Error> {
        let TransportFault(reason) = connect_fault(&error);
        self.failed = Some(reason);
        if let Some(attempt) = self.rec.last_attempt_mut() {
            attempt.error = Some(reason);
            attempt.ended = Some(deps.clock.now());
        }
        let elsewhere = balance::pick(&self.upstream, &self.tried, &deps.random).is_some();
        error.set_retry(elsewhere && self.rec.attempts.len() < ATTEMPTS);
        error
    }

    pub(super) fn answered(
        &mut self,
        deps: &Deps<PingoraTransport>,
        response: &mut ResponseHeader,
    ) -> Result<()> {
        let now = deps.clock.now();
        let status = response.status.as_u16();
        if let Some(attempt) = self.rec.last_attempt_mut() {
            attempt.first_byte.get_or_insert(now);
            attempt.status = Some(status);
        }
        self.failed = None;
        for (name, value) in pipeline::answer_headers(deps, &response.headers, &self.rec) {
            response.insert_header(name, value)?;
        }
        Ok(())
    }

    pub(super) fn body_in(&mut self, length: usize) {
        self.rec.call.bytes_in += length as u64;
    }

    pub(super) fn body_out(&mut self, deps: &Deps<PingoraTransport>, length: usize) {
        let now = deps.clock.now();
        self.rec.call.bytes_out += length as u64;
        self.rec.meter.on_chunk(now, length);
        if let Some(attempt) = self.rec.last_attempt_mut() {
            attempt.first_chunk.get_or_insert(now);
        }
    }

    /// Answers for an upstream that failed before its head was passed on; returns the
    /// status, or 0 where the client is gone.
    pub(super) async fn answer_failure(
        &mut self,
        deps: &Deps<PingoraTransport>,
        session: &mut Session,
        error: &Error,
    ) -> u16 {
        if session.response_written().is_some() || left(error) {
            return 0;
        }
        let fault = self.fault(error);
        let (head, body) = pipeline::error_answer(deps, &fault, &self.rec);
        let status = fault.status();
        let head = ResponseHeader::from(head);
        let length = body.len() as u64;
        let sent = session.as_downstream_mut().write_error_response(head, body).await;
        self.rec.call.bytes_out += length;
        if sent.is_err() { 0 } else { status }
    }

    pub(super) fn finish(mut self, deps: &Deps<PingoraTransport>, error: Option<&Error>) {
        self.rec.timeline.finished = Some(deps.clock.now());
        let verdict = self.judge(error);
        if let Some(attempt) = self.rec.last_attempt_mut() {
            attempt.error = attempt.error.or(verdict.error);
        }
        self.rec.finish(verdict);
    }

    fn judge(&self, error: Option<&Error>) -> Verdict {
        let status = self.rec.attempts.last().and_then(|attempt| attempt.status);
        match (status, error) {
            (Some(status), None) => {
                verdict::decide(status, StreamEnd::Terminated, Ending::Complete)
            }
            (_, Some(error)) if left(error) => verdict::client_left(),
            (Some(status), Some(error)) => {
                let TransportFault(reason) = body_fault(error);
                verdict::decide(status, StreamEnd::Open, Ending::Cut(reason))
            }
            (None, Some(error)) => {
                let fault = self.fault(error);
                verdict::failed(fault.status(), fault.error_type())
            }
            (None, None) => verdict::failed(500, ErrorType::Other),
        }
    }

    fn fault(&self, error: &Error) -> Fault {
        let reason = self.failed.unwrap_or_else(|| match (error.esource(), error.etype()) {
            (ErrorSource::Downstream, _) => ErrorType::Status(400),
            (_, Kind::ReadTimedout) => ErrorType::TimeoutFirstByte,
            _ => head_fault(error).0,
        });
        match reason {
            ErrorType::Status(400) => Fault::BodyMalformed,
            reason => Fault::Upstream(reason),
        }
    }
}

fn left(error: &Error) -> bool {
    *error.esource() == ErrorSource::Downstream
        && matches!(
            error.etype(),
            Kind::ConnectionClosed
                | Kind::ReadError
                | Kind::WriteError
                | Kind::H2Error
                | Kind::WriteTimedout
        )
}

fn span(random: &Random) -> SpanId {
    SpanId::mint(|| random.next_u64())
}

/// Makes the request's headers those of `wanted`, changing only what differs.
fn replace_headers(request: &mut RequestHeader, wanted: &HeaderMap) -> Result<()> {
    let gone: Vec<_> =
        request.headers.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
    for name in gone {
        request.remove_header(&name);
    }
    for name in wanted.keys() {
        let same = request.headers.get_all(name).iter().eq(wanted.get_all(name).iter());
        if let (false, Some(value)) = (same, wanted.get(name)) {
            request.insert_header(name.clone(), value.clone())?;
        }
    }
    Ok(())
}
