//! Whether the last minutes are unlike the hour before: early signs, long before a budget
//! burns too fast.
//!
//! ```text
//! ├──────────── baseline, 60 min ────────────┤─── gap, 30 min ───├─ recent, 5 min ─┤ now
//! ```
//!
//! The gap keeps a slow rise from becoming its own baseline. Must not know: objectives.

use crate::observe::slo::burn::FEWEST_BAD;
use crate::observe::slo::ring::difference;
use crate::types::EventCounts;
use serde::Serialize;
use std::collections::VecDeque;

const BASELINE: usize = 60;
const GAP: usize = 30;
const RECENT: usize = 5;
/// Minutes with events that a baseline needs.
const LEAST_MINUTES: usize = 20;
/// Standard deviations from the baseline that are no chance.
const UNUSUAL: f64 = 3.0;
/// Times that differ by less than this share are the same.
const SAME_TIME: f64 = 0.05;

/// How unusual the last five minutes are, in standard deviations of the single minutes of the
/// baseline; positive is worse. `None` where there is too little to compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Anomaly {
    /// Of the share of bad events.
    pub errors_z: Option<f64>,
    /// Of the mean of the time that the objective is about.
    pub latency_z: Option<f64>,
    /// Whether either is unusual and rests on at least five events.
    pub anomalous: bool,
}

/// Sums over a span of time, or since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Events.
    pub(super) counts: EventCounts,
    /// The measured times.
    pub(super) nanoseconds: u64,
    /// How many were measured.
    pub(super) measured: u64,
}

/// The last minutes.
#[derive(Debug, Default)]
pub(super) struct Trend {
    newest: Option<u32>,
    seen: Sums,
    minutes: VecDeque<Sums>,
}

impl Trend {
    /// The clock says `minute`; `now` is everything counted so far.
    pub(super) fn advance(&mut self, minute: u32, now: Sums) {
        let newest = self.newest.replace(minute).unwrap_or(minute);
        for _ in 0..minute.saturating_sub(newest).min((BASELINE + GAP + RECENT) as u32) {
            self.minutes.push_back(now.since(self.seen));
            self.seen = now;
        }
        let kept = BASELINE + GAP + RECENT;
        self.minutes.drain(..self.minutes.len().saturating_sub(kept));
    }

    /// How unusual the last whole minutes are.
    pub(super) fn anomaly(&self) -> Anomaly {
        let baseline = self.minutes.len().saturating_sub(GAP + RECENT);
        let baseline: Vec<Sums> = self.minutes.iter().take(baseline).copied().collect();
        let recent = self.minutes.iter().rev().take(RECENT);
        let recent = recent.fold(Sums::default(), |sum, minute| sum.plus(minute));
        let errors_z = errors(&baseline, recent.counts);
        let latency_z = times(&baseline, recent);
        let unusual = |z: Option<f64>| z.is_some_and(|z| z >= UNUSUAL);
        let anomalous = unusual(errors_z) && recent.counts.bad >= FEWEST_BAD
            || unusual(latency_z) && recent.measured >= FEWEST_BAD;
        Anomaly { errors_z, latency_z, anomalous }
    }
}

/// The deviation of the share of bad events. It is at least what chance alone makes of so few
/// events, with one bad event added (Laplace), so that none at all does not mean never.
fn errors(baseline: &[Sums], recent: EventCounts) -> Option<f64> {
    let shares = |minute: &Sums| share(minute.counts);
    let (mean, deviation) = spread(baseline.iter().filter_map(shares))?;
    let all = baseline.iter().fold(Sums::default(), |sum, minute| sum.plus(minute)).counts;
    let expected = (all.bad + 1) as f64 / (all.total + 2) as f64;
    let chance = (expected * (1.0 - expected) / recent.total as f64).sqrt();
    Some((share(recent)? - mean) / deviation.max(chance))
}

/// The deviation of the mean time, at least [`SAME_TIME`].
fn times(baseline: &[Sums], recent: Sums) -> Option<f64> {
    let (mean, deviation) = spread(baseline.iter().filter_map(Sums::mean_time))?;
    let deviation = deviation.max(mean * SAME_TIME);
    (deviation > 0.0).then_some((recent.mean_time()? - mean) / deviation)
}

fn share(counts: EventCounts) -> Option<f64> {
    (counts.total > 0).then(|| counts.bad as f64 / counts.total as f64)
}

/// Mean and standard deviation; `None` of too few.
fn spread(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let values: Vec<f64> = values.collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() >= LEAST_MINUTES).then(|| (mean, (squares / (count - 1.0)).sqrt()))
}

impl Sums {
    fn since(self, earlier: Self) -> Self {
        Self {
            counts: difference(self.counts, earlier.counts),
            nanoseconds: self.nanoseconds.wrapping_sub(earlier.nanoseconds),
            measured: self.measured.saturating_sub(earlier.measured),
        }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            counts: EventCounts {
                total: self.counts.total + other.counts.total,
                bad: self.counts.bad + other.counts.bad,
            },
            nanoseconds: self.nanoseconds.saturating_add(other.nanoseconds),
            measured: self.measured + other.measured,
        }
    }

    fn mean_time(&self) -> Option<f64> {
        (self.measured > 0).then(|| self.nanoseconds as f64 / 1e9 / self.measured as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Random;

    /// A trend over minutes of 120 events each, of which `bad` are bad and which take `took`
    /// seconds, both with noise; the first minute that is unusual.
    fn first_unusual(
        minutes: u32,
        bad: impl Fn(u32) -> f64,
        took: impl Fn(u32) -> f64,
    ) -> Option<u32> {
        let random = Random::seeded(7);
        let (mut trend, mut sums) = (Trend::default(), Sums::default());
        let chance = |share: f64| (random.below(1 << 20) as f64) < share * f64::from(1 << 20);
        trend.advance(1_000, sums);
        (0..minutes).find(|minute| {
            for _ in 0..120 {
                let noise = 0.5 + random.below(1_000) as f64 / 1_000.0;
                sums.counts.total += 1;
                sums.counts.bad += u64::from(chance(bad(*minute)));
                sums.nanoseconds += (took(*minute) * noise * 1e9) as u64;
                sums.measured += 1;
            }
            trend.advance(1_001 + minute, sums);
            trend.anomaly().anomalous
        })
    }

    #[test]
    fn steady_series_are_silent() {
        assert_eq!(first_unusual(3_000, |_| 0.0, |_| 1.0), None);
        assert_eq!(first_unusual(3_000, |_| 0.01, |_| 1.0), None);
        assert_eq!(first_unusual(3_000, |_| 0.3, |_| 0.02), None);
    }

    #[test]
    fn a_rise_is_seen_long_before_it_is_a_disaster() {
        let from_120 = |minute: u32| f64::from(minute.saturating_sub(120));
        let errors = |minute| 0.005 + 0.001 * from_120(minute);
        let seen = first_unusual(3_000, errors, |_| 1.0).unwrap();
        assert!((121..150).contains(&seen), "{seen}: a share of {}", errors(seen));
        let took = |minute| 1.0 + 0.01 * from_120(minute);
        let seen = first_unusual(3_000, |_| 0.0, took).unwrap();
        assert!((121..150).contains(&seen), "{seen}: {} s", took(seen));
    }

    #[test]
    fn a_rise_from_the_very_start_is_seen_too() {
        let seen = first_unusual(300, |_| 0.0, |minute| 1.0 + 0.02 * f64::from(minute)).unwrap();
        assert!(seen < 70, "{seen}");
    }

    #[test]
    fn without_events_there_is_nothing_to_compare() {
        let mut trend = Trend::default();
        for minute in 0..300 {
            trend.advance(minute, Sums::default());
        }
        assert_eq!(trend.anomaly(), Anomaly::default());
    }

    #[test]
    fn a_few_errors_after_a_clean_hour_are_no_anomaly() {
        let (mut trend, mut sums) = (Trend::default(), Sums::default());
        for minute in 0..200 {
            sums.counts.total += 10;
            sums.counts.bad += u64::from(minute % 98 == 97);
            trend.advance(minute, sums);
            assert!(!trend.anomaly().anomalous, "{minute}");
        }
    }

    #[test]
    fn a_jump_of_the_clock_is_time_without_events() {
        let mut trend = Trend::default();
        trend.advance(0, Sums::default());
        trend.advance(u32::MAX, Sums { measured: 1, ..Sums::default() });
        trend.advance(5, Sums { measured: 2, ..Sums::default() });
        trend.advance(6, Sums { measured: 2, ..Sums::default() });
        assert!(trend.minutes.len() <= BASELINE + GAP + RECENT);
        assert_eq!(trend.minutes.back().unwrap().measured, 1);
    }
}
