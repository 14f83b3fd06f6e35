//! Times in few buckets that grow by a fixed factor, so that sums of years still tell a
//! percentile, to a fifth of its value or so.
//!
//! Must not know: whose times they are.

use std::ops::Range;
use std::time::Duration;

/// What is measured of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// From the head of the request to its end.
    Duration,
    /// Until the first generated output; of streams.
    FirstToken,
    /// Per output token after the first; of streams whose upstream counts them.
    PerToken,
}

/// Bounds between buckets.
const BOUNDS: usize = 30;
/// Buckets: below the first bound, between two, from the last one on.
pub const BUCKETS: usize = BOUNDS + 1;

/// 1 ms to 631 s in steps of 1.58; a decade is five.
const DURATION: [u64; BOUNDS] = powers(1_000, &[1_000, 1_585, 2_512, 3_981, 6_310]);
/// 1 ms to 68 s in steps of 1.47; a decade is six.
const FIRST_TOKEN: [u64; BOUNDS] = powers(1_000, &[1_000, 1_468, 2_154, 3_162, 4_642, 6_813]);
/// 100 µs to 6.8 s in steps of 1.47.
const PER_TOKEN: [u64; BOUNDS] = powers(100, &[1_000, 1_468, 2_154, 3_162, 4_642, 6_813]);

/// `first` microseconds times each of the thousandths in `decade`, then times ten, and so on.
const fn powers(first: u64, decade: &[u64]) -> [u64; BOUNDS] {
    let (mut bounds, mut at, mut power) = ([0; BOUNDS], 0, first);
    while at < BOUNDS {
        bounds[at] = power * decade[at % decade.len()] / 1_000;
        at += 1;
        if at.is_multiple_of(decade.len()) {
            power *= 10;
        }
    }
    bounds
}

impl Quantity {
    /// All quantities.
    pub const ALL: [Self; 3] = [Self::Duration, Self::FirstToken, Self::PerToken];

    /// In the words of settings and answers.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::FirstToken => "ttft",
            Self::PerToken => "tpot",
        }
    }

    /// The bounds between buckets, in microseconds, ascending.
    pub const fn bounds(self) -> &'static [u64; BOUNDS] {
        match self {
            Self::Duration => &DURATION,
            Self::FirstToken => &FIRST_TOKEN,
            Self::PerToken => &PER_TOKEN,
        }
    }

    /// What falls into a bucket: the start or more, less than the end. The last one has no end.
    pub fn bucket(self, bucket: usize) -> Range<Duration> {
        let bound = |at: usize| self.bounds().get(at).copied().map(Duration::from_micros);
        let start = bucket.checked_sub(1).and_then(bound).unwrap_or_default();
        start..bound(bucket).unwrap_or(Duration::MAX)
    }
}

/// Times of one quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    quantity: Quantity,
    counts: [u64; BUCKETS],
}

impl Histogram {
    /// Nothing measured yet.
    pub(in crate::history) const fn new(quantity: Quantity) -> Self {
        Self { quantity, counts: [0; BUCKETS] }
    }

    /// Counts a time, cut to whole microseconds.
    pub(in crate::history) fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.quantity.bounds().partition_point(|bound| *bound <= micros);
        self.counts[bucket] += 1;
    }

    /// Counts what falls into a bucket; there is no bucket beyond the last.
    pub(super) fn add(&mut self, bucket: usize, count: u64) {
        let bucket = &mut self.counts[bucket.min(BUCKETS - 1)];
        *bucket = bucket.saturating_add(count);
    }

    /// Adds what another one of the same quantity has counted.
    pub(in crate::history) fn merge(&mut self, other: &Self) {
        for (mine, more) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*more);
        }
    }

    /// How many fell into each bucket.
    pub const fn counts(&self) -> &[u64; BUCKETS] {
        &self.counts
    }

    /// How many were measured.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, more| sum.saturating_add(*more))
    }

    /// The time that a share of `quantile`, 0 to 1, does not exceed: interpolated within its
    /// bucket; beyond the last bound, that bound. `None` where nothing was measured.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = quantile.clamp(0.0, 1.0) * self.count() as f64;
        let mut below = 0.0;
        for (bucket, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let within = *count as f64;
            if below + within >= rank {
                let Range { start, end } = self.quantity.bucket(bucket);
                let end = if end == Duration::MAX { start } else { end };
                return Some(start + (end - start).mul_f64((rank - below).max(0.0) / within));
            }
            below += within;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_ascend_by_a_steady_factor() {
        for quantity in Quantity::ALL {
            for pair in quantity.bounds().windows(2) {
                let factor = pair[1] as f64 / pair[0] as f64;
                assert!((1.44..1.62).contains(&factor), "{quantity:?}: {pair:?}");
            }
        }
        assert_eq!(Quantity::Duration.bounds()[BOUNDS - 1], 631_000_000);
        assert_eq!(Quantity::PerToken.bounds()[0], 100);
    }

    #[test]
    fn a_time_falls_into_the_bucket_that_says_so() {
        for quantity in Quantity::ALL {
            for micros in [0, 99, 100, 999, 1_000, 1_001, 1_585, 50_000, 700_000_000, u64::MAX] {
                let mut histogram = Histogram::new(quantity);
                let time = Duration::from_micros(micros);
                histogram.record(time);
                let bucket = histogram.counts().iter().position(|count| *count == 1).unwrap();
                assert!(quantity.bucket(bucket).contains(&time), "{quantity:?}: {time:?}");
            }
        }
    }

    #[test]
    fn a_quantile_is_interpolated_within_its_bucket() {
        let mut histogram = Histogram::new(Quantity::Duration);
        assert_eq!(histogram.quantile(0.5), None);
        let bucket = 11;
        let Range { start, end } = Quantity::Duration.bucket(bucket);
        histogram.add(bucket, 10);
        assert_eq!(histogram.quantile(0.5), Some((start + end) / 2));
        assert_eq!((histogram.quantile(0.0), histogram.quantile(1.0)), (Some(start), Some(end)));
        histogram.add(BUCKETS - 1, 90);
        assert_eq!(histogram.quantile(0.99), Some(Duration::from_secs(631)));
    }
}
