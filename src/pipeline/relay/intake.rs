//! What comes from the upstream: read along on the side, and shared with whoever else
//! listens.
//!
//! Must not know: how the answer reaches its client.

use crate::cache::EndFacts;
use crate::observe::RequestRecord;
use crate::observe::verdict::Ending;
use crate::pipeline::Deps;
use crate::pipeline::answer_reader::AnswerReader;
use crate::pipeline::cache::{Keep, Learnt};
use crate::pipeline::deadline::Deadline;
use crate::pipeline::parse::Request;
use crate::types::{ChunkKind, ErrorType, StreamEnd, Usage, UsageSource};
use crate::upstream::{Exchange, Timeouts, TransportFault};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::pending;
use std::time::Instant;

/// Bytes of generated text that are taken for a token where the upstream does not count.
const BYTES_PER_TOKEN: u64 = 4;

/// Who still wants the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// The client, and perhaps others.
    Client,
    /// Others: the client has left.
    Others,
}

/// One answer's body on its way in.
pub(super) struct Intake<'a, T, X> {
    pub(super) deps: &'a Deps<T>,
    pub(super) request: &'a Request,
    pub(super) rec: &'a mut RequestRecord,
    pub(super) status: u16,
    pub(super) exchange: X,
    pub(super) reader: AnswerReader,
    pub(super) keep: Keep,
    pub(super) deadline: Deadline,
    pub(super) timeouts: Timeouts,
    pub(super) audience: Audience,
    /// What has come and is still to go to the client.
    pub(super) ahead: VecDeque<Bytes>,
    /// Bytes that came.
    pub(super) read: u64,
    /// How it ended, once it has.
    pub(super) last: Option<Last>,
}

/// The end of an answer's body.
pub(super) struct Last {
    pub(super) ending: Ending,
    /// What the body itself said of its end.
    pub(super) end: StreamEnd,
    /// What was held back and is to be passed on after all.
    pub(super) held_back: Option<Bytes>,
    /// Whether an event can follow.
    pub(super) room: Room,
}

/// Room for an event after what was passed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// None: it is not a stream, or it has had its last event.
    None,
    /// There is.
    AfterEvent,
    /// There is, once the event that broke off has been ended.
    WithinEvent,
}

impl Room {
    fn after(reader: &AnswerReader) -> Self {
        match reader {
            AnswerReader::Stream(reader) if reader.end() != StreamEnd::Open => Self::None,
            AnswerReader::Stream(reader) if reader.at_event_boundary() => Self::AfterEvent,
            AnswerReader::Stream(_) => Self::WithinEvent,
            AnswerReader::Whole(_) | AnswerReader::Opaque => Self::None,
        }
    }
}

impl Last {
    /// Why the client cannot be given a proper end.
    pub(super) fn broken(&self) -> Option<ErrorType> {
        match self.ending {
            Ending::Cut(error) => Some(error),
            _ => (self.end == StreamEnd::Open).then_some(ErrorType::StreamTruncated),
        }
    }
}

impl<T, X: Exchange> Intake<'_, T, X> {
    pub(super) fn now(&self) -> Instant {
        self.deps.clock.now()
    }

    /// Takes in what comes next. Safe to cancel.
    ///
    /// # Errors
    /// When nothing more comes, or nobody wants more.
    pub(super) async fn next(&mut self) -> Result<(), Ending> {
        if let Some(last) = &self.last {
            return Err(last.ending);
        }
        let next = tokio::select! {
            biased;
            read = self.exchange.read_chunk() => match read {
                Ok(Some(chunk)) => Ok(chunk),
                Ok(None) => Err(Ending::Complete),
                Err(TransportFault(error)) => Err(Ending::Cut(error)),
            },
            () = self.keep.deserted(), if self.audience == Audience::Others => {
                Err(Ending::ClientLeft)
            }
            () = self.deadline.reached() => Err(Ending::Cut(self.which_timeout())),
        };
        match next {
            Ok(chunk) => {
                self.take_in(chunk);
                Ok(())
            }
            Err(ending) => {
                self.last = Some(self.end(ending));
                Err(ending)
            }
        }
    }

    /// Takes in what comes while the client is not ready for it, for others who may be, as
    /// long as it is all held for them anyway. Safe to cancel, and not to be awaited alone: it
    /// may never return.
    pub(super) async fn read_ahead(&mut self) {
        if self.last.is_some() || !self.keep.is_held_for_others() {
            return pending().await;
        }
        // How it ended is seen when the client has what came before.
        self.next().await.ok();
    }

    fn take_in(&mut self, chunk: Bytes) {
        let now = self.now();
        self.read += chunk.len() as u64;
        self.rec.meter.on_chunk(now, chunk.len());
        if self.rec.meter.facts.chunks == 1
            && let Some(attempt) = self.rec.last_attempt_mut()
        {
            attempt.first_chunk = Some(now);
        }
        let fed = self.reader.feed(chunk);
        let kind = if fed.generated { ChunkKind::Generated } else { ChunkKind::Other };
        self.rec.meter.on_kind(now, kind);
        if !self.awaits_first_token() {
            self.deadline.set(now, self.timeouts.idle);
        }
        let after = now.saturating_duration_since(self.rec.timeline.received);
        for part in fed.forward {
            self.keep.push(&part, (after, kind));
            if self.audience == Audience::Client {
                self.ahead.push_back(part);
            }
        }
    }

    /// Whether there is more to do than to serve a client that has just left: others want the
    /// rest, or there is no rest.
    pub(super) fn goes_on_without_client(&mut self) -> bool {
        let is_wanted = self.last.is_some() || self.keep.has_listeners();
        let goes_on = self.audience == Audience::Client && is_wanted;
        if goes_on {
            self.audience = Audience::Others;
            self.ahead.clear();
            self.rec.timeline.finished = Some(self.now());
        }
        goes_on
    }

    /// How it ended: by `ending`, if it had not ended before.
    pub(super) fn take_last(&mut self, ending: Ending) -> Last {
        match self.last.take() {
            Some(last) => last,
            None => self.end(ending),
        }
    }

    /// What was learnt goes into the record, and to those who listen.
    fn end(&mut self, ending: Ending) -> Last {
        let held_back = if ending == Ending::ClientLeft { None } else { self.reader.finish() };
        if let Some(rest) = &held_back {
            let after = self.now().saturating_duration_since(self.rec.timeline.received);
            self.keep.push(rest, (after, ChunkKind::Other));
        }
        let (end, room) = (self.reader.end(ending), Room::after(&self.reader));
        self.conclude(ending, end);
        Last { ending, end, held_back, room }
    }

    fn conclude(&mut self, ending: Ending, end: StreamEnd) {
        let facts = std::mem::replace(&mut self.reader, AnswerReader::Opaque).into_facts(end);
        self.rec.meter.facts.end = end;
        self.rec.meter.facts.events = facts.events;
        self.rec.call.model_answered = facts.model;
        if self.status < 400 {
            let estimate = || Usage {
                input: self.request.view.estimated_input_tokens(),
                output: facts.output_bytes.div_ceil(BYTES_PER_TOKEN),
                source: UsageSource::Estimated,
            };
            let estimable = facts.output_bytes > 0;
            self.rec.usage = facts.usage.or_else(|| estimable.then(estimate));
        }
        self.rec.cost = self.request.model.price.of(self.rec.usage);
        let whole = EndFacts {
            body: facts.body,
            is_complete: ending == Ending::Complete,
            received: self.read,
            is_at_hand: true,
        };
        let keep = std::mem::replace(&mut self.keep, Keep::nothing());
        keep.end(self.deps, &Learnt { facts: whole, events: facts.events }, self.rec);
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
