//! How many requests a model had in the last minute, without a lock.
//!
//! Must not know: what is decided by it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A sliding minute in one word, so that one exchange moves all of it.
#[derive(Debug, Default)]
pub(super) struct Traffic(AtomicU64);

/// `minute:16 | before:24 | current:24`. Counts stop at 16,777,215.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Window {
    minute: u16,
    before: u32,
    current: u32,
}

const COUNT_BITS: u32 = 24;
const MOST: u32 = (1 << COUNT_BITS) - 1;

impl Traffic {
    /// Counts one request that ended `at` after some fixed moment. Returns the requests of
    /// the minute up to then, this one included: the part of the minute before that still
    /// belongs to it is taken to have been even.
    pub(super) fn count(&self, at: Duration) -> f64 {
        let minute = (at.as_secs() / 60) as u16;
        let counted = |packed| Some(Window::unpack(packed).counting(minute).pack());
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted);
        let window = Window::unpack(before.unwrap_or_else(|same| same)).counting(minute);
        let gone = (at.as_secs_f64() / 60.0).fract();
        f64::from(window.before) * (1.0 - gone) + f64::from(window.current)
    }
}

impl Window {
    /// One request more, in `minute`. Threads may come to a new minute in any order: a late
    /// one counts in the minute that the others have reached.
    fn counting(self, minute: u16) -> Self {
        let ahead = minute.wrapping_sub(self.minute);
        let late = ahead > u16::MAX / 2;
        let (minute, before, current) = match ahead {
            _ if late => (self.minute, self.before, self.current),
            0 => (minute, self.before, self.current),
            1 => (minute, self.current, 0),
            _ => (minute, 0, 0),
        };
        Self { minute, before, current: (current + 1).min(MOST) }
    }

    fn pack(self) -> u64 {
        let counts = (u64::from(self.before) << COUNT_BITS) | u64::from(self.current);
        (u64::from(self.minute) << (2 * COUNT_BITS)) | counts
    }

    fn unpack(packed: u64) -> Self {
        let count = |shift: u32| (packed >> shift) as u32 & MOST;
        let minute = (packed >> (2 * COUNT_BITS)) as u16;
        Self { minute, before: count(COUNT_BITS), current: count(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_steady_rate_reads_the_same_at_every_moment() {
        let traffic = Traffic::default();
        for tick in 0..2_400 {
            let seen = traffic.count(at(f64::from(tick) * 0.1));
            let expected = f64::from((tick + 1).min(600));
            assert!((seen - expected).abs() <= 2.0, "{tick}: {seen}");
        }
    }

    #[test]
    fn a_pause_of_minutes_forgets_what_was_before() {
        let traffic = Traffic::default();
        for _ in 0..100 {
            traffic.count(at(1.0));
        }
        assert!((traffic.count(at(61.0)) - 99.3).abs() < 0.1);
        assert_eq!(traffic.count(at(600.0)), 1.0);
    }

    #[test]
    fn a_late_thread_does_not_turn_time_back() {
        let traffic = Traffic::default();
        traffic.count(at(59.9));
        traffic.count(at(60.1));
        traffic.count(at(59.95));
        assert!((traffic.count(at(60.2)) - 4.0).abs() < 0.1);
    }

    #[test]
    fn counts_stop_before_they_spill_over() {
        let full = Window { minute: 7, before: MOST, current: MOST };
        assert_eq!(Window::unpack(full.counting(7).pack()), full);
    }

    #[test]
    fn no_request_of_many_threads_is_lost() {
        let traffic = Traffic::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).map(|_| traffic.count(at(5.0))).fold(0.0, f64::max));
            }
        });
        assert_eq!(traffic.count(at(5.0)), 4_001.0);
    }
}
