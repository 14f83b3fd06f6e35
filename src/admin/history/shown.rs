//! Past requests and sums as JSON: seconds, RFC 3339 dates, null for what is not known.
//!
//! Must not know: what was asked for.

use crate::history::recent::{Facet, Facets, RecentAttempt, RecentCache, RecentRequest};
use crate::history::rollup::{Point, Quantity, Tally};
use crate::observe::{KeepReason, Stored};
use crate::types::{
    BypassReason, CacheStatus, CacheTier, ChunkKind, ChunkStrip, ErrorType, Outcome,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A request in a list.
pub(in crate::admin) fn request(request: &RecentRequest) -> Value {
    json!({
        "seq": request.seq.0,
        "request_id": request.request_id,
        "trace_id": request.trace_id.to_string(),
        "origin": request.origin.label(),
        "received": date(request.received),
        "method": request.method,
        "route": request.operation.route(),
        "operation": request.operation.label(),
        "stream": request.streamed,
        "key": request.key.as_deref(),
        "model": &*request.model,
        "model_asked": request.model_asked,
        "model_sent": request.model_sent.as_deref(),
        "model_answered": request.model_answered,
        "upstream": request.attempts.last().map(|attempt| &*attempt.upstream),
        "attempts": request.attempts.len(),
        "outcome": request.outcome.label(),
        "status": request.status,
        "error_type": request.error.map(ErrorType::label),
        "duration_seconds": seconds(request.duration),
        "ttft_seconds": request.first_token.map(seconds),
        "tpot_seconds": request.per_token.map(seconds),
        "overhead_seconds": request.overhead.map(seconds),
        "tokens_in": request.usage.map(|usage| usage.input),
        "tokens_out": request.usage.map(|usage| usage.output),
        "tokens_counted_by": request.usage.map(|usage| usage.source.label()),
        "cost_usd": request.cost.map(|cost| cost.dollars()),
        "bytes_in": request.bytes_in,
        "bytes_out": request.bytes_out,
        "cache": request.cache.as_ref().map(|cache| cache.status.label()),
        "slo_missed": texts(&request.slo_missed),
        "captured": request.captured,
        "kept": request.kept.map(KeepReason::label),
    })
}

/// A request, with its attempts and the times of its chunks.
pub(in crate::admin) fn whole_request(whole: &RecentRequest) -> Value {
    let mut shown = request(whole);
    let more = json!({
        "ended": date(whole.ended),
        "attempts": whole.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "last_chunk_seconds": whole.last_chunk.map(seconds),
        "cache": whole.cache.as_ref().map(cache),
        "slo_met": texts(&whole.slo_met),
        "chunk_count": whole.stream.chunks,
        "event_count": whole.stream.events,
        "largest_gap_seconds": seconds(whole.stream.largest_gap),
        "chunks": whole.chunks.as_ref().map(chunks),
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

fn attempt(attempt: &RecentAttempt) -> Value {
    json!({
        "upstream": &*attempt.upstream,
        "endpoint": &*attempt.endpoint,
        "began_seconds": seconds(attempt.began),
        "connected_seconds": attempt.connected.map(seconds),
        "sent_seconds": attempt.sent.map(seconds),
        "first_byte_seconds": attempt.first_byte.map(seconds),
        "first_chunk_seconds": attempt.first_chunk.map(seconds),
        "ended_seconds": attempt.ended.map(seconds),
        "status": attempt.status,
        "error_type": attempt.error.map(ErrorType::label),
    })
}

fn cache(cache: &RecentCache) -> Value {
    let (tier, reason) = match cache.status {
        CacheStatus::Hit(tier) | CacheStatus::Stale(tier) => (Some(tier), None),
        CacheStatus::Bypass(reason) => (None, Some(reason)),
        CacheStatus::Miss | CacheStatus::Collapsed => (None, None),
    };
    json!({
        "status": cache.status.label(),
        "tier": tier.map(CacheTier::label),
        "bypassed": reason.map(BypassReason::label),
        "lookup_began_seconds": cache.lookup.map(|(began, _)| seconds(began)),
        "lookup_seconds": cache.lookup.map(|(_, took)| seconds(took)),
        "saved_seconds": cache.saved_time.map(seconds),
        "saved_usd": cache.saved_cost.map(|cost| cost.dollars()),
        "stored": cache.stored.map(|stored| stored == Stored::Yes),
        "not_stored": cache.stored.and_then(|stored| match stored {
            Stored::Yes => None,
            Stored::No(why) => Some(why),
        }),
    })
}

/// Each chunk as microseconds since the one before, bytes, and whether it held generated
/// output.
fn chunks(strip: &ChunkStrip) -> Value {
    let chunk = |note: crate::types::ChunkNote| {
        let micros = u64::try_from(note.after.as_micros()).unwrap_or(u64::MAX);
        json!([micros, note.length, note.kind == ChunkKind::Generated])
    };
    json!({ "chunks": strip.notes().map(chunk).collect::<Vec<_>>(), "merged": strip.merged() })
}

/// Counts by value.
pub(in crate::admin) fn facets(facets: &Facets) -> Value {
    let counts = |facets: &[Facet]| -> Map<String, Value> {
        facets.iter().map(|facet| (facet.value.to_string(), facet.count.into())).collect()
    };
    json!({
        "matching": facets.matching,
        "model": counts(&facets.models),
        "outcome": counts(&facets.outcomes),
        "error": counts(&facets.errors),
        "upstream": counts(&facets.upstreams),
        "cache": counts(&facets.caches),
        "key": counts(&facets.keys),
    })
}

/// A step of time.
pub(in crate::admin) fn point(point: &Point) -> Value {
    json!({
        "from": date(point.from),
        "lasts_seconds": point.lasts.as_secs_f64(),
        "requests_per_second": point.requests_per_second(),
        "tokens_per_second": point.tokens_per_second(),
        "sums": point.tally.as_ref().map(tally),
    })
}

/// Sums.
pub(in crate::admin) fn tally(tally: &Tally) -> Value {
    let outcomes: Map<String, Value> = Outcome::ALL
        .into_iter()
        .filter(|outcome| tally.outcome(*outcome) > 0)
        .map(|outcome| (outcome.label().to_owned(), tally.outcome(outcome).into()))
        .collect();
    let errors: Map<String, Value> = tally
        .errors()
        .into_iter()
        .map(|(error, count)| (error.label().to_owned(), count.into()))
        .collect();
    let upstreams: Map<String, Value> = tally
        .upstreams()
        .map(|(name, attempts)| {
            (name.to_owned(), json!({ "ok": attempts.ok, "failed": attempts.failed }))
        })
        .collect();
    json!({
        "requests": tally.requests(),
        "success_ratio": tally.success_ratio(),
        "outcomes": outcomes,
        "errors": errors,
        "upstreams": upstreams,
        "duration_seconds": quantiles(tally, Quantity::Duration),
        "ttft_seconds": quantiles(tally, Quantity::FirstToken),
        "tpot_seconds": quantiles(tally, Quantity::PerToken),
        "tokens_in": tally.tokens_in(),
        "tokens_out": tally.tokens_out(),
        "cost_usd": tally.cost().dollars(),
        "cache_share": tally.cache_share(),
        "saved_tokens": tally.saved_tokens(),
        "saved_usd": tally.saved_cost().dollars(),
    })
}

fn quantiles(tally: &Tally, quantity: Quantity) -> Value {
    let histogram = tally.times(quantity);
    let quantile = |share| histogram.quantile(share).map(|time| time.as_secs_f64());
    json!({
        "measured": histogram.count(),
        "p50": quantile(0.5),
        "p95": quantile(0.95),
        "p99": quantile(0.99),
    })
}

/// A list of names.
pub(in crate::admin) fn texts(names: &[Arc<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

/// RFC 3339 in UTC, to the microsecond.
pub(in crate::admin) fn date(date: SystemTime) -> String {
    humantime::format_rfc3339_micros(date).to_string()
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
