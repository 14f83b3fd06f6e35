//! When to run so that the electricity for it is the cleanest.
//!
//! Owns the choice of a window in a forecast of the grid's carbon intensity, and the sentence
//! that explains it. A replay that can wait begins when its whole duration has the lowest mean;
//! whatever is in doubt, it begins at once. Must not know: where a forecast comes from, or what
//! time it is.

mod forecast;
#[cfg(test)]
mod tests;

pub use forecast::{Forecast, ForecastError, IntensityUnit};

use forecast::Slot;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Waiting for less than this share of the emissions is not worth it: forecasts are off by more.
const LEAST_GAIN: f64 = 0.01;

/// When to begin, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// When to begin.
    pub start: Start,
    /// Why.
    pub why: Why,
}

/// When to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At once.
    Now,
    /// Later.
    At {
        /// The date.
        date: SystemTime,
        /// How long that is.
        after: Duration,
    },
}

/// Why then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// The mean intensity is lower then, by at least one in a hundred.
    Cleaner {
        /// The mean if it began at once.
        now: f64,
        /// The mean then.
        then: f64,
        /// Of both.
        unit: IntensityUnit,
    },
    /// No window until the deadline is better by so much.
    BestNow {
        /// The mean if it begins at once.
        now: f64,
        /// Of it.
        unit: IntensityUnit,
    },
    /// The forecast does not say what the next hours are like, and nothing can be compared.
    OutOfReach,
    /// There is no time to wait.
    NoTime,
}

impl Forecast {
    /// When to begin a run that `lasts` so long and has to be over at `deadline`.
    pub fn advise(&self, now: SystemTime, lasts: Duration, deadline: SystemTime) -> Advice {
        let at_once = |why| Advice { start: Start::Now, why };
        let deadline = since_1970(deadline);
        let Some(latest) = deadline.checked_sub(lasts).filter(|latest| *latest > since_1970(now))
        else {
            return at_once(Why::NoTime);
        };
        let begin = since_1970(now);
        let Some(mean_now) = self.mean(begin, lasts) else {
            return at_once(Why::OutOfReach);
        };
        // Between these the mean changes evenly, so that the lowest one is at one of them.
        let ends = self.slots().iter().filter_map(|slot| slot.to.checked_sub(lasts));
        let starts = self.slots().iter().map(|slot| slot.from).chain(ends).chain([latest]);
        let starts = starts.filter(|start| (begin..=latest).contains(start));
        let means = starts.filter_map(|start| Some((start, self.mean(start, lasts)?)));
        // Of equal means the earliest.
        let best = means.min_by(|(a, mean_a), (b, mean_b)| mean_a.total_cmp(mean_b).then(a.cmp(b)));
        let unit = self.unit();
        match best {
            Some((start, then))
                if mean_now - then >= LEAST_GAIN * mean_now.abs() && start > begin =>
            {
                let start = Start::At { date: UNIX_EPOCH + start, after: start - begin };
                Advice { start, why: Why::Cleaner { now: mean_now, then, unit } }
            }
            _ => at_once(Why::BestNow { now: mean_now, unit }),
        }
    }

    /// The mean intensity of a time; `None` where not all of it is forecast.
    fn mean(&self, start: Duration, lasts: Duration) -> Option<f64> {
        let end = start.checked_add(lasts)?;
        let slots = self.slots();
        let first = slots.partition_point(|slot| slot.to <= start);
        if lasts.is_zero() {
            return slots.get(first).filter(|slot| slot.from <= start).map(|slot| slot.intensity);
        }
        let (mut until, mut sum) = (start, 0.0);
        for Slot { from, to, intensity } in slots.get(first..)? {
            if until >= end {
                break;
            }
            if *from > until {
                return None;
            }
            let part = (*to).min(end) - until;
            sum += intensity * part.as_secs_f64();
            until += part;
        }
        (until >= end).then(|| sum / lasts.as_secs_f64())
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            Start::Now => f.write_str("Begins at once: ")?,
            Start::At { date, after } => {
                let after = humantime::format_duration(Duration::from_secs(after.as_secs()));
                write!(f, "Waits {after}, until {}: ", humantime::format_rfc3339_seconds(date))?;
            }
        }
        match self.why {
            Why::Cleaner { now, then, unit } => {
                let less = 100.0 * (now - then) / now.abs();
                write!(f, "{then:.0}{unit} on average instead of {now:.0} now")?;
                if now > 0.0 { write!(f, ", {less:.0} % less.") } else { f.write_str(".") }
            }
            Why::BestNow { now, unit } => {
                write!(f, "{now:.0}{unit} on average, and no time until the deadline is better.")
            }
            Why::OutOfReach => f.write_str("the forecast does not say what it would be like now."),
            Why::NoTime => f.write_str("waiting would miss the deadline."),
        }
    }
}

fn since_1970(date: SystemTime) -> Duration {
    date.duration_since(UNIX_EPOCH).unwrap_or_default()
}
