//! Counters of what is no whole number when exported, such as dollars, but is counted in
//! whole billionths, so that a million small sums add up exactly.
//!
//! Must not know: what is counted.

use super::lines::Lines;
use super::series::Series;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One series.
#[derive(Debug, Default)]
pub struct ExactCounter(AtomicU64);

impl ExactCounter {
    /// Counts this many billionths.
    pub fn add(&self, billionths: u64) {
        self.0.fetch_add(billionths, Ordering::Relaxed);
    }

    /// All billionths so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Series for Arc<ExactCounter> {
    fn width(&self) -> usize {
        1
    }

    fn read(&self, values: &mut Vec<u64>) {
        values.push(self.get());
    }

    fn write(&self, values: &[u64], lines: &mut Lines<'_>) {
        values.iter().for_each(|billionths| lines.units("", *billionths));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_small_sums_add_up_exactly() {
        let series = Arc::new(ExactCounter::default());
        for _ in 0..1_000_000 {
            series.add(100);
        }
        let mut values = Vec::new();
        series.read(&mut values);
        assert_eq!(values, [100_000_000]);
    }
}
