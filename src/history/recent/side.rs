//! What lies at the side of a row: all that is shown of a request and never looked for, but
//! its id and its upstreams, which come first.
//!
//! Must not know: what is looked for, or how requests are shown.

use super::names::{Names, WordId};
use super::packing::{Packer, Unpacker};
use super::request::{RecentAttempt, RecentCache, RecentRequest, Seq};
use super::row::{ErrorIndex, Row};
use crate::observe::{Attempt, CacheFacts, Judgements, Lookup, NOT_STORED, RequestRecord, Stored};
use crate::types::{
    ChunkStrip, Dialect, ErrorType, NanoUsd, StreamEnd, StreamFacts, Usage, UsageSource,
};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Room for the times of a stream's chunks, in bytes.
const CHUNKS: usize = 4 << 10;

/// What is kept at the side of the row of `record`, put together in `scratch`.
pub(super) fn pack(record: &RequestRecord, names: &Names, scratch: &mut Vec<u8>) -> Box<[u8]> {
    let since = |instant: Instant| instant.saturating_duration_since(record.timeline.received);
    let (call, mut out) = (&record.call, Packer::new(scratch));
    out.text(Some(record.identity.request_id.as_str()));
    out.number(record.attempts.len() as u64);
    for attempt in &record.attempts {
        out.number(attempt.upstream as u64);
    }
    for attempt in &record.attempts {
        put_attempt(&mut out, attempt, (names, &since));
    }
    out.text(Some(call.method.as_str()));
    out.number(u64::from(call.dialect == Dialect::Generic));
    out.text(call.model_asked.as_deref());
    let sent = record.attempts.last().and_then(|attempt| attempt.model.as_deref());
    out.maybe(sent.map(|sent| u64::from(names.word(sent).0)));
    out.text(call.model_answered.as_deref());
    out.maybe_time(record.meter.last_chunk().map(since));
    out.maybe_time(record.time_per_output_token());
    out.maybe_time(record.timeline.overhead());
    out.maybe(record.usage.map(|usage| usage.source.index() as u64));
    if let Some(usage) = record.usage {
        out.number(usage.input);
        out.number(usage.output);
    }
    out.maybe(record.cost.map(|cost| cost.0));
    out.number(call.bytes_in);
    out.number(call.bytes_out);
    if let Some(cache) = &record.cache {
        put_cache(&mut out, cache, &since);
    }
    out.number(record.slo.good);
    let facts = &record.meter.facts;
    out.number(facts.chunks);
    out.number(facts.events);
    out.time(facts.largest_gap);
    out.number(match facts.end {
        StreamEnd::Open => 0,
        StreamEnd::Terminated => 1,
        StreamEnd::ErrorEvent => 2,
    });
    let strip = record.meter.chunks().filter(|strip| call.streamed && !strip.is_empty());
    out.bytes(&strip.map(|strip| strip.packed(CHUNKS)).unwrap_or_default());
    out.packed()
}

fn put_attempt(
    out: &mut Packer<'_>,
    attempt: &Attempt,
    (names, since): (&Names, &impl Fn(Instant) -> Duration),
) {
    out.number(u64::from(names.word(&attempt.endpoint).0));
    out.time(since(attempt.started));
    for instant in
        [attempt.connected, attempt.sent, attempt.first_byte, attempt.first_chunk, attempt.ended]
    {
        out.maybe_time(instant.map(since));
    }
    out.maybe(attempt.status.map(u64::from));
    out.maybe(ErrorIndex::of(attempt.error).position().map(|position| position as u64));
}

fn put_cache(out: &mut Packer<'_>, cache: &CacheFacts, since: &impl Fn(Instant) -> Duration) {
    out.maybe_time(cache.lookup.map(|Lookup { began, .. }| since(began)));
    out.time(cache.lookup.map_or(Duration::ZERO, |Lookup { took, .. }| took));
    out.maybe_time(cache.saved.map(|saved| saved.time));
    out.maybe(cache.saved.and_then(|saved| saved.cost).map(|cost| cost.0));
    let rest = NOT_STORED.len() - 1;
    out.maybe(cache.stored.map(|stored| match stored {
        Stored::Yes => 0,
        Stored::No(why) => {
            let reason = NOT_STORED.iter().position(|reason| *reason == why);
            1 + reason.unwrap_or(rest) as u64
        }
    }));
}

/// The id at the side of a row.
pub(super) fn request_id(side: &[u8]) -> &str {
    Unpacker::new(side).text().unwrap_or_default()
}

/// The positions of the upstreams that were tried, in order.
pub(super) fn upstreams(side: &[u8]) -> Vec<usize> {
    let mut side = Unpacker::new(side);
    side.text();
    (0..side.number()).map(|_| side.position()).collect()
}

/// The whole request.
pub(super) fn unpack(seq: Seq, row: &Row, names: &Names) -> RecentRequest {
    let mut side = Unpacker::new(&row.side);
    let text = |text: Option<&str>| text.map(str::to_owned);
    let slo = |good| Judgements { good, bad: row.missed };
    let named = |bits: u64| {
        let positions = Judgements { good: 0, bad: bits };
        positions.missed().filter_map(|at| names.objectives.get(at).cloned()).collect()
    };
    // In the order in which they were packed: struct expressions are evaluated as written.
    RecentRequest {
        seq,
        request_id: text(side.text()).unwrap_or_default(),
        attempts: attempts(&mut side, names),
        method: text(side.text()).unwrap_or_default(),
        dialect: if side.number() == 0 { Dialect::OpenAi } else { Dialect::Generic },
        model_asked: text(side.text()),
        model_sent: side.maybe().map(|id| word(id, names)),
        model_answered: text(side.text()),
        last_chunk: side.maybe_time(),
        per_token: side.maybe_time(),
        overhead: side.maybe_time(),
        usage: usage(&mut side),
        cost: side.maybe().map(NanoUsd),
        bytes_in: side.number(),
        bytes_out: side.number(),
        cache: row.cache.map(|status| RecentCache {
            status,
            lookup: {
                let (began, took) = (side.maybe_time(), side.time());
                began.map(|began| (began, took))
            },
            saved_time: side.maybe_time(),
            saved_cost: side.maybe().map(NanoUsd),
            stored: side.maybe().map(stored),
        }),
        slo: slo(side.number()),
        stream: stream(&mut side),
        chunks: Some(side.bytes()).filter(|bytes| !bytes.is_empty()).map(ChunkStrip::unpacked),
        slo_met: Vec::new(),
        slo_missed: named(row.missed),
        trace_id: row.trace_id,
        origin: row.origin,
        received: UNIX_EPOCH + Duration::from_micros(row.received()),
        ended: UNIX_EPOCH + Duration::from_micros(row.ended),
        operation: row.operation,
        streamed: row.streamed,
        key: row.key.map(|key| names.word_named(key)),
        model: names.model_named(row.model),
        outcome: row.outcome,
        status: row.status,
        error: row.error.get(),
        duration: Duration::from_micros(row.duration),
        first_token: row.first_token().map(Duration::from_micros),
        kept: row.kept,
        captured: row.captured,
    }
    .with_met(named)
}

impl RecentRequest {
    fn with_met(mut self, named: impl Fn(u64) -> Vec<Arc<str>>) -> Self {
        self.slo_met = named(self.slo.good);
        self
    }
}

fn attempts(side: &mut Unpacker<'_>, names: &Names) -> Vec<RecentAttempt> {
    let upstreams: Vec<usize> = (0..side.number()).map(|_| side.position()).collect();
    let unknown = || Arc::from("_other");
    let attempt = |upstream: usize| RecentAttempt {
        upstream: names.upstreams.get(upstream).cloned().unwrap_or_else(unknown),
        endpoint: word(side.number(), names),
        began: side.time(),
        connected: side.maybe_time(),
        sent: side.maybe_time(),
        first_byte: side.maybe_time(),
        first_chunk: side.maybe_time(),
        ended: side.maybe_time(),
        status: side.maybe().and_then(|status| u16::try_from(status).ok()),
        error: side.maybe().and_then(|at| ErrorType::all().nth(usize::try_from(at).ok()?)),
    };
    upstreams.into_iter().map(attempt).collect()
}

fn usage(side: &mut Unpacker<'_>) -> Option<Usage> {
    let source = side.maybe()?;
    let (input, output) = (side.number(), side.number());
    let source = *UsageSource::ALL.get(usize::try_from(source).ok()?)?;
    Some(Usage { input, output, source })
}

fn stored(code: u64) -> Stored {
    let reason = usize::try_from(code).ok().and_then(|code| code.checked_sub(1));
    reason.and_then(|at| NOT_STORED.get(at)).map_or(Stored::Yes, |why| Stored::No(why))
}

fn stream(side: &mut Unpacker<'_>) -> StreamFacts {
    StreamFacts {
        chunks: side.number(),
        events: side.number(),
        largest_gap: side.time(),
        end: match side.number() {
            0 => StreamEnd::Open,
            1 => StreamEnd::Terminated,
            _ => StreamEnd::ErrorEvent,
        },
    }
}

fn word(id: u64, names: &Names) -> Arc<str> {
    names.word_named(WordId(u16::try_from(id).unwrap_or(0)))
}
