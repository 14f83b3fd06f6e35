//! Step 4: from a request to a response head, on the best endpoint there is.
//!
//! Retries only while nothing of an answer has arrived: on another endpoint when no
//! connection could be made, and on a new connection when a pooled one turned out to be
//! dead (RFC 9112 §9.3.1). Every await is raced against the client's leaving. Must not
//! know: what the answer's body means.

use crate::cache::AnsweredBy;
use crate::error::Fault;
use crate::identity::Caller;
use crate::observe::{Attempt, Origin, RequestRecord};
use crate::pipeline::deadline::Deadline;
use crate::pipeline::parse::Request;
use crate::pipeline::{Deps, Downstream, upstream_request};
use crate::protocol::{AskUsage, BodyParts, CacheMember, Edits};
use crate::types::{ErrorType, SpanId};
use crate::upstream::{
    Endpoint, Exchange, Load, Opened, Reuse, Serves, StreamUsage, Target, Timeouts, Transport,
    TransportFault,
};
use bytes::Bytes;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Attempts, the first included.
const ATTEMPTS: usize = 2;
/// A body is written in parts of this size, so that a write that makes no progress is
/// noticed within the idle timeout.
const PART: usize = 64 * 1024;
/// How long to look for an answer on a connection that refused more of the request.
const EARLY_ANSWER: Duration = Duration::from_secs(1);

/// A response head and the way to its body.
pub(super) struct Answer<X> {
    /// The head.
    pub(super) head: http::response::Parts,
    /// The exchange it came on.
    pub(super) exchange: X,
    /// Whether its connection may serve others after this.
    pub(super) connection: Connection,
    /// The timer, with the total already in it.
    pub(super) deadline: Deadline,
    /// The request's share of its endpoint's load, held until the body is through.
    pub(super) load: Load,
    /// The limits on the rest.
    pub(super) timeouts: Timeouts,
    /// Whether the body holds a usage chunk that only we asked for.
    pub(super) usage_asked_by_us: AskUsage,
    /// Whether it is the target's that was chosen first.
    pub(super) from: AnsweredBy,
}

/// What is left of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    /// The request went out whole.
    Reusable,
    /// The upstream answered before it had read the request.
    Spent,
}

/// Why an attempt gave no answer, and whether another one may.
struct Failed {
    fault: Fault,
    retry: Retry,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Retry {
    No,
    Elsewhere,
    OnNewConnection,
}

/// Sends the request to an endpoint of its model and waits for the response head.
///
/// # Errors
/// When no endpoint gave a response head, with the last attempt's reason; and when the
/// caller leaves.
pub(super) async fn with_retries<D: Downstream, T: Transport>(
    deps: &Deps<T>,
    down: &mut D,
    (caller, request): (&Caller, &Request),
    rec: &mut RequestRecord,
) -> Result<Answer<T::Exchange>, Fault> {
    let mut tried: Vec<Arc<Endpoint>> = Vec::new();
    let mut first: Option<&Target> = None;
    let mut reuse = Reuse::Pooled;
    loop {
        let route = request.model.route(&tried, &deps.random);
        let Some((target, endpoint)) = route else {
            return Err(Fault::Upstream(ErrorType::NoHealthyUpstream));
        };
        if may_not_load(&rec.origin, target) {
            return Err(Fault::ReplayRefused);
        }
        let span = SpanId::mint(|| deps.random.next_u64());
        let now = deps.clock.now();
        let begun = Attempt::begin(endpoint.upstream, endpoint.authority.clone(), span, now);
        rec.attempts.push(Attempt { model: Some(Arc::clone(&target.model)), ..begun });
        let from = match *first.get_or_insert(target) {
            first if std::ptr::eq(first, target) => AnsweredBy::Target,
            _ => AnsweredBy::StandIn,
        };
        let attempt = AttemptPlan { target, endpoint, reuse, span, from };
        let failed = match attempt.run(deps, down, (caller, request), rec).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        if let Some(attempt) = rec.last_attempt_mut() {
            attempt.ended = Some(deps.clock.now());
            attempt.error =
                (failed.fault != Fault::ClientGone).then_some(failed.fault.error_type());
        }
        match failed.retry {
            _ if rec.attempts.len() >= ATTEMPTS => return Err(failed.fault),
            Retry::No => return Err(failed.fault),
            Retry::OnNewConnection => reuse = Reuse::Fresh,
            Retry::Elsewhere => {
                tried.push(Arc::clone(endpoint));
                if request.model.route(&tried, &deps.random).is_none() {
                    return Err(failed.fault);
                }
            }
        }
    }
}

/// Whether this is a replay that nobody let load what people depend on.
fn may_not_load(origin: &Origin, target: &Target) -> bool {
    let Origin::Replay(mark) = origin else { return false };
    !mark.wishes.production && target.upstream.settings.serves == Serves::Production
}

/// One try at one endpoint.
struct AttemptPlan<'a> {
    target: &'a Target,
    endpoint: &'a Arc<Endpoint>,
    reuse: Reuse,
    span: SpanId,
    from: AnsweredBy,
}

impl AttemptPlan<'_> {
    async fn run<D: Downstream, T: Transport>(
        &self,
        deps: &Deps<T>,
        down: &mut D,
        (caller, request): (&Caller, &Request),
        rec: &mut RequestRecord,
    ) -> Result<Answer<T::Exchange>, Failed> {
        let settings = &self.target.upstream.settings;
        let timeouts = settings.timeouts;
        let load = self.endpoint.take(request.view.estimated_tokens());
        let ask = match settings.stream_usage {
            StreamUsage::Ask => request.view.usage_to_ask_for(),
            StreamUsage::AsSent => AskUsage::No,
        };
        let renamed = (*self.target.model != *request.view.model()).then_some(&*self.target.model);
        let edits = Edits { model: renamed, ask_usage: ask, cache: CacheMember::Strip };
        let body = request.view.edit(&request.body.bytes, &edits);
        let mut head = upstream_request::head(down.head(), self.endpoint, body.len());
        let to = (&**self.endpoint, settings, &*rec);
        upstream_request::upstream_headers(&mut head.headers, caller, to, self.span);

        let received = rec.timeline.received;
        let mut wait = Wait { deps, down, rec, deadline: Deadline::new(received, timeouts.total) };
        let Opened { mut exchange, pooled } = wait.open(self.endpoint, self.reuse).await?;
        let sent = wait.send(&mut exchange, (head, body), timeouts.idle).await;
        let head = match &sent {
            Ok(()) => wait.head(&mut exchange, timeouts.first_byte).await,
            Err(unsent) => wait.early_head(&mut exchange, unsent).await,
        };
        let head = head.map_err(|fault| Failed {
            // A pooled connection that breaks before a head was closed while it was idle.
            retry: match fault {
                Fault::Upstream(ErrorType::UpstreamReset) if pooled => Retry::OnNewConnection,
                _ => Retry::No,
            },
            fault,
        })?;
        Ok(Answer {
            head,
            exchange,
            connection: if sent.is_ok() { Connection::Reusable } else { Connection::Spent },
            deadline: wait.deadline,
            load,
            timeouts,
            usage_asked_by_us: ask,
            from: self.from,
        })
    }
}

/// The awaits of an attempt: each is raced against the client's leaving and a deadline,
/// and its time is booked as waiting.
struct Wait<'a, D, T> {
    deps: &'a Deps<T>,
    down: &'a mut D,
    rec: &'a mut RequestRecord,
    deadline: Deadline,
}

/// Why a request was not written to its end.
enum Unsent {
    ClientGone,
    Refused(ErrorType),
    Stalled(ErrorType),
}

/// What came first.
enum Raced<R> {
    Done(R),
    ClientGone,
    Late,
}

impl<D: Downstream, T: Transport> Wait<'_, D, T> {
    async fn open(
        &mut self,
        endpoint: &Endpoint,
        reuse: Reuse,
    ) -> Result<Opened<T::Exchange>, Failed> {
        // The transport keeps the connect timeout; here only the total can pass.
        match self.race(self.deps.transport.open(endpoint, reuse)).await {
            Raced::Done(Ok(opened)) => {
                self.note(|attempt, now| attempt.connected = Some(now));
                Ok(opened)
            }
            Raced::Done(Err(TransportFault(error))) => {
                Err(Failed { fault: Fault::Upstream(error), retry: Retry::Elsewhere })
            }
            Raced::ClientGone => Err(Failed { fault: Fault::ClientGone, retry: Retry::No }),
            Raced::Late => {
                let fault = Fault::Upstream(ErrorType::TimeoutTotal);
                Err(Failed { fault, retry: Retry::No })
            }
        }
    }

    async fn send(
        &mut self,
        exchange: &mut T::Exchange,
        (head, body): (http::request::Parts, BodyParts),
        idle: Duration,
    ) -> Result<(), Unsent> {
        // A request of one part fits the system's buffers, so its write cannot be stuck.
        let large = body.len() > PART;
        let answered = large.then(|| exchange.answers_early());
        let mut early = pin!(async {
            match answered {
                Some(answered) => answered.await,
                None => std::future::pending().await,
            }
        });
        self.written(idle, early.as_mut(), exchange.send_head(head)).await?;
        for part in body.into_iter().flat_map(parts_of) {
            self.written(idle, early.as_mut(), exchange.send_body(part)).await?;
        }
        self.written(idle, early.as_mut(), exchange.end_body()).await?;
        self.note(|attempt, now| attempt.sent = Some(now));
        Ok(())
    }

    async fn written(
        &mut self,
        idle: Duration,
        early: Pin<&mut impl Future<Output = ()>>,
        write: impl Future<Output = Result<(), TransportFault>>,
    ) -> Result<(), Unsent> {
        self.deadline.set(self.deps.clock.now(), idle);
        let write = async {
            tokio::select! {
                biased;
                written = write => written.map_err(|TransportFault(error)| error),
                () = early => Err(ErrorType::UpstreamReset),
            }
        };
        match self.race(write).await {
            Raced::Done(Ok(())) => Ok(()),
            Raced::Done(Err(error)) => Err(Unsent::Refused(error)),
            Raced::Late => Err(Unsent::Stalled(self.late(ErrorType::TimeoutIdle))),
            Raced::ClientGone => Err(Unsent::ClientGone),
        }
    }

    async fn head(
        &mut self,
        exchange: &mut T::Exchange,
        limit: Duration,
    ) -> Result<http::response::Parts, Fault> {
        self.deadline.set(self.deps.clock.now(), limit);
        let head = match self.race(exchange.read_head()).await {
            Raced::Done(Ok(head)) => head,
            Raced::Done(Err(TransportFault(error))) => return Err(Fault::Upstream(error)),
            Raced::ClientGone => return Err(Fault::ClientGone),
            Raced::Late => return Err(Fault::Upstream(self.late(ErrorType::TimeoutFirstByte))),
        };
        self.note(|attempt, now| {
            attempt.first_byte = Some(now);
            attempt.status = Some(head.status.as_u16());
        });
        Ok(head)
    }

    /// An upstream that takes no more of the request may have answered already: then its
    /// answer counts, else what became of the request.
    async fn early_head(
        &mut self,
        exchange: &mut T::Exchange,
        unsent: &Unsent,
    ) -> Result<http::response::Parts, Fault> {
        let (Unsent::Refused(error) | Unsent::Stalled(error)) = unsent else {
            return Err(Fault::ClientGone);
        };
        match self.head(exchange, EARLY_ANSWER).await {
            Err(Fault::Upstream(_)) => Err(Fault::Upstream(*error)),
            answered => answered,
        }
    }

    fn note(&mut self, write: impl FnOnce(&mut Attempt, Instant)) {
        let now = self.deps.clock.now();
        if let Some(attempt) = self.rec.last_attempt_mut() {
            write(attempt, now);
        }
    }

    async fn race<R>(&mut self, work: impl Future<Output = R>) -> Raced<R> {
        let began = self.deps.clock.now();
        let raced = tokio::select! {
            biased;
            done = work => Raced::Done(done),
            () = self.down.closed() => Raced::ClientGone,
            () = self.deadline.reached() => Raced::Late,
        };
        self.rec.timeline.waited_since(began, self.deps.clock.now());
        raced
    }

    fn late(&self, nearer: ErrorType) -> ErrorType {
        if self.deadline.is_total() { ErrorType::TimeoutTotal } else { nearer }
    }
}

fn parts_of(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!bytes.is_empty()).then(|| bytes.split_to(bytes.len().min(PART))))
}
