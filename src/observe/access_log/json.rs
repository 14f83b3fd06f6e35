//! A record as one JSON object. Serialisation escapes every control character, so a
//! stranger's text cannot forge a line.
//!
//! Must not know: where the line goes. Bodies and keys never reach it.

use crate::observe::{CacheFacts, KeepReason, RecordNames, RequestRecord};
use crate::types::{CacheTier, Outcome, UsageSource};
use serde::Serialize;
use std::io;
use std::time::Duration;

/// What stands for the status of a cache where the route has none.
const NO_CACHE: &str = "none";

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    trace_id: String,
    span_id: String,
    request_id: &'a str,
    origin: &'static str,
    replay: Option<&'a str>,
    method: &'a str,
    route: &'static str,
    operation: &'static str,
    model: String,
    model_asked: Option<&'a str>,
    model_answered: Option<&'a str>,
    upstream: Option<&'a str>,
    endpoint: Option<&'a str>,
    status: u16,
    outcome: &'static str,
    error_type: Option<&'static str>,
    stream: bool,
    tokens_in: Option<u64>,
    tokens_out: Option<u64>,
    tokens_estimated: Option<bool>,
    ttft_ms: Option<f64>,
    duration_ms: f64,
    overhead_ms: Option<f64>,
    cost_usd: Option<f64>,
    cache: &'static str,
    cache_tier: Option<&'static str>,
    attempts: usize,
    chunks: u64,
    key: Option<&'a str>,
    bytes_in: u64,
    bytes_out: u64,
    slo_missed: Vec<&'a str>,
    kept: Option<&'static str>,
}

/// Appends the line and its newline to `text`.
pub(super) fn write_line(
    text: &mut Vec<u8>,
    record: &RequestRecord,
    names: &RecordNames,
) -> io::Result<()> {
    let (identity, call, verdict) = (&record.identity, &record.call, record.verdict);
    let (last, cache) = (record.attempts.last(), record.cache.as_ref());
    let line = Line {
        timestamp: timestamp(record, names),
        level: level(verdict.outcome),
        trace_id: identity.trace_id.to_string(),
        span_id: identity.span_id.to_string(),
        request_id: identity.request_id.as_str(),
        origin: record.origin.label(),
        replay: record.origin.replay().map(|mark| &*mark.run),
        method: call.method.as_str(),
        route: call.operation.route(),
        operation: call.operation.label(),
        model: names.model(call.model),
        model_asked: call.model_asked.as_deref(),
        model_answered: call.model_answered.as_deref(),
        upstream: last.and_then(|attempt| names.upstream(attempt.upstream)),
        endpoint: last.map(|attempt| &*attempt.endpoint),
        status: verdict.status,
        outcome: verdict.outcome.label(),
        error_type: verdict.error.map(crate::types::ErrorType::label),
        stream: call.streamed,
        tokens_in: record.usage.map(|usage| usage.input),
        tokens_out: record.usage.map(|usage| usage.output),
        tokens_estimated: record.usage.map(|usage| usage.source == UsageSource::Estimated),
        ttft_ms: record.time_to_first_token().map(millis),
        duration_ms: millis(record.timeline.duration()),
        overhead_ms: record.timeline.overhead().map(millis),
        cost_usd: record.cost.map(|cost| cost.dollars()),
        cache: cache.map_or(NO_CACHE, |cache| cache.status.label()),
        cache_tier: cache.and_then(CacheFacts::tier).map(CacheTier::label),
        attempts: record.attempts.len(),
        chunks: record.meter.facts.chunks,
        key: identity.key_alias.as_deref(),
        bytes_in: call.bytes_in,
        bytes_out: call.bytes_out,
        slo_missed: names.missed(record.slo).collect(),
        kept: record.kept.map(KeepReason::label),
    };
    serde_json::to_writer(&mut *text, &line)?;
    text.push(b'\n');
    Ok(())
}

/// When the request ended, RFC 3339 in UTC with milliseconds.
pub(super) fn timestamp(record: &RequestRecord, names: &RecordNames) -> String {
    let ended = record.timeline.finished.unwrap_or(record.timeline.received);
    humantime::format_rfc3339_millis(names.clock.date_of(ended)).to_string()
}

/// A failure of the upstream's or ours is worth a look; the caller's own is not.
fn level(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success | Outcome::ClientError | Outcome::ClientCancelled => "info",
        Outcome::RateLimited => "warn",
        _ => "error",
    }
}

/// Milliseconds to the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
