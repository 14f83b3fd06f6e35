//! `1.5s`
//!
//! Must not know: what is timed.

use super::{Format, Refusal, number};
use std::time::Duration;

/// Units in nanoseconds.
const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("d", 24 * 3600 * SECOND),
];
const SECOND: u64 = 1_000_000_000;

/// Longer than any request, short enough to be added to any moment.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

impl Format for Duration {
    const NAME: &'static str = "transom-duration";
    const NOUN: &'static str = "a duration";
    const EXAMPLES: &'static [&'static str] = &["1.5s", "200ms"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let nanoseconds = number::read(text, UNITS).ok_or(Refusal::Malformed)?;
        match Self::from_nanos(nanoseconds) {
            long if long > LONGEST => Err(Refusal::Because("is longer than 365d".into())),
            duration => Ok(duration),
        }
    }

    fn write(&self) -> String {
        match u64::try_from(self.as_nanos()).unwrap_or(u64::MAX) {
            0 => "0s".to_owned(),
            nanoseconds => number::write(nanoseconds, UNITS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let read = |text| <Duration as Format>::read(text).ok();
        assert_eq!(read("200ms"), Some(Duration::from_millis(200)));
        assert_eq!(read("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(read("15m"), Some(Duration::from_secs(900)));
        assert_eq!(read("1h"), Some(Duration::from_secs(3600)));
        for wrong in ["", "5", "2 parsecs", "-1s", "1s 200ms", "infs", "366d", "9999999d"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_duration_is_written_as_it_is_read() {
        for text in ["200ms", "1500ms", "15m", "1h", "30d", "0s"] {
            assert_eq!(<Duration as Format>::read(text).unwrap().write(), text);
        }
    }
}
