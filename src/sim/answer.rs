//! Sends an answer on time and brings it to its chosen end, good or bad.
//!
//! Must not know: JSON, models, settings other than the fault of this request.

use super::completion::{Completion, Events};
use super::pace::Pace;
use super::refusal::Refusal;
use super::request::StreamUsage;
use super::stats::{End, Ticket};
use super::text::Text;
use super::wire::Connection;
use crate::sim::Fault;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// Time for what was written to leave before a fault closes the connection over it.
const SETTLE: Duration = Duration::from_millis(5);

/// One request under way, with all it takes to end it.
pub(super) struct Exchange {
    pub(super) ticket: Ticket,
    pub(super) fault: Fault,
    pub(super) connection: Connection,
    /// Ends a stall.
    pub(super) stop: CancellationToken,
}

/// The error by which a body tells the HTTP engine to break the connection off.
#[derive(Debug, thiserror::Error)]
#[error("cut off by a simulated fault")]
struct Cut;

/// Sends `body`, of `tokens` generated tokens, as one JSON answer at `due`.
pub(super) async fn whole(
    mut exchange: Exchange,
    body: Bytes,
    tokens: u64,
    due: Instant,
) -> Response {
    sleep_until(due).await;
    let half = body.slice(..body.len() / 2);
    let json = [(header::CONTENT_TYPE, "application/json")];
    match exchange.fault {
        Fault::None => {
            exchange.ticket.tokens_out(tokens);
            exchange.ticket.end(End::Finished);
            (json, body).into_response()
        }
        Fault::Malformed => {
            exchange.ticket.end(End::Broken);
            (json, half).into_response()
        }
        Fault::ErrorEvent => {
            exchange.ticket.end(End::Refused);
            Refusal::Injected(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
        Fault::Truncate | Fault::Stall | Fault::Reset => {
            let promised = [(header::CONTENT_LENGTH, body.len())];
            let broken = stream::iter([Ok(half)]).chain(stream::once(async move {
                exchange.break_off().await;
                Err(exchange.cut())
            }));
            (json, promised, Body::from_stream(broken)).into_response()
        }
    }
}

/// Sends `completion` as server-sent events, one per token, at the given pace.
pub(super) fn streamed(
    exchange: Exchange,
    completion: &Completion,
    usage: StreamUsage,
    pace: Pace,
) -> Response {
    let script = Script {
        planned: match exchange.fault {
            Fault::None => completion.tokens,
            _ => completion.tokens / 2,
        },
        sent: 0,
        events: completion.events(usage),
        text: completion.text,
        pace,
        step: Step::Opening,
        exchange,
    };
    let head = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (head, Body::from_stream(script)).into_response()
}

impl Exchange {
    /// Waits for the moment at which the connection breaks.
    fn break_off(&self) -> BoxFuture<'static, ()> {
        match self.fault {
            Fault::Stall => self.stop.clone().cancelled_owned().boxed(),
            _ => sleep(SETTLE).boxed(),
        }
    }

    fn cut(&mut self) -> Cut {
        if self.fault == Fault::Reset {
            self.connection.reset();
        }
        self.ticket.end(End::Broken);
        Cut
    }
}

/// A streamed answer: the opening, tokens when they are due, then the ending.
struct Script {
    planned: u64,
    sent: u64,
    events: Events,
    text: Text,
    pace: Pace,
    step: Step,
    exchange: Exchange,
}

enum Step {
    Opening,
    Tokens,
    BreakingOff(BoxFuture<'static, ()>),
    Done,
}

impl Stream for Script {
    type Item = Result<Bytes, Cut>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let script = self.get_mut();
        loop {
            match &mut script.step {
                Step::Opening => {
                    script.step = Step::Tokens;
                    // At once, as a server that has begun to compute: the first byte of a
                    // stream is not its first token.
                    if let Some(opening) = script.events.opening.take() {
                        return Poll::Ready(Some(Ok(opening)));
                    }
                }
                Step::Tokens if script.sent < script.planned => {
                    ready!(script.pace.poll_due(cx));
                    return Poll::Ready(Some(Ok(script.token())));
                }
                Step::Tokens => {
                    // A fault strikes when the next token is due; a good end does not wait.
                    if script.exchange.fault != Fault::None {
                        ready!(script.pace.poll_due(cx));
                    }
                    if let Some(last) = script.ending() {
                        return Poll::Ready(Some(Ok(last)));
                    }
                }
                Step::BreakingOff(moment) => {
                    ready!(moment.as_mut().poll(cx));
                    script.step = Step::Done;
                    return Poll::Ready(Some(Err(script.exchange.cut())));
                }
                Step::Done => return Poll::Ready(None),
            }
        }
    }
}

impl Script {
    fn token(&mut self) -> Bytes {
        let event = self.events.token(self.text.token(self.sent));
        self.sent += 1;
        self.pace.advance();
        self.exchange.ticket.tokens_out(1);
        event
    }

    /// Takes the last step, with the event that goes with it.
    fn ending(&mut self) -> Option<Bytes> {
        let (last, end) = match self.exchange.fault {
            Fault::None => (&self.events.closing, End::Finished),
            Fault::Malformed => (&self.events.malformed, End::Broken),
            Fault::ErrorEvent => (&self.events.error, End::Broken),
            Fault::Truncate | Fault::Stall | Fault::Reset => {
                self.step = Step::BreakingOff(self.exchange.break_off());
                return None;
            }
        };
        // Settled before the bytes leave: a client that has seen the end finds it counted.
        self.exchange.ticket.end(end);
        self.step = Step::Done;
        Some(last.clone())
    }
}
