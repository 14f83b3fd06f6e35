//! Counters of what is no whole number when exported, such as dollars, but is counted in
//! whole billionths, so that a million small sums add up exactly.
//!
//! Must not know: what is counted.

use super::names::Definition;
use super::series_map::SeriesMap;
use prometheus::core::{Collector, Desc};
use prometheus::proto;
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

/// All series of one such metric. Cloning shares them.
#[derive(Clone, Debug)]
pub struct ExactFamily {
    map: Arc<SeriesMap<ExactCounter>>,
    units_per_one: f64,
}

impl ExactFamily {
    /// An empty family.
    ///
    /// # Errors
    /// When the definition's name or labels are not valid.
    pub fn new(definition: Definition) -> prometheus::Result<Self> {
        let units_per_one = definition.kind.units_per_one();
        Ok(Self { map: Arc::new(SeriesMap::new(definition)?), units_per_one })
    }

    /// The series with these label values, born at 0 if it is new.
    pub fn with(&self, values: &[&str]) -> Arc<ExactCounter> {
        self.map.with(values, ExactCounter::default)
    }
}

impl Collector for ExactFamily {
    fn desc(&self) -> Vec<&Desc> {
        self.map.desc()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        self.map.collect(proto::MetricType::COUNTER, |series, metric| {
            let mut counter = proto::Counter::default();
            counter.set_value(series.0.load(Ordering::Relaxed) as f64 / self.units_per_one);
            metric.set_counter(counter);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::metrics::names::Metric;

    #[test]
    fn a_million_small_sums_add_up_exactly() {
        let family = ExactFamily::new(Metric::Cost.definition()).unwrap();
        let series = family.with(&["m"]);
        for _ in 0..1_000_000 {
            series.add(100);
        }
        let collected = family.collect();
        assert_eq!(collected[0].get_metric()[0].get_counter().get_value(), 0.1);
    }
}
