//! When sums that are too old may be forgotten: a clock that stands wrong for a moment must not
//! cost the past of a year.
//!
//! Must not know: what is forgotten.

use std::time::{Duration, Instant, SystemTime};

/// How often what is too old is looked for.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// By how much the two clocks may disagree on that time.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Remembers when both clocks were last looked at.
#[derive(Debug, Default)]
pub(super) struct Retention {
    last: Option<(Instant, SystemTime)>,
}

impl Retention {
    /// Whether what is too old by `date` may go: the date has moved on for a quarter of an
    /// hour as the monotonic clock has.
    pub(super) fn is_due(&mut self, now: Instant, date: SystemTime) -> bool {
        let Some((then, dated)) = self.last else {
            self.last = Some((now, date));
            return false;
        };
        let passed = now.saturating_duration_since(then);
        if passed < EVERY {
            return false;
        }
        self.last = Some((now, date));
        let moved = date.duration_since(dated).ok();
        moved.is_some_and(|moved| moved.abs_diff(passed) < TOLERANCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumped_is_believed_when_it_has_gone_on_from_there() {
        let (now, date) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 31));
        let quarters = |count: u32| EVERY * count;
        let century = Duration::from_secs(3_600 * 24 * 36_500);
        let mut retention = Retention::default();
        assert!(!retention.is_due(now, date));
        assert!(!retention.is_due(now + EVERY / 2, date + EVERY / 2));
        assert!(retention.is_due(now + quarters(1), date + quarters(1)));
        assert!(!retention.is_due(now + quarters(2), date + century));
        assert!(!retention.is_due(now + quarters(3), date + quarters(3)), "it jumped back");
        assert!(retention.is_due(now + quarters(4), date + quarters(4)));
        assert!(!retention.is_due(now + quarters(5), date + century + quarters(5)));
        assert!(retention.is_due(now + quarters(6), date + century + quarters(6)));
    }
}
