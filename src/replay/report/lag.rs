//! How late requests were sent, in buckets that are the same for every run.
//!
//! Must not know: why a sender was late, or when that makes a run invalid.

use crate::types::Micros;

/// Buckets for each factor of ten.
const PER_DECADE: u32 = 5;
/// The first bucket ends at 10 µs, the last but one at 100 s.
const DECADES: u32 = 7;
const FIRST: f64 = 1e-5;
const BUCKETS: usize = (PER_DECADE * DECADES + 2) as usize;

/// Requests counted by how late they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LagCounts([u64; BUCKETS]);

/// The requests of one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LagBucket {
    /// The shortest lag, in seconds; the first bucket is drawn from a tenth of its end.
    pub from: f64,
    /// The longest; the last bucket is drawn to ten times its beginning.
    pub to: f64,
    /// How many.
    pub requests: u64,
}

impl Default for LagCounts {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl LagCounts {
    /// Counts `requests` that were sent `lag` after their instant.
    pub fn add(&mut self, lag: Micros, requests: u64) {
        let decades = (lag.seconds() / FIRST).log10();
        // Nothing at all is infinitely many decades below, and ends up in the first bucket.
        let at = (decades * f64::from(PER_DECADE)).ceil().clamp(0.0, (BUCKETS - 1) as f64) as usize;
        if let Some(count) = self.0.get_mut(at) {
            *count = count.saturating_add(requests);
        }
    }

    /// Adds the counts of other requests.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count = count.saturating_add(*more);
        }
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The buckets from the first to the last that is not empty; none where nothing was counted.
    pub fn buckets(&self) -> Vec<LagBucket> {
        let holds = |count: &u64| *count > 0;
        let (Some(first), Some(last)) =
            (self.0.iter().position(holds), self.0.iter().rposition(holds))
        else {
            return Vec::new();
        };
        let bucket = |at: usize| LagBucket {
            from: if at == 0 { end(0) / 10.0 } else { end(at - 1) },
            to: if at == BUCKETS - 1 { end(at - 1) * 10.0 } else { end(at) },
            requests: self.0.get(at).copied().unwrap_or(0),
        };
        (first..=last).map(bucket).collect()
    }
}

/// The longest lag of a bucket, in seconds.
fn end(bucket: usize) -> f64 {
    FIRST * 10_f64.powf(bucket as f64 / f64::from(PER_DECADE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lag_has_a_bucket_that_holds_it() {
        for micros in [0, 1, 9, 10, 11, 999, 1_000, 30_000, 99_999_999, 100_000_000] {
            let mut counts = LagCounts::default();
            counts.add(Micros(micros), 3);
            let buckets = counts.buckets();
            assert_eq!(buckets.len(), 1, "{micros}");
            assert_eq!(buckets[0].requests, 3);
            let seconds = Micros(micros).seconds();
            assert!(seconds <= buckets[0].to * (1.0 + 1e-9), "{micros}");
            assert!(seconds >= buckets[0].from * (1.0 - 1e-9) || micros < 10, "{micros}");
        }
        let mut counts = LagCounts::default();
        counts.add(Micros(u64::MAX), 1);
        assert_eq!(counts.buckets().len(), 1);
    }

    #[test]
    fn counts_add_up_and_stop_at_the_end() {
        let mut counts = LagCounts::default();
        assert!(counts.buckets().is_empty());
        counts.add(Micros(20), 2);
        counts.add(Micros(2_000), 1);
        let mut all = counts.clone();
        all.merge(&counts);
        assert_eq!(all.total(), 6);
        assert_eq!(all.buckets().len(), 11);
        all.add(Micros(20), u64::MAX);
        assert_eq!(all.total(), u64::MAX);
    }
}
