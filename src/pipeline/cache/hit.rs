//! An answer that is there already, given to the caller as it once came.
//!
//! Must not know: where it was kept, or why it may be given.

use crate::cache::{Answer, Entry, Found, Freshness, Pace};
use crate::observe::{RequestRecord, Saved, Verdict, verdict};
use crate::pipeline::identify::replace;
use crate::pipeline::{ClientGone, Deps, Downstream, answer_headers, write_part};
use crate::protocol::{CacheReport, age, cache_status, x_cache};
use crate::types::{CacheStatus, ChunkKind};
use crate::upstream::Timeouts;
use bytes::Bytes;
use http::header::{AGE, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::response::Parts;
use http::{Response, StatusCode};
use std::time::Duration;
use tokio::time::sleep;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// Answers with an entry.
pub(super) async fn serve<D: Downstream, T>(
    deps: &Deps<T>,
    down: &mut D,
    (Found { entry, tier }, pace): (&Found, Pace),
    rec: &mut RequestRecord,
) -> Verdict {
    let (answer, now) = (&entry.answer, deps.clock.now());
    let (status, report) = match entry.freshness(now) {
        Freshness::Fresh { left } => (CacheStatus::Hit(*tier), CacheReport::Hit { left }),
        Freshness::Stale { by } => (CacheStatus::Stale(*tier), CacheReport::Stale { by }),
        // It was not when it was chosen.
        Freshness::Gone => (CacheStatus::Stale(*tier), CacheReport::Stale { by: Duration::ZERO }),
    };
    if let Some(cache) = &mut rec.cache {
        cache.status = status;
    }
    rec.call.model_answered.clone_from(&answer.model);
    rec.meter.facts.events = answer.events;
    rec.spare(Saved { time: answer.took, tokens: answer.usage, cost: answer.cost });
    let length = (!answer.is_stream()).then(|| answer.length());
    let kind = (answer.status, answer.content_type.as_ref(), length);
    let mut head = head(deps, kind, report, rec);
    head.headers.insert(AGE, age(entry.age(now)));
    down.set_write_timeout(Timeouts::default().idle);
    let mut replay = Replay { deps, down, rec };
    let given = match replay.down.write_head(head).await {
        Ok(()) => replay.body(entry, pace).await,
        Err(ClientGone) => Err(ClientGone),
    };
    match given {
        Ok(()) => verdict::answered(answer.status),
        Err(ClientGone) => {
            down.abort();
            verdict::client_left()
        }
    }
}

/// The head of an answer that no upstream was asked for: its status, type, and length where
/// that is known.
pub(super) fn head<T>(
    deps: &Deps<T>,
    (status, content_type, length): (u16, Option<&HeaderValue>, Option<u64>),
    report: CacheReport,
    rec: &RequestRecord,
) -> Parts {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    if let Some(content_type) = content_type {
        head.headers.insert(CONTENT_TYPE, content_type.clone());
    }
    if let Some(length) = length {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    tell(&mut head.headers, report, rec);
    let ours = answer_headers(deps, &head.headers, rec);
    replace(&mut head.headers, ours);
    head
}

/// Tells the caller what the cache has to do with its answer.
pub(super) fn tell(headers: &mut HeaderMap, report: CacheReport, rec: &RequestRecord) {
    if let Some(cache) = &rec.cache {
        headers.insert(CACHE_STATUS, cache_status(report));
        headers.insert(X_CACHE, x_cache(cache.status));
    }
}

struct Replay<'a, D, T> {
    deps: &'a Deps<T>,
    down: &'a mut D,
    rec: &'a mut RequestRecord,
}

impl<D: Downstream, T> Replay<'_, D, T> {
    async fn body(&mut self, entry: &Entry, pace: Pace) -> Result<(), ClientGone> {
        let answer = &entry.answer;
        match pace {
            Pace::AtOnce => self.write(entry.body(), answer.kind()).await?,
            Pace::Recorded => {
                self.paced(answer, |frame, first| frame.saturating_sub(first)).await?
            }
            Pace::TokensPerSecond(rate) => {
                let token = Duration::from_secs(1) / rate.get();
                let mut tokens = 0;
                self.paced(answer, |_, _| {
                    tokens += 1;
                    token * (tokens - 1)
                })
                .await?;
            }
        }
        self.down.finish().await
    }

    /// Writes each frame when it is `due` after the first: given its own time and that of the
    /// first, as they were recorded.
    async fn paced(
        &mut self,
        answer: &Answer,
        mut due: impl FnMut(Duration, Duration) -> Duration,
    ) -> Result<(), ClientGone> {
        let begin = self.deps.clock.now();
        let first = answer.frames.first().map_or(Duration::ZERO, |frame| frame.after);
        for frame in &answer.frames {
            let now = self.deps.clock.now();
            let left = due(frame.after, first).saturating_sub(now.duration_since(begin));
            if !left.is_zero() {
                tokio::select! {
                    () = self.down.closed() => return Err(ClientGone),
                    () = sleep(left) => {}
                }
                self.rec.timeline.waited_since(now, self.deps.clock.now());
            }
            self.write(frame.bytes.clone(), frame.kind).await?;
        }
        Ok(())
    }

    async fn write(&mut self, part: Bytes, kind: ChunkKind) -> Result<(), ClientGone> {
        let now = self.deps.clock.now();
        self.rec.meter.on_chunk(now, part.len());
        self.rec.meter.on_kind(now, kind);
        write_part(self.down, part, self.rec, self.deps.clock).await
    }
}
