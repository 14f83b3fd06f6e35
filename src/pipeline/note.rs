//! What a finished request's record says, as it is written down.
//!
//! Must not know: which exchanges are written down, or where they go.

use crate::capture::{AnswerNote, AttemptNote, CallNote, CallerNote, Exchange, Times};
use crate::observe::{Attempt, RequestRecord, Verdict};
use crate::types::{CacheStatus, ChunkNote, Clock, Outcome, StreamEnd};
use crate::upstream::Model;
use http::request::Parts;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// All that the record of a request for `model` knows of its exchange: neither request nor
/// answer, but of the answer what was seen of it.
pub(super) fn exchange(
    rec: &RequestRecord,
    (head, model): (&Parts, &Model),
    verdict: Verdict,
    clock: Clock,
) -> Box<Exchange> {
    let answer = AnswerNote {
        chunks: chunks(rec),
        complete: Some(is_complete(rec, verdict)),
        ..AnswerNote::default()
    };
    Box::new(Exchange {
        request_id: Some(rec.identity.request_id.as_str().to_owned()),
        trace_id: Some(rec.identity.trace_id),
        caller: CallerNote {
            key: rec.identity.key_alias.as_deref().map(str::to_owned),
            tenant: rec.identity.tenant.as_deref().map(str::to_owned),
            credential: None,
        },
        call: call(rec, head, model),
        answer: Some(answer),
        attempts: rec.attempts.iter().map(|attempt| noted(attempt, rec, model)).collect(),
        times: times(rec, verdict, clock),
        usage: rec.usage,
        cost: rec.cost,
        outcome: Some(verdict.outcome),
        error: verdict.error.map(|error| error.label().to_owned()),
        cache: rec.cache.as_ref().map(|cache| cache.status.label().to_owned()),
        ..Exchange::default()
    })
}

/// The chunks that were noted one by one; what came after them is left out.
fn chunks(rec: &RequestRecord) -> Vec<ChunkNote> {
    let Some(strip) = rec.meter.chunks() else { return Vec::new() };
    let mut notes: Vec<_> = strip.notes().collect();
    if strip.merged() > 0 {
        notes.pop();
    }
    notes
}

/// Whether the end of the answer was seen. What was kept of an answer has its end; what is
/// left to ask is whether the client has it.
fn is_complete(rec: &RequestRecord, verdict: Verdict) -> bool {
    let status = rec.cache.as_ref().map(|cache| cache.status);
    let is_kept = matches!(status, Some(CacheStatus::Hit(_) | CacheStatus::Stale(_)));
    let is_given = verdict.outcome != Outcome::ClientCancelled;
    rec.meter.facts.end == StreamEnd::Terminated || (is_kept && is_given)
}

fn call(rec: &RequestRecord, head: &Parts, model: &Model) -> CallNote {
    let (call, last) = (&rec.call, rec.attempts.last());
    CallNote {
        method: call.method.clone(),
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        dialect: Some(call.dialect),
        operation: Some(call.operation),
        streamed: Some(call.streamed),
        model: Some(model.name.clone()),
        model_asked: call.model_asked.clone(),
        model_sent: last.and_then(|last| last.model.as_deref()).map(str::to_owned),
        model_answered: call.model_answered.clone(),
    }
}

fn noted(attempt: &Attempt, rec: &RequestRecord, model: &Model) -> AttemptNote {
    let mut upstreams = model.targets.iter().map(|target| &target.upstream);
    let upstream = upstreams.find(|upstream| upstream.index == attempt.upstream);
    let name = upstream.map(|upstream| upstream.settings.name.clone());
    let since = |instant| since(rec, instant);
    AttemptNote {
        upstream: name.unwrap_or_default(),
        endpoint: attempt.endpoint.to_string(),
        began: since(attempt.started),
        ended: attempt.ended.map(since),
        status: attempt.status,
        error: attempt.error.map(|error| error.label().to_owned()),
    }
}

fn times(rec: &RequestRecord, verdict: Verdict, clock: Clock) -> Times {
    let since = |instant| since(rec, instant);
    let received = clock.date_of(rec.timeline.received).duration_since(UNIX_EPOCH);
    let last = rec.timeline.finished.map(since);
    let attempt = rec.attempts.last();
    Times {
        received: whole(received.unwrap_or_default()),
        sent: attempt.and_then(|attempt| attempt.sent).map(since),
        headers: attempt.and_then(|attempt| attempt.first_byte).map(since),
        first_byte: attempt.and_then(|attempt| attempt.first_chunk).map(since),
        first_token: rec.meter.first_token().map(since),
        last,
        client_closed: last.filter(|_| verdict.outcome == Outcome::ClientCancelled),
    }
}

fn since(rec: &RequestRecord, instant: Instant) -> Duration {
    whole(instant.saturating_duration_since(rec.timeline.received))
}

/// In whole microseconds, as everything there is.
fn whole(duration: Duration) -> Duration {
    Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}
