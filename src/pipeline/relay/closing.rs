//! How the client is told that nothing more comes: properly, or so that it can tell.
//!
//! Must not know: the upstream.

use crate::error::Fault;
use crate::observe::verdict::{self, Ending};
use crate::observe::{RequestRecord, Verdict};
use crate::pipeline::relay::intake::{Audience, Last, Room};
use crate::pipeline::{ClientGone, Downstream, respond, write_part};
use crate::types::{Clock, ErrorType, StreamEnd};
use bytes::Bytes;

/// How the client finds the end of the body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By a length that was promised: nothing can be added.
    Length,
    /// By its proper end.
    Open,
}

/// An answer of which all that will come has been passed on.
pub(super) struct Closing<'a, D> {
    pub(super) down: &'a mut D,
    pub(super) rec: &'a mut RequestRecord,
    pub(super) clock: Clock,
    pub(super) framing: Framing,
    pub(super) status: u16,
    pub(super) audience: Audience,
}

impl<D: Downstream> Closing<'_, D> {
    /// Ends the answer as it deserves, and says what the request came to.
    pub(super) async fn close(mut self, last: Last) -> Verdict {
        let (seen, end) = match self.audience {
            Audience::Client => {
                let end = last.end;
                (self.end(last).await, end)
            }
            // The client saw no end.
            Audience::Others => (Ending::ClientLeft, StreamEnd::Open),
        };
        self.rec.meter.facts.end = end;
        let verdict = verdict::decide(self.status, end, seen);
        let now = self.clock.now();
        if let Some(attempt) = self.rec.last_attempt_mut() {
            attempt.error = verdict.error;
            attempt.ended = Some(now);
        }
        verdict
    }

    async fn end(&mut self, last: Last) -> Ending {
        let ending = last.ending;
        if ending == Ending::ClientLeft {
            self.down.abort();
            return ending;
        }
        let closed = match last.broken() {
            None => self.end_properly(last.held_back).await,
            Some(error) => {
                let told = self.tell(last, error).await;
                self.down.abort();
                told
            }
        };
        match (closed, ending) {
            (Err(ClientGone), Ending::Complete) => Ending::ClientLeft,
            _ => ending,
        }
    }

    async fn end_properly(&mut self, held_back: Option<Bytes>) -> Result<(), ClientGone> {
        if let Some(rest) = held_back {
            self.write(rest).await?;
        }
        self.down.finish().await
    }

    /// An error event in the caller's dialect, where the framing has room for one.
    async fn tell(&mut self, last: Last, error: ErrorType) -> Result<(), ClientGone> {
        if let Some(rest) = last.held_back {
            self.write(rest).await?;
        }
        if self.framing == Framing::Length || last.room == Room::None {
            return Ok(());
        }
        if last.room == Room::WithinEvent {
            self.write(Bytes::from_static(b"\n\n")).await?;
        }
        let event = respond::error_event(&Fault::Upstream(error), self.rec);
        self.write(event).await
    }

    async fn write(&mut self, part: Bytes) -> Result<(), ClientGone> {
        write_part(self.down, part, self.rec, self.clock).await
    }
}
