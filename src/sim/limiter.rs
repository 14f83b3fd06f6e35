//! Lets so many requests through per second.
//!
//! Must not know: what a refused request is told.

use crate::sim::RateLimit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const BURST: Duration = Duration::from_secs(1);

/// The generic cell rate algorithm (ITU-T I.371), which keeps one number: the time at which
/// the next request would arrive if all came evenly. It may run ahead by [`BURST`].
pub(super) struct Limiter {
    started: Instant,
    interval: u64,
    expected: AtomicU64,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit, now: Instant) -> Self {
        let interval = nanoseconds(BURST) / u64::from(limit.per_second());
        Self { started: now, interval, expected: AtomicU64::new(0) }
    }

    /// Lets a request pass, or says after how long one would.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Duration> {
        let now = nanoseconds(now.saturating_duration_since(self.started));
        let next = |expected: u64| expected.max(now) + self.interval;
        let latest = now + nanoseconds(BURST);
        self.expected
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |expected| {
                Some(next(expected)).filter(|next| *next <= latest)
            })
            .map(drop)
            .map_err(|expected| Duration::from_nanos(next(expected) - latest))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lets_the_limit_through_and_the_next_second_again() {
        let start = Instant::now();
        let limiter = Limiter::new("5".parse().unwrap(), start);
        let passed = |now| (0..20).filter(|_| limiter.admit(now).is_ok()).count();
        assert_eq!(passed(start), 5);
        assert_eq!(passed(start + Duration::from_millis(200)), 1);
        assert_eq!(passed(start + Duration::from_secs(9)), 5);
    }

    #[test]
    fn a_refused_request_that_waits_as_told_passes() {
        let start = Instant::now();
        let limiter = Limiter::new("1".parse().unwrap(), start);
        assert_eq!(limiter.admit(start), Ok(()));
        assert_eq!(limiter.admit(start), Err(Duration::from_secs(1)));
        assert_eq!(limiter.admit(start + Duration::from_secs(1)), Ok(()));
    }
}
