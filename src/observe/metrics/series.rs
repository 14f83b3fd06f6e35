//! What a family of series has to be able to do to be exported, and the crate `prometheus`'
//! values that can.
//!
//! Must not know: which families there are, or when they are exported.

use super::lines::Lines;
use prometheus::{Gauge, IntCounter, IntGauge};

/// A handle on one series.
pub trait Series: Clone + Send + Sync {
    /// How many numbers [`Series::read`] appends, the same for all series of a family, and
    /// how many lines [`Series::write`] writes.
    fn width(&self) -> usize;

    /// Appends all that its text depends on. Waits for nobody.
    fn read(&self, values: &mut Vec<u64>);

    /// Writes what was read.
    fn write(&self, values: &[u64], lines: &mut Lines<'_>);
}

/// The crate's values have names of their own, which nobody sees.
const UNSEEN: &str = "unseen";

/// A counter of its own, at 0.
pub fn counter() -> IntCounter {
    valid(IntCounter::new(UNSEEN, UNSEEN))
}

/// A gauge of its own, at 0.
pub fn gauge() -> IntGauge {
    valid(IntGauge::new(UNSEEN, UNSEEN))
}

/// A ratio of its own, at 0.
pub fn ratio() -> Gauge {
    valid(Gauge::new(UNSEEN, UNSEEN))
}

fn valid<T>(made: prometheus::Result<T>) -> T {
    made.unwrap_or_else(|error| unreachable!("a constant name is not valid: {error}"))
}

impl Series for IntCounter {
    fn width(&self) -> usize {
        1
    }

    fn read(&self, values: &mut Vec<u64>) {
        values.push(self.get());
    }

    fn write(&self, values: &[u64], lines: &mut Lines<'_>) {
        values.iter().for_each(|count| lines.count("", *count));
    }
}

impl Series for IntGauge {
    fn width(&self) -> usize {
        1
    }

    fn read(&self, values: &mut Vec<u64>) {
        values.push(self.get().cast_unsigned());
    }

    fn write(&self, values: &[u64], lines: &mut Lines<'_>) {
        values.iter().for_each(|value| lines.number("", value.cast_signed() as f64));
    }
}

impl Series for Gauge {
    fn width(&self) -> usize {
        1
    }

    fn read(&self, values: &mut Vec<u64>) {
        values.push(self.get().to_bits());
    }

    fn write(&self, values: &[u64], lines: &mut Lines<'_>) {
        values.iter().for_each(|bits| lines.number("", f64::from_bits(*bits)));
    }
}
