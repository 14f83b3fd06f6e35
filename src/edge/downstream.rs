//! A client as the pipeline sees it, over a pingora session (HTTP/1.x or HTTP/2).
//!
//! Must not know: what is asked or answered.

use crate::pipeline::{ClientGone, Downstream, DownstreamFault};
use bytes::Bytes;
use http::Version;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use pingora::ErrorType as Kind;
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use std::time::Duration;
use tokio::time::timeout;

/// An abandoned body is discarded for this long before the connection is closed, so that
/// a client that is still sending gets to read the answer.
const LINGER: Duration = Duration::from_secs(2);

/// How long an HTTP/2 connection has to write out a broken answer before it is reset.
const FLUSH: Duration = Duration::from_millis(50);

/// One request and its answer over a pingora session.
pub(super) struct PingoraDownstream<'a> {
    session: &'a mut ServerSession,
    body: BodyState,
    answer: AnswerState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyState {
    Wanted,
    Abandoned,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerState {
    Owed,
    Begun,
    Finished,
    Aborted,
}

/// What the session can be used for after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// The answer is complete.
    Finish,
    /// The connection, or the HTTP/2 stream, has to be cut.
    Cut,
}

impl<'a> PingoraDownstream<'a> {
    pub(super) fn new(session: &'a mut ServerSession) -> Self {
        // Bytes of a pipelined request are kept for their turn instead of being an error.
        session.set_pipelining_enabled(true);
        // Whether an unread body costs the connection is decided here, by `abandon_body`;
        // pingora would close it behind a mere 100.
        session.set_close_on_response_before_downstream_finish(false);
        Self { session, body: BodyState::Wanted, answer: AnswerState::Owed }
    }

    /// Ends the request: discards what is left of an abandoned body, cuts a broken answer.
    pub(super) async fn close(self) -> Afterwards {
        if self.answer != AnswerState::Finished {
            if self.session.is_http2() {
                // A reset drops what is queued; what was written is to arrive before it.
                let gone = self.session.read_body_or_idle(true);
                timeout(FLUSH, gone).await.ok();
            }
            self.session.shutdown().await;
            return Afterwards::Cut;
        }
        if self.body == BodyState::Abandoned {
            let discard =
                async { while let Ok(Some(_)) = self.session.read_request_body().await {} };
            // Reaching the time limit is as good an end as any.
            if timeout(LINGER, discard).await.is_err() {
                return Afterwards::Cut;
            }
        }
        Afterwards::Finish
    }
}

impl Downstream for PingoraDownstream<'_> {
    fn head(&self) -> &Parts {
        self.session.req_header()
    }

    fn owes_an_answer(&self) -> bool {
        self.answer == AnswerState::Owed
    }

    async fn send_continue(&mut self) -> Result<(), DownstreamFault> {
        let head = ResponseHeader::build(100, None).map_err(|_| DownstreamFault::Malformed)?;
        let written = self.session.write_response_header(Box::new(head)).await;
        written.map_err(|_| DownstreamFault::Gone)
    }

    async fn read_chunk(&mut self) -> Result<Option<Bytes>, DownstreamFault> {
        self.session.read_request_body().await.map_err(|error| match error.etype() {
            Kind::ConnectionClosed
            | Kind::ReadError
            | Kind::ReadTimedout
            | Kind::H2Error
            | Kind::Custom("PrematureBodyEnd") => DownstreamFault::Gone,
            _ => DownstreamFault::Malformed,
        })
    }

    async fn closed(&mut self) {
        // Whatever ends the idle read, there is nobody left to answer properly.
        while let Ok(Some(_)) = self.session.read_body_or_idle(true).await {}
    }

    fn set_write_timeout(&mut self, limit: Duration) {
        self.session.set_write_timeout(Some(limit));
    }

    async fn write_head(&mut self, mut head: http::response::Parts) -> Result<(), ClientGone> {
        let http1 =
            self.session.req_header().version == Version::HTTP_11 && !self.session.is_http2();
        if http1 && may_have_body(&head) && !head.headers.contains_key(CONTENT_LENGTH) {
            head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        if self.body == BodyState::Abandoned {
            self.session.set_keepalive(None);
        }
        head.version = Version::HTTP_11;
        self.answer = AnswerState::Begun;
        let head = Box::new(ResponseHeader::from(head));
        self.session.write_response_header(head).await.map_err(|_| ClientGone)
    }

    async fn write_chunk(&mut self, chunk: Bytes) -> Result<(), ClientGone> {
        self.session.write_response_body(chunk, false).await.map_err(|_| ClientGone)
    }

    async fn finish(&mut self) -> Result<(), ClientGone> {
        self.session.finish_body().await.map_err(|_| ClientGone)?;
        self.answer = AnswerState::Finished;
        Ok(())
    }

    fn abort(&mut self) {
        self.answer = AnswerState::Aborted;
    }

    fn abandon_body(&mut self) {
        self.body = BodyState::Abandoned;
    }
}

fn may_have_body(head: &http::response::Parts) -> bool {
    !(head.status.is_informational() || matches!(head.status.as_u16(), 204 | 304))
}
