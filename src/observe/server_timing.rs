//! The `Server-Timing` response header (W3C Server Timing).
//!
//! Must not know: how headers are sent.

use crate::observe::RequestRecord;
use http::HeaderValue;
use std::fmt::Write;
use std::time::Instant;

/// `transom;dur=…, upstream;dur=…` in milliseconds, as known when the response head goes
/// out at `now`: Transom's own share (`total;dur=…`, the time so far, where that is not
/// known) and the upstream's time to its response head. What the upstream says itself
/// stands before it.
pub fn server_timing(
    record: &RequestRecord,
    upstreams_own: Option<&HeaderValue>,
    now: Instant,
) -> Option<HeaderValue> {
    let mut text = String::with_capacity(64);
    if let Some(theirs) = upstreams_own.and_then(|value| value.to_str().ok()) {
        text.push_str(theirs);
    }
    let overhead = record.timeline.overhead_until(now);
    let answered = record
        .attempts
        .last()
        .and_then(|attempt| Some(attempt.first_byte?.saturating_duration_since(attempt.started)));
    let total = now.saturating_duration_since(record.timeline.received);
    let total = overhead.is_none().then_some(total);
    let first_token = record.time_to_first_token();
    for (name, duration) in
        [("transom", overhead), ("total", total), ("upstream", answered), ("ttft", first_token)]
    {
        if let Some(duration) = duration {
            let comma = if text.is_empty() { "" } else { ", " };
            write!(text, "{comma}{name};dur={:.3}", duration.as_secs_f64() * 1e3).ok()?;
        }
    }
    HeaderValue::try_from(text).ok().filter(|value| !value.is_empty())
}
