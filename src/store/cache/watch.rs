//! Whether the date can be trusted to have gone on since entries were stored.
//!
//! A date that jumps ahead lets entries expire early, which does no harm. One that is set back
//! makes every age too small, by no one knows how much.
//!
//! Must not know: what is stored.

use crate::types::Clock;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Steps back up to this long are taken for the clock's discipline.
const SLACK: u64 = 2_000;

/// A time by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Milliseconds since the Unix epoch.
    pub(super) date: u64,
    /// Goes on whatever becomes of the date.
    pub(super) instant: Instant,
}

impl Moment {
    /// Now.
    pub(super) fn now(clock: Clock) -> Self {
        let since_epoch = clock.date().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { date: millis(since_epoch), instant: clock.now() }
    }
}

/// Compares the date with the instant, and with the latest date that an earlier process saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// The moment with the latest date for its instant.
    latest: Moment,
}

/// What the date has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Date {
    /// It went on, or jumped ahead.
    WentOn,
    /// It was set back.
    SetBack,
}

impl Watch {
    /// Begins now.
    pub(super) fn new(now: Moment) -> Self {
        Self { latest: now }
    }

    /// Compares `now` with a date that was seen before the watch began.
    pub(super) fn compare(now: Moment, seen: u64) -> Date {
        if now.date.saturating_add(SLACK) < seen { Date::SetBack } else { Date::WentOn }
    }

    /// Compares `now` with every moment so far.
    pub(super) fn look(&mut self, now: Moment) -> Date {
        let elapsed = now.instant.saturating_duration_since(self.latest.instant);
        let expected = self.latest.date.saturating_add(millis(elapsed));
        let date = Self::compare(now, expected);
        if date == Date::SetBack || now.date >= expected {
            self.latest = now;
        }
        date
    }
}

/// Milliseconds, as many as there can be.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_800_000_000_000;

    /// A watch, and moments after so many milliseconds with so much added to the date.
    fn watch() -> (Watch, impl Fn(u64, i64) -> Moment) {
        let instant = Instant::now();
        let at = move |elapsed: u64, step: i64| Moment {
            date: (START + elapsed).checked_add_signed(step).unwrap(),
            instant: instant + Duration::from_millis(elapsed),
        };
        (Watch::new(at(0, 0)), at)
    }

    #[test]
    fn a_date_set_back_is_noticed_once() {
        let (mut watch, at) = watch();
        assert_eq!(watch.look(at(1_000, 0)), Date::WentOn);
        assert_eq!(watch.look(at(61_000, -30_000)), Date::SetBack);
        assert_eq!(watch.look(at(62_000, -30_000)), Date::WentOn);
    }

    #[test]
    fn small_steps_back_are_forgiven_only_as_long_as_their_sum_is_small() {
        let (mut watch, at) = watch();
        assert_eq!(watch.look(at(1_000, -1_000)), Date::WentOn);
        assert_eq!(watch.look(at(2_000, -2_000)), Date::WentOn);
        assert_eq!(watch.look(at(3_000, -3_000)), Date::SetBack);
    }

    #[test]
    fn a_date_that_jumped_ahead_and_comes_back_was_set_back() {
        let (mut watch, at) = watch();
        assert_eq!(watch.look(at(1_000, 3_600_000)), Date::WentOn);
        assert_eq!(watch.look(at(2_000, 0)), Date::SetBack);
    }

    #[test]
    fn a_date_before_the_one_seen_by_an_earlier_process_was_set_back() {
        let (_, at) = watch();
        assert_eq!(Watch::compare(at(0, 0), START + SLACK), Date::WentOn);
        assert_eq!(Watch::compare(at(0, 0), START + SLACK + 1), Date::SetBack);
    }
}
