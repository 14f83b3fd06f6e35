//! When the tier is left alone, and for how long.
//!
//! Must not know: Redis.

use crate::types::Random;
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Failures in a row after which the tier is left alone.
const ENOUGH: u32 = 3;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Failures in a row. Those of attempts made at the same time are one: when the network
/// stalls once, a busy proxy sees a hundred.
#[derive(Debug, Default)]
pub(super) struct Streak(Mutex<Option<Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    in_a_row: u32,
    last: Instant,
}

impl Streak {
    /// An attempt that began at `began` failed `now`. Whether that was enough to give up.
    pub(super) fn failed(&self, began: Instant, now: Instant) -> bool {
        let mut failures = self.0.lock();
        let in_a_row = match *failures {
            Some(before) if began < before.last => return false,
            Some(before) => before.in_a_row.saturating_add(1),
            None => 1,
        };
        *failures = Some(Failures { in_a_row, last: now });
        in_a_row >= ENOUGH
    }

    /// It worked.
    pub(super) fn ended(&self) {
        *self.0.lock() = None;
    }
}

/// How long to leave it alone: 1 s, twice as long each time, up to 30 s; a little more by
/// chance, so that many proxies do not all return at once.
#[derive(Debug)]
pub(super) struct BackOff {
    next: Duration,
    random: Random,
}

impl BackOff {
    pub(super) fn new(random: Random) -> Self {
        Self { next: SHORTEST, random }
    }

    /// How long this time.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        let most = u64::try_from(wait.as_millis() / 4).unwrap_or(0);
        wait + Duration::from_millis(self.random.below(most))
    }

    /// It worked for `time`. A server that only just answers is no reason to hurry back.
    pub(super) fn worked_for(&mut self, time: Duration) {
        if time >= LONGEST {
            self.next = SHORTEST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_are_enough_and_two_are_not() {
        let (streak, now) = (Streak::default(), Instant::now());
        let fails = || streak.failed(now, now);
        assert!(!fails() && !fails());
        streak.ended();
        assert!(!fails() && !fails() && fails());
    }

    #[test]
    fn failures_at_the_same_time_are_one() {
        let (streak, start) = (Streak::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert!((0..100).all(|ms| !streak.failed(at(ms), at(ms + 100))), "one stall");
        assert!(!streak.failed(at(150), at(250)), "another");
        assert!(!streak.failed(at(240), at(251)));
        assert!(streak.failed(at(250), at(300)), "a third");
    }

    #[test]
    fn the_wait_doubles_to_half_a_minute_and_begins_anew_after_a_good_time() {
        let mut back_off = BackOff::new(Random::seeded(1));
        let waits: Vec<_> = (0..7).map(|_| back_off.next()).collect();
        for (wait, least) in waits.iter().zip([1, 2, 4, 8, 16, 30, 30].map(Duration::from_secs)) {
            assert!((least..least * 5 / 4).contains(wait), "{wait:?} for {least:?}");
        }
        back_off.worked_for(Duration::from_secs(2));
        assert!(back_off.next() >= LONGEST);
        back_off.worked_for(LONGEST);
        assert!(back_off.next() < SHORTEST * 2);
    }
}
