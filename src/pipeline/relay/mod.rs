//! Step 5: the answer's body from the upstream to the client, byte for byte, as it comes.
//!
//! | file | owns |
//! |---|---|
//! | `intake` | what comes from the upstream, read along on the side and shared |
//! | `closing` | how the client is told that nothing more comes |
//!
//! The status is sent before the first byte of the body, so a failure here can only cut the
//! answer short, and the outcome says so. Must not know: retries, or how errors become
//! responses.

mod closing;
mod intake;

use crate::observe::verdict::Ending;
use crate::observe::{RequestRecord, Verdict};
use crate::pipeline::answer_reader::AnswerReader;
use crate::pipeline::cache::Keep;
use crate::pipeline::forward::{Answer, Connection};
use crate::pipeline::identify::replace;
use crate::pipeline::parse::Request;
use crate::pipeline::{ClientGone, Deps, Downstream, answer_headers};
use crate::protocol::strip_hop_by_hop;
use crate::upstream::{Exchange, Transport};
use bytes::Bytes;
use closing::{Closing, Framing};
use http::header::CONTENT_LENGTH;
use intake::{Audience, Intake};
use std::collections::VecDeque;
use std::pin::pin;

/// Sends the head and then the body, and judges how it went. Others may hear the answer
/// too: should its client leave, it goes on for them.
pub(super) async fn stream<D: Downstream, T: Transport>(
    deps: &Deps<T>,
    down: &mut D,
    answer: Answer<T::Exchange>,
    (request, mut keep): (&Request, Keep),
    rec: &mut RequestRecord,
) -> Verdict {
    let Answer { mut head, exchange, connection, mut deadline, load, timeouts, .. } = answer;
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
    let intake = Intake {
        deps,
        request,
        rec,
        status,
        exchange,
        reader,
        keep,
        deadline,
        timeouts,
        audience: Audience::Client,
        ahead: VecDeque::new(),
        read: 0,
        last: None,
    };
    let mut relay = Relay { down, intake };
    let ending = match relay.down.write_head(head).await {
        Err(ClientGone) if !relay.goes_on() => Ending::ClientLeft,
        Ok(()) | Err(ClientGone) => relay.body().await,
    };
    let last = relay.intake.take_last(ending);
    let Relay { down, intake: Intake { rec, exchange, audience, .. } } = relay;
    if last.ending == Ending::Complete && connection == Connection::Reusable {
        exchange.release().await;
    } else {
        // Closing the connection tells the upstream that nobody listens any more.
        drop(exchange);
    }
    drop(load);
    Closing { down, rec, clock: deps.clock, framing, status, audience }.close(last).await
}

/// The body on its way from the one to the other.
struct Relay<'a, D, T, X> {
    down: &'a mut D,
    intake: Intake<'a, T, X>,
}

impl<D: Downstream, T, X: Exchange> Relay<'_, D, T, X> {
    /// Reads and writes in turn, so that a slow client slows its upstream down.
    async fn body(&mut self) -> Ending {
        loop {
            let began = self.intake.now();
            let next = tokio::select! {
                biased;
                next = self.intake.next() => next,
                () = self.down.closed(), if self.intake.audience == Audience::Client => {
                    Err(Ending::ClientLeft)
                }
            };
            let now = self.intake.now();
            self.intake.rec.timeline.waited_since(began, now);
            match next {
                Ok(()) => {}
                Err(Ending::ClientLeft) if self.goes_on() => continue,
                Err(ending) => return ending,
            }
            while let Some(part) = self.intake.ahead.pop_front() {
                if self.write(part).await.is_err() && !self.goes_on() {
                    return Ending::ClientLeft;
                }
            }
        }
    }

    /// Whether there is more to do now that the client has left.
    fn goes_on(&mut self) -> bool {
        let goes_on = self.intake.goes_on_without_client();
        if goes_on {
            self.down.abort();
        }
        goes_on
    }

    /// Writes a part of the body. While a slow client does not take it, reading goes on for
    /// others who listen.
    async fn write(&mut self, part: Bytes) -> Result<(), ClientGone> {
        let Self { down, intake } = self;
        let (began, length) = (intake.now(), part.len() as u64);
        let written = {
            let mut writing = pin!(down.write_chunk(part));
            loop {
                tokio::select! {
                    biased;
                    written = &mut writing => break written,
                    () = intake.read_ahead() => {}
                }
            }
        };
        let now = intake.now();
        intake.rec.timeline.waited_since(began, now);
        if written.is_ok() {
            intake.rec.call.bytes_out += length;
        }
        written
    }
}
