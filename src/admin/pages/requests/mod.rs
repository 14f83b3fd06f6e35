//! The recent requests: those that are wanted, and one in all its detail.
//!
//! | file | owns |
//! |---|---|
//! | `wanted` | what an address asks for |
//! | `list` | the list, with counts of what could be asked for next |
//! | `one` | a request: its waterfall, its stream, its facts |
//! | `said` | what was asked and answered, where it was captured |
//!
//! Must not know: how requests are kept.

mod list;
mod one;
mod said;
mod wanted;

pub(in crate::admin) use list::{list, rows_as_csv, rows_as_lines};
pub(in crate::admin) use one::show;

use crate::history::recent::RecentRequest;
use crate::types::Outcome;
use serde_json::{Value, json};
use std::time::SystemTime;

/// All that is known of a request, for programs; what was not measured is null.
fn value(request: &RecentRequest) -> Value {
    let attempts = request.attempts.iter().map(|attempt| {
        json!({
            "upstream": attempt.upstream, "endpoint": attempt.endpoint,
            "began_seconds": attempt.began.as_secs_f64(),
            "first_byte_seconds": attempt.first_byte.map(|at| at.as_secs_f64()),
            "ended_seconds": attempt.ended.map(|at| at.as_secs_f64()),
            "status": attempt.status,
            "error": attempt.error.map(|error| error.label()),
        })
    });
    json!({
        "request_id": request.request_id,
        "trace_id": request.trace_id.to_string(),
        "received": date(request.received),
        "origin": request.origin.label(),
        "method": request.method,
        "operation": request.operation.label(),
        "stream": request.streamed,
        "key": request.key,
        "model": request.model,
        "model_asked": request.model_asked,
        "model_sent": request.model_sent,
        "model_answered": request.model_answered,
        "attempts": attempts.collect::<Vec<_>>(),
        "outcome": request.outcome.label(),
        "status": request.status,
        "error": request.error.map(|error| error.label()),
        "duration_seconds": request.duration.as_secs_f64(),
        "time_to_first_token_seconds": request.first_token.map(|at| at.as_secs_f64()),
        "time_per_output_token_seconds": request.per_token.map(|time| time.as_secs_f64()),
        "overhead_seconds": request.overhead.map(|time| time.as_secs_f64()),
        "tokens_in": request.usage.map(|usage| usage.input),
        "tokens_out": request.usage.map(|usage| usage.output),
        "tokens_by": request.usage.map(|usage| usage.source.label()),
        "cost_usd": request.cost.map(|cost| cost.dollars()),
        "bytes_in": request.bytes_in,
        "bytes_out": request.bytes_out,
        "cache": request.cache.as_ref().map(|cache| cache.status.label()),
        "slo_missed": request.slo_missed,
        "captured": request.captured,
    })
}

fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

fn tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "good",
        Outcome::ClientError | Outcome::ClientCancelled | Outcome::RateLimited => "doubt",
        _ => "bad",
    }
}
