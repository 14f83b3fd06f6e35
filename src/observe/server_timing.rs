//! The `Server-Timing` response header (W3C Server Timing).
//!
//! Must not know: how headers are sent.

use crate::observe::RequestRecord;
use http::HeaderValue;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// `transom;dur=…, upstream;dur=…` in milliseconds, as known when the response head goes
/// out at `now`: Transom's own share, and the upstream's time to its response head.
pub fn server_timing(
    record: &RequestRecord,
    upstreams_own: Option<&HeaderValue>,
    now: Instant,
) -> Option<HeaderValue> {
    let mut text = String::with_capacity(64);
    if let Some(theirs) = upstreams_own.and_then(|value| value.to_str().ok()) {
        text.push_str(theirs);
        text.push_str(", ");
    }
    metric(&mut text, "transom", record.timeline.overhead_until(now))?;
    let answered = record
        .attempts
        .last()
        .and_then(|attempt| Some(attempt.first_byte?.saturating_duration_since(attempt.started)));
    if let Some(upstream) = answered {
        text.push_str(", ");
        metric(&mut text, "upstream", upstream)?;
    }
    if let Some(first_token) = record.time_to_first_token() {
        text.push_str(", ");
        metric(&mut text, "ttft", first_token)?;
    }
    HeaderValue::try_from(text).ok()
}

fn metric(text: &mut String, name: &str, duration: Duration) -> Option<()> {
    write!(text, "{name};dur={:.3}", duration.as_secs_f64() * 1e3).ok()
}
