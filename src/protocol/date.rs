//! Dates as other tools write them.
//!
//! Must not know: what they are dates of.

use std::time::{Duration, UNIX_EPOCH};

/// Where the seconds of a date end: `2026-01-01T00:00:00`.
const SECONDS_END: usize = 19;

/// Reads a date of RFC 3339 at any offset, also with a space for its `T`, as the time since 1970;
/// without an offset it is in UTC. `None` for anything else and for dates before 1970.
pub fn parse_date(text: &str) -> Option<Duration> {
    let (_, after) = text.split_at_checked(SECONDS_END)?;
    let offset_at = after.find(['+', '-', 'Z', 'z']).unwrap_or(after.len());
    let (local, offset) = text.split_at_checked(SECONDS_END + offset_at)?;
    let local = humantime::parse_rfc3339_weak(local).ok()?.duration_since(UNIX_EPOCH).ok()?;
    match offset.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => Some(local),
        Some(("+", offset)) => local.checked_sub(span(offset)?),
        Some((_, offset)) => local.checked_add(span(offset)?),
    }
}

/// `02:00` or `0200`.
fn span(text: &str) -> Option<Duration> {
    let digits = text.replace(':', "");
    let is_span = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let (hours, minutes) = is_span.then(|| digits.split_at(2))?;
    let minutes = hours.parse::<u64>().ok()? * 60 + minutes.parse::<u64>().ok()?;
    Some(Duration::from_secs(minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_at_any_offset() {
        for (text, seconds) in [
            ("1970-01-02T00:00:00Z", 86_400.0),
            ("1970-01-02 00:00:00.2500000", 86_400.25),
            ("1970-01-02 00:00:00.25+00:00", 86_400.25),
            ("1970-01-02T02:30:00.5+02:30", 86_400.5),
            ("1970-01-01T22:00:00-0200", 86_400.0),
        ] {
            assert_eq!(parse_date(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for bad in [
            "",
            "1970-01-01T01:00:00+02:00",
            "yesterday, or some such day",
            "1970-01-02T00:00:00+é",
            "1970-01-02T00:00:00+2",
        ] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }
}
