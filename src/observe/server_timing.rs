//! The `Server-Timing` response header (W3C Server Timing).
//!
//! Must not know: how headers are sent.

use crate::observe::RequestRecord;
use http::HeaderValue;
use std::fmt::{self, Write};
use std::time::{Duration, Instant};

/// `transom;dur=…, cache;desc=miss;dur=…, upstream;dur=…` in milliseconds, as known when the
/// response head goes out at `now`: Transom's own share (`total;dur=…`, the time so far,
/// where that is not known), what the cache said and how long it was asked, and the
/// upstream's time to its response head. What the upstream says itself stands before it.
pub fn server_timing(
    record: &RequestRecord,
    upstreams_own: Option<&HeaderValue>,
    now: Instant,
) -> Option<HeaderValue> {
    let mut text = String::with_capacity(96);
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
    let cache = record.cache.as_ref();
    let said = cache.map(|cache| cache.status.label());
    let lookup = cache.and_then(|cache| cache.lookup);
    for (name, desc, duration) in [
        ("transom", None, overhead),
        ("total", None, total),
        ("cache", said, lookup.map(|lookup| lookup.took)),
        ("upstream", None, answered),
        ("ttft", None, record.time_to_first_token()),
    ] {
        write_entry(&mut text, name, desc, duration).ok()?;
    }
    HeaderValue::try_from(text).ok().filter(|value| !value.is_empty())
}

/// Of which nothing is known is left out.
fn write_entry(
    text: &mut String,
    name: &str,
    desc: Option<&str>,
    duration: Option<Duration>,
) -> fmt::Result {
    if desc.is_none() && duration.is_none() {
        return Ok(());
    }
    let comma = if text.is_empty() { "" } else { ", " };
    write!(text, "{comma}{name}")?;
    if let Some(desc) = desc {
        write!(text, ";desc={desc}")?;
    }
    if let Some(duration) = duration {
        write!(text, ";dur={:.3}", duration.as_secs_f64() * 1e3)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::trace::record;
    use crate::observe::{CacheFacts, Lookup};
    use crate::types::{BypassReason, CacheStatus, CacheTier};

    #[test]
    fn what_the_cache_said_stands_between_our_share_and_the_upstreams() {
        let mut record = record();
        let now = record.timeline.received + Duration::from_millis(1_000);
        let timing = |record: &RequestRecord| {
            let value = server_timing(record, None, now).expect("a value");
            value.to_str().expect("text").to_owned()
        };
        let rest = "upstream;dur=90.000, ttft;dur=200.000";
        assert_eq!(timing(&record), format!("transom;dur=20.000, {rest}"));
        record.cache = Some(CacheFacts::new(CacheStatus::Bypass(BypassReason::Sampled)));
        assert_eq!(timing(&record), format!("transom;dur=20.000, cache;desc=bypass, {rest}"));
        let lookup = Lookup { began: record.timeline.received, took: Duration::from_micros(120) };
        let hit = CacheFacts::new(CacheStatus::Hit(CacheTier::Memory));
        record.cache = Some(CacheFacts { lookup: Some(lookup), ..hit });
        let cache = "cache;desc=hit;dur=0.120";
        assert_eq!(timing(&record), format!("transom;dur=20.000, {cache}, {rest}"));
    }
}
