//! WebSocket and other upgrades: a handshake, then bytes both ways until one end leaves.
//!
//! pingora's own engine loses a race here: when the 101 is there before the (empty)
//! request body is seen to end, it takes that end for the end of the upgraded connection.
//! Must not know: what is said over the connection.

use crate::edge::PingoraTransport;
use crate::edge::connector::PingoraExchange;
use crate::edge::downstream::PingoraDownstream;
use crate::error::Fault;
use crate::identity::Caller;
use crate::observe::verdict::{self, Ending};
use crate::observe::{Attempt, RequestRecord, Verdict};
use crate::pipeline::{self, ClientGone, Deps, Downstream};
use crate::types::{ErrorType, SpanId, StreamEnd};
use crate::upstream::{Endpoint, Exchange, Reuse, Transport, TransportFault, Upstream, balance};
use bytes::Bytes;
use http::header::HOST;
use http::request::Parts;
use http::response::Parts as Answer;
use http::{HeaderValue, StatusCode};
use std::future::Future;
use std::sync::Arc;
use tokio::time::timeout;

/// Attempts to connect, the first included.
const ATTEMPTS: usize = 2;

/// Serves one request that asks for an upgrade and has no body. What the upstream answers
/// goes to the client, be it 101 or not.
///
/// # Errors
/// When the upstream gives no response head, or the client leaves before one.
pub(super) async fn serve(
    deps: &Deps<PingoraTransport>,
    down: &mut PingoraDownstream<'_>,
    (caller, upstream): (&Caller, &Arc<Upstream>),
    rec: &mut RequestRecord,
) -> Result<Verdict, Fault> {
    rec.timeline.waits_are_unseen();
    let (mut exchange, endpoint) = unless_gone(down, connect(deps, upstream, rec)).await??;
    let mut head = head_for(&endpoint, down.head());
    let span = rec.attempts.last().map_or(rec.identity.span_id, |attempt| attempt.span_id);
    let to = (&*endpoint, &upstream.settings, &*rec);
    pipeline::upstream_headers(&mut head.headers, caller, to, span);

    let timeouts = upstream.settings.timeouts;
    down.set_write_timeout(timeouts.idle);
    let shaken = timeout(timeouts.first_byte, handshake(&mut exchange, head));
    let shaken = unless_gone(down, shaken).await?;
    let late = |_| TransportFault(ErrorType::TimeoutFirstByte);
    let mut answer = shaken.map_err(late).flatten().map_err(|fault| failed(deps, rec, fault))?;
    let now = deps.clock.now();
    if let Some(attempt) = rec.last_attempt_mut() {
        attempt.first_byte = Some(now);
        attempt.status = Some(answer.status.as_u16());
    }
    let status = answer.status;
    for (name, value) in pipeline::answer_headers(deps, &answer.headers, rec) {
        answer.headers.insert(name, value);
    }
    down.write_head(answer).await.map_err(|ClientGone| Fault::ClientGone)?;
    let mut tunnel = Tunnel { deps, down, exchange: &mut exchange, rec };
    let ending = match status {
        StatusCode::SWITCHING_PROTOCOLS => tunnel.both_ways().await,
        _ => tunnel.back().await,
    };
    Ok(tunnel.close(status, ending).await)
}

fn head_for(endpoint: &Endpoint, client: &Parts) -> Parts {
    let mut head = client.clone();
    head.uri = pipeline::endpoint_uri(&client.uri, &endpoint.settings.prefix);
    if let Ok(host) = HeaderValue::try_from(&*endpoint.authority) {
        head.headers.insert(HOST, host);
    }
    head
}

/// A connection to an endpoint of `upstream`, the second one if the first has none to give.
async fn connect(
    deps: &Deps<PingoraTransport>,
    upstream: &Upstream,
    rec: &mut RequestRecord,
) -> Result<(PingoraExchange, Arc<Endpoint>), Fault> {
    let mut tried = Vec::new();
    let mut fault = Fault::Upstream(ErrorType::NoHealthyUpstream);
    while tried.len() < ATTEMPTS
        && let Some(endpoint) = balance::pick(upstream, &tried, &deps.random)
    {
        let span = SpanId::mint(|| deps.random.next_u64());
        let now = deps.clock.now();
        rec.attempts.push(Attempt::begin(endpoint.upstream, endpoint.authority.clone(), span, now));
        // Fresh: a handshake is rare, and a dead pooled connection would cost it.
        match deps.transport.open(endpoint, Reuse::Fresh).await {
            Ok(opened) => return Ok((opened.exchange, Arc::clone(endpoint))),
            Err(why) => fault = failed(deps, rec, why),
        }
        tried.push(Arc::clone(endpoint));
    }
    Err(fault)
}

async fn handshake(exchange: &mut PingoraExchange, head: Parts) -> Result<Answer, TransportFault> {
    exchange.send_head(head).await?;
    exchange.read_head().await
}

fn failed(
    deps: &Deps<PingoraTransport>,
    rec: &mut RequestRecord,
    TransportFault(error): TransportFault,
) -> Fault {
    let now = deps.clock.now();
    if let Some(attempt) = rec.last_attempt_mut() {
        attempt.error = Some(error);
        attempt.ended = Some(now);
    }
    Fault::Upstream(error)
}

async fn unless_gone<R>(
    down: &mut PingoraDownstream<'_>,
    work: impl Future<Output = R>,
) -> Result<R, Fault> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = down.closed() => Err(Fault::ClientGone),
    }
}

/// Both ends, and what is known about the bytes between them.
struct Tunnel<'a, 'd> {
    deps: &'a Deps<PingoraTransport>,
    down: &'a mut PingoraDownstream<'d>,
    exchange: &'a mut PingoraExchange,
    rec: &'a mut RequestRecord,
}

impl Tunnel<'_, '_> {
    /// Until either end closes; whoever does, that is the proper end of an upgrade.
    async fn both_ways(&mut self) -> Ending {
        self.exchange.upgraded();
        loop {
            tokio::select! {
                from_upstream = self.exchange.read_chunk() => match from_upstream {
                    Ok(Some(bytes)) => {
                        if self.pass_on(bytes).await.is_err() {
                            return Ending::Complete;
                        }
                    }
                    _ => return Ending::Complete,
                },
                from_client = self.down.read_chunk() => match from_client {
                    Ok(Some(bytes)) => {
                        self.rec.call.bytes_in += bytes.len() as u64;
                        if self.exchange.send_body(bytes).await.is_err() {
                            return Ending::Complete;
                        }
                    }
                    _ => return Ending::Complete,
                },
                () = self.deps.cut.cancelled() => return Ending::Cut(ErrorType::Other),
            }
        }
    }

    /// An upstream that refused to upgrade answers like any other.
    async fn back(&mut self) -> Ending {
        loop {
            let next = tokio::select! {
                biased;
                read = self.exchange.read_chunk() => read,
                () = self.down.closed() => return Ending::ClientLeft,
            };
            match next {
                Ok(Some(bytes)) => {
                    if self.pass_on(bytes).await.is_err() {
                        return Ending::ClientLeft;
                    }
                }
                Ok(None) => return Ending::Complete,
                Err(TransportFault(error)) => return Ending::Cut(error),
            }
        }
    }

    async fn pass_on(&mut self, bytes: Bytes) -> Result<(), ClientGone> {
        let (length, now) = (bytes.len() as u64, self.deps.clock.now());
        self.rec.meter.on_chunk(now, bytes.len());
        if let Some(attempt) = self.rec.last_attempt_mut() {
            attempt.first_chunk.get_or_insert(now);
        }
        self.down.write_chunk(bytes).await?;
        self.rec.call.bytes_out += length;
        Ok(())
    }

    async fn close(self, status: StatusCode, ending: Ending) -> Verdict {
        let ended = match ending {
            Ending::Complete => self.down.finish().await,
            Ending::ClientLeft | Ending::Cut(_) => Err(ClientGone),
        };
        if ended.is_err() {
            self.down.abort();
        }
        let end = match ending {
            Ending::Complete => StreamEnd::Terminated,
            Ending::ClientLeft | Ending::Cut(_) => StreamEnd::Open,
        };
        verdict::decide(status.as_u16(), end, ending)
    }
}
