//! Listening to another caller's exchange with an upstream, and passing on what is heard.
//!
//! Must not know: who leads, or how the exchange goes on without this caller.

use crate::cache::{FlightEnd, FlightHead, Follower, Heard, Leader};
use crate::error::Fault;
use crate::observe::verdict::{self, Ending};
use crate::observe::{RequestRecord, Saved, Verdict};
use crate::pipeline::cache::hit;
use crate::pipeline::{ClientGone, Deps, Downstream, respond, write_part};
use crate::protocol::CacheReport;
use crate::types::{CacheStatus, ErrorType, StreamEnd};
use crate::upstream::Timeouts;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::sleep;

/// How listening ended.
pub(super) enum Followed {
    /// The caller has an answer, as far as there was one.
    Answered(Verdict),
    /// Whoever led has failed, and this caller leads now.
    Leads(Leader),
    /// This caller has to ask for itself.
    Alone,
}

/// Passes on what is heard until nothing more comes. The answer has to begin within
/// `patience`.
///
/// # Errors
/// When the caller leaves before its answer has begun.
pub(super) async fn to_the_end<D: Downstream, T>(
    deps: &Deps<T>,
    down: &mut D,
    (mut follower, patience): (Follower, Duration),
    rec: &mut RequestRecord,
) -> Result<Followed, Fault> {
    let began = deps.clock.now();
    let heard = tokio::select! {
        biased;
        heard = follower.next() => heard,
        () = down.closed() => return Err(Fault::ClientGone),
        () = sleep(patience) => Heard::Alone,
    };
    rec.timeline.waited_since(began, deps.clock.now());
    let head = match heard {
        Heard::Head(head) => head,
        Heard::Leads(leader) => return Ok(Followed::Leads(leader)),
        _ => return Ok(Followed::Alone),
    };
    if let Some(cache) = &mut rec.cache {
        cache.status = CacheStatus::Collapsed;
    }
    down.set_write_timeout(Timeouts::default().idle);
    let mut listening = Listening { deps, down, rec, follower };
    Ok(Followed::Answered(listening.pass_on(&head).await))
}

struct Listening<'a, D, T> {
    deps: &'a Deps<T>,
    down: &'a mut D,
    rec: &'a mut RequestRecord,
    follower: Follower,
}

impl<D: Downstream, T> Listening<'_, D, T> {
    async fn pass_on(&mut self, head: &FlightHead) -> Verdict {
        let ended = match self.head(head).await {
            Ok(()) => self.body().await,
            Err(ClientGone) => Err(ClientGone),
        };
        match ended {
            Ok(Ended::Well) => verdict::answered(head.status),
            Ok(Ended::Broken) => {
                self.tell(head).await;
                self.down.abort();
                let cut = Ending::Cut(ErrorType::StreamTruncated);
                verdict::decide(head.status, StreamEnd::Open, cut)
            }
            Err(ClientGone) => {
                self.down.abort();
                verdict::client_left()
            }
        }
    }

    async fn head(&mut self, head: &FlightHead) -> Result<(), ClientGone> {
        let kind = (head.status, head.content_type.as_ref(), head.length);
        let head = hit::head(self.deps, kind, CacheReport::Collapsed, self.rec);
        self.down.write_head(head).await
    }

    async fn body(&mut self) -> Result<Ended, ClientGone> {
        loop {
            let began = self.deps.clock.now();
            let heard = tokio::select! {
                biased;
                heard = self.follower.next() => heard,
                () = self.down.closed() => return Err(ClientGone),
            };
            let now = self.deps.clock.now();
            self.rec.timeline.waited_since(began, now);
            match heard {
                Heard::Chunk(chunk) => {
                    self.rec.meter.on_chunk(now, chunk.bytes.len());
                    self.rec.meter.on_kind(now, chunk.kind);
                    self.write(chunk.bytes).await?;
                }
                Heard::End(end) => {
                    self.note(&end);
                    return self.down.finish().await.map(|()| Ended::Well);
                }
                _ => return Ok(Ended::Broken),
            }
        }
    }

    fn note(&mut self, end: &FlightEnd) {
        let time = self.deps.clock.now().saturating_duration_since(self.rec.timeline.received);
        self.rec.call.model_answered.clone_from(&end.model);
        self.rec.meter.facts.events = end.events;
        self.rec.meter.facts.end = StreamEnd::Terminated;
        self.rec.spare(Saved { time, tokens: end.usage, cost: end.cost });
    }

    /// Whoever reads a stream is told why it ends.
    async fn tell(&mut self, head: &FlightHead) {
        if head.is_stream() {
            let fault = Fault::Upstream(ErrorType::StreamTruncated);
            let event = [b"\n\n", &*respond::error_event(&fault, self.rec)].concat();
            // A client that is gone by now hears nothing either way.
            self.write(Bytes::from(event)).await.ok();
        }
    }

    async fn write(&mut self, part: Bytes) -> Result<(), ClientGone> {
        write_part(self.down, part, self.rec, self.deps.clock).await
    }
}

enum Ended {
    Well,
    Broken,
}
