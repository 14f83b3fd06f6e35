//! The instant at which all workers of a run begin.
//!
//! It is written as a date of RFC 3339 in UTC, on a line of its own, wherever workers can read
//! it: beside the plan, in a mounted file, in an argument. Their clocks have to agree, which is
//! the operator's concern (NTP); how well they do is how well the workers do. Must not know:
//! what begins.

use crate::types::Micros;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The date is asked for again after at most so long, because it may be set anew meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// The rest of the time belongs to the worker, whose first requests have to be made ready.
const AHEAD: Duration = Duration::from_secs(1);
/// A worker that comes later than this is not waited for, and must not begin: what it should
/// have sent would be late, and its run invalid.
const PATIENCE: Duration = Duration::from_millis(100);

/// A date: the zero of every instant of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StartAt(Micros);

/// Why nothing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BarrierError {
    /// It is no date.
    #[error("it must be a date in UTC such as 2026-01-01T00:00:00Z")]
    Unreadable,
    /// The others have begun.
    #[error("the run began {} before this worker was there", humantime::format_duration(*.by))]
    Missed {
        /// How long ago.
        by: Duration,
    },
}

impl StartAt {
    /// At that date; before 1970 at 1970.
    pub fn date(date: SystemTime) -> Self {
        Self(date.duration_since(UNIX_EPOCH).unwrap_or_default().into())
    }

    /// How long it is until then.
    ///
    /// # Errors
    /// When it is past by more than 100 ms.
    pub fn left(self, now: SystemTime) -> Result<Duration, BarrierError> {
        match self.past(now) {
            Some(by) if by > PATIENCE => Err(BarrierError::Missed { by }),
            Some(_) => Ok(Duration::ZERO),
            None => Ok(Duration::from(self.0).saturating_sub(since_1970(now))),
        }
    }

    /// Waits until shortly before: what comes back is how long it is until then, a second at
    /// most. `now` tells the date and `sleep` lets time pass; neither needs to be exact.
    ///
    /// # Errors
    /// When it has begun too long ago: see [`Self::left`]. Once waiting, a worker is never too
    /// late.
    pub async fn wait(
        self,
        now: impl Fn() -> SystemTime,
        sleep: impl AsyncFn(Duration),
    ) -> Result<Duration, BarrierError> {
        let mut left = self.left(now())?;
        while left > AHEAD {
            sleep((left - AHEAD).min(LONGEST_SLEEP)).await;
            left = Duration::from(self.0).saturating_sub(since_1970(now()));
        }
        Ok(left)
    }

    fn past(self, now: SystemTime) -> Option<Duration> {
        since_1970(now).checked_sub(self.0.into())
    }
}

impl FromStr for StartAt {
    type Err = BarrierError;

    fn from_str(text: &str) -> Result<Self, BarrierError> {
        let date = humantime::parse_rfc3339(text.trim());
        date.map(Self::date).map_err(|_| BarrierError::Unreadable)
    }
}

impl fmt::Display for StartAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The end of the year 9999, beyond which there are no dates to write.
        const LAST: Duration = Duration::from_secs(253_402_300_799);
        let date = UNIX_EPOCH + Duration::from(self.0).min(LAST);
        humantime::format_rfc3339_micros(date).fmt(f)
    }
}

fn since_1970(date: SystemTime) -> Duration {
    date.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000) + Duration::from_millis(millis)
    }

    #[tokio::test]
    async fn a_worker_waits_until_shortly_before_and_learns_how_long_it_is_still() {
        let clock = Cell::new(at(0));
        let slept = RefCell::new(Vec::new());
        let sleep = async |time: Duration| {
            slept.borrow_mut().push(time);
            // A timer that is 3 ms late each time.
            clock.set(clock.get() + time + Duration::from_millis(3));
        };
        let left = StartAt::date(at(3_500)).wait(|| clock.get(), sleep).await;
        assert_eq!(left, Ok(Duration::from_millis(997)));
        let slept: Vec<_> = slept.into_inner().iter().map(Duration::as_millis).collect();
        assert_eq!(slept, [1_000, 1_000, 494]);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_meanwhile_is_followed() {
        let clock = Cell::new(at(0));
        let naps = Cell::new(0);
        let sleep = async |time: Duration| {
            naps.set(naps.get() + 1);
            // Set back by 5 s during the first second.
            let step = if naps.get() == 1 { Duration::from_secs(5) } else { Duration::ZERO };
            clock.set(clock.get() + time - step);
        };
        let left = StartAt::date(at(3_000)).wait(|| clock.get(), sleep).await;
        assert_eq!((left, naps.get()), (Ok(Duration::from_secs(1)), 7));
    }

    #[tokio::test]
    async fn who_comes_too_late_does_not_begin() {
        let start = StartAt::date(at(0));
        let never = async |_: Duration| unreachable!();
        assert_eq!(start.wait(|| at(40), never).await, Ok(Duration::ZERO));
        let missed = start.wait(|| at(2_000), never).await.unwrap_err();
        assert_eq!(missed, BarrierError::Missed { by: Duration::from_secs(2) });
        assert_eq!(missed.to_string(), "the run began 2s before this worker was there");
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let start = StartAt::date(at(250));
        assert_eq!(start.to_string(), "2027-01-15T08:00:00.250000Z");
        assert_eq!(format!("{start}\n").parse(), Ok(start));
        assert_eq!("soon".parse::<StartAt>(), Err(BarrierError::Unreadable));
    }
}
