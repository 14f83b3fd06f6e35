//! Step 5: the answer's body from the upstream to the client, byte for byte, as it comes.
//!
//! Reads along on the side: first token, usage, terminator. The status is sent before the
//! first byte of the body, so a failure here can only cut the answer short, and the
//! outcome says so. Must not know: retries, or how errors become responses.

use crate::cache::EndFacts;
use crate::error::Fault;
use crate::observe::verdict::{self, Ending};
use crate::observe::{RequestRecord, Verdict};
use crate::pipeline::answer_reader::AnswerReader;
use crate::pipeline::cache::{Keep, Learnt};
use crate::pipeline::deadline::Deadline;
use crate::pipeline::forward::{Answer, Connection};
use crate::pipeline::identify::replace;
use crate::pipeline::parse::Request;
use crate::pipeline::{ClientGone, Deps, Downstream, answer_headers, respond};
use crate::protocol::strip_hop_by_hop;
use crate::types::{ErrorType, StreamEnd, Usage, UsageSource};
use crate::upstream::{Exchange, Timeouts, Transport, TransportFault};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;

/// Bytes of generated text that are taken for a token where the upstream does not count.
const BYTES_PER_TOKEN: u64 = 4;

/// Sends the head and then the body, and judges how it went. Others may hear the answer
/// too: should its client leave, it goes on for them.
pub(super) async fn stream<D: Downstream, T: Transport>(
    deps: &Deps<T>,
    down: &mut D,
    answer: Answer<T::Exchange>,
    (request, mut keep): (&Request, Keep),
    rec: &mut RequestRecord,
) -> Verdict {
    let Answer { mut head, mut exchange, connection, mut deadline, load, timeouts, .. } = answer;
    let status = head.status.as_u16();
    let asked = answer.usage_asked_by_us;
    let reader = AnswerReader::of(rec.call.operation, status, &head.headers, asked);
    let streamed = matches!(reader, AnswerReader::Stream(_));
    let _open = streamed.then(|| deps.observer.open_stream(rec.call.model));
    keep.begin(deps, &head, answer.from);
    strip_hop_by_hop(&mut head.headers);
    keep.tell(&mut head.headers, rec);
    let ours = answer_headers(deps, &head.headers, rec);
    replace(&mut head.headers, ours);
    let framing = match head.headers.get(CONTENT_LENGTH) {
        Some(_) => Framing::Length,
        None => Framing::Open,
    };
    down.set_write_timeout(timeouts.idle);
    deadline.set(deps.clock.now(), if streamed { timeouts.first_token } else { timeouts.idle });
    let audience = Audience::Client;
    let read = 0;
    let mut relay = Relay { deps, down, rec, reader, keep, audience, read, deadline, timeouts };
    let ending = match relay.down.write_head(head).await {
        Err(ClientGone) if !relay.goes_on() => Ending::ClientLeft,
        Ok(()) | Err(ClientGone) => relay.body(&mut exchange).await,
    };
    if ending == Ending::Complete && connection == Connection::Reusable {
        exchange.release().await;
    } else {
        // Closing the connection tells the upstream that nobody listens any more.
        drop(exchange);
    }
    drop(load);
    let seen = relay.close(ending, framing).await;
    relay.judge(status, (ending, seen), request)
}

/// How the client finds the end of the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// By a length that was promised: nothing can be added.
    Length,
    /// By its proper end.
    Open,
}

/// Who still wants the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// The client, and perhaps others.
    Client,
    /// Others: the client has left.
    Others,
}

struct Relay<'a, D, T> {
    deps: &'a Deps<T>,
    down: &'a mut D,
    rec: &'a mut RequestRecord,
    reader: AnswerReader,
    keep: Keep,
    audience: Audience,
    /// Bytes that came from the upstream.
    read: u64,
    deadline: Deadline,
    timeouts: Timeouts,
}

impl<D: Downstream, T: Transport> Relay<'_, D, T> {
    async fn body(&mut self, exchange: &mut T::Exchange) -> Ending {
        loop {
            let began = self.deps.clock.now();
            let next = tokio::select! {
                biased;
                read = exchange.read_chunk() => read,
                () = deserted(self.down, &self.keep, self.audience) => {
                    if self.goes_on() {
                        continue;
                    }
                    return Ending::ClientLeft;
                }
                () = self.deadline.reached() => return Ending::Cut(self.which_timeout()),
            };
            let now = self.deps.clock.now();
            self.rec.timeline.waited_since(began, now);
            match next {
                Ok(Some(chunk)) => {
                    if self.pass_on(chunk).await.is_err() && !self.goes_on() {
                        return Ending::ClientLeft;
                    }
                }
                Ok(None) => return Ending::Complete,
                Err(TransportFault(error)) => return Ending::Cut(error),
            }
        }
    }

    /// Whether others want the rest of an answer that has nobody to go to just now.
    fn goes_on(&mut self) -> bool {
        let client_left = self.audience == Audience::Client;
        let goes_on = client_left && self.keep.has_listeners();
        if goes_on {
            self.audience = Audience::Others;
            self.rec.timeline.finished = Some(self.deps.clock.now());
            self.down.abort();
        }
        goes_on
    }

    async fn pass_on(&mut self, chunk: Bytes) -> Result<(), ClientGone> {
        let now = self.deps.clock.now();
        self.read += chunk.len() as u64;
        self.rec.meter.on_chunk(now);
        if self.rec.meter.facts.chunks == 1
            && let Some(attempt) = self.rec.last_attempt_mut()
        {
            attempt.first_chunk = Some(now);
        }
        let fed = self.reader.feed(chunk);
        if fed.generated {
            self.rec.meter.on_generated(now);
        }
        if !self.awaits_first_token() {
            self.deadline.set(now, self.timeouts.idle);
        }
        let after = now.saturating_duration_since(self.rec.timeline.received);
        let mut written = Ok(());
        for part in fed.forward {
            // All of it, whatever becomes of the client.
            self.keep.push(&part, after);
            if written.is_ok() {
                written = self.write(part).await;
            }
        }
        written
    }

    async fn write(&mut self, part: Bytes) -> Result<(), ClientGone> {
        if self.audience == Audience::Others {
            return Ok(());
        }
        let length = part.len() as u64;
        let began = self.deps.clock.now();
        let written = self.down.write_chunk(part).await;
        self.rec.timeline.waited_since(began, self.deps.clock.now());
        if written.is_ok() {
            self.rec.call.bytes_out += length;
        }
        written
    }

    /// Ends the answer as it deserves: properly, or so that the client can tell.
    async fn close(&mut self, ending: Ending, framing: Framing) -> Ending {
        if ending == Ending::ClientLeft {
            self.down.abort();
            return ending;
        }
        let held_back = self.reader.finish();
        if let Some(rest) = &held_back {
            let received = self.rec.timeline.received;
            self.keep.push(rest, self.deps.clock.now().saturating_duration_since(received));
        }
        if self.audience == Audience::Others {
            return Ending::ClientLeft;
        }
        let closed = match (held_back, self.broken(ending)) {
            (held_back, None) => self.end_properly(held_back).await,
            (held_back, Some(error)) => {
                let told = self.tell(held_back, error, framing).await;
                self.down.abort();
                told
            }
        };
        match (closed, ending) {
            (Err(ClientGone), Ending::Complete) => Ending::ClientLeft,
            _ => ending,
        }
    }

    fn broken(&self, ending: Ending) -> Option<ErrorType> {
        match ending {
            Ending::Cut(error) => Some(error),
            _ => (self.reader.end(ending) == StreamEnd::Open).then_some(ErrorType::StreamTruncated),
        }
    }

    async fn end_properly(&mut self, held_back: Option<Bytes>) -> Result<(), ClientGone> {
        if let Some(rest) = held_back {
            self.write(rest).await?;
        }
        self.down.finish().await
    }

    /// An error event in the caller's dialect, where the framing has room for one.
    async fn tell(
        &mut self,
        held_back: Option<Bytes>,
        error: ErrorType,
        framing: Framing,
    ) -> Result<(), ClientGone> {
        if let Some(rest) = held_back {
            self.write(rest).await?;
        }
        let AnswerReader::Stream(reader) = &self.reader else { return Ok(()) };
        if framing == Framing::Length || reader.end() != StreamEnd::Open {
            return Ok(());
        }
        if !reader.at_event_boundary() {
            self.write(Bytes::from_static(b"\n\n")).await?;
        }
        let event = respond::error_event(&Fault::Upstream(error), self.rec);
        self.write(event).await
    }

    /// The verdict on the request, by how its answer ended and what its client saw of that.
    fn judge(self, status: u16, (ending, seen): (Ending, Ending), request: &Request) -> Verdict {
        let end = self.reader.end(ending);
        let facts = self.reader.into_facts(end);
        let end = if self.audience == Audience::Others { StreamEnd::Open } else { end };
        self.rec.meter.facts.end = end;
        self.rec.meter.facts.events = facts.events;
        self.rec.call.model_answered = facts.model;
        if status < 400 {
            let estimate = || Usage {
                input: request.view.estimated_input_tokens(),
                output: facts.output_bytes.div_ceil(BYTES_PER_TOKEN),
                source: UsageSource::Estimated,
            };
            let estimable = facts.output_bytes > 0;
            self.rec.usage = facts.usage.or_else(|| estimable.then(estimate));
        }
        self.rec.cost = request.model.price.of(self.rec.usage);
        let whole = EndFacts {
            body: facts.body,
            is_complete: ending == Ending::Complete,
            received: self.read,
            is_at_hand: true,
        };
        self.keep.end(self.deps, &Learnt { facts: whole, events: facts.events }, self.rec);
        let verdict = verdict::decide(status, end, seen);
        let now = self.deps.clock.now();
        if let Some(attempt) = self.rec.last_attempt_mut() {
            attempt.error = verdict.error;
            attempt.ended = Some(now);
        }
        verdict
    }

    fn awaits_first_token(&self) -> bool {
        matches!(self.reader, AnswerReader::Stream(_)) && self.rec.meter.first_token().is_none()
    }

    fn which_timeout(&self) -> ErrorType {
        if self.deadline.is_total() {
            ErrorType::TimeoutTotal
        } else if self.awaits_first_token() {
            ErrorType::TimeoutFirstToken
        } else {
            ErrorType::TimeoutIdle
        }
    }
}

/// Returns when whoever still wants the answer has left.
async fn deserted<D: Downstream>(down: &mut D, keep: &Keep, audience: Audience) {
    match audience {
        Audience::Client => down.closed().await,
        Audience::Others => keep.deserted().await,
    }
}
