//! When a run begins: one instant by two clocks.
//!
//! Must not know: what begins, or who else begins then.

use crate::types::{Clock, Micros};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// The first requests can be ready after so long.
const READY: Duration = Duration::from_millis(100);

/// When a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// When the plan's clock is zero.
    pub instant: Instant,
    /// The same, since 1970.
    pub date: Micros,
}

impl Start {
    /// As soon as the first requests can be ready.
    pub fn soon(clock: Clock) -> Self {
        Self::after(clock, READY)
    }

    /// When so much time has passed: what is left until an instant that several workers wait
    /// for.
    pub fn after(clock: Clock, left: Duration) -> Self {
        let since = clock.date().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { instant: clock.now() + left, date: (since + left).into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_mean_the_same_instant() {
        let clock = Clock::system();
        let (soon, later) = (Start::soon(clock), Start::after(clock, Duration::from_secs(60)));
        let apart = later.instant.duration_since(soon.instant).as_secs_f64();
        let by_date = later.date.since(soon.date).seconds();
        assert!((apart - by_date).abs() < 5.0 && (apart - 60.0).abs() < 5.0, "{apart} {by_date}");
    }
}
