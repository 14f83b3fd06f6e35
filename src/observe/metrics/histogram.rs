//! Histograms that are resolved once and observed without a lock, a hash or an allocation.
//!
//! Owns the counting and the crate `prometheus`' `Collector` view of it. Must not know:
//! what is measured. Sums are kept as integers (nanoseconds or tokens), so they are exact.

use super::buckets::{Bounds, nanoseconds};
use super::exemplars::{Exemplar, Exemplars, TraceMark};
use super::names::Definition;
use super::series_map::SeriesMap;
use super::sharded::Sharded;
use crate::observe::SloSettings;
use prometheus::core::{Collector, Desc};
use prometheus::proto;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One series: counts by bucket and their exact sum.
#[derive(Debug)]
pub struct Histogram {
    bounds: Arc<Bounds>,
    /// The buckets, the last being +Inf, and then the sum.
    cells: Sharded,
    exemplars: Exemplars,
}

impl Histogram {
    fn new(bounds: Arc<Bounds>) -> Self {
        let cells = Sharded::new(bounds.exported().len() + 2);
        Self { bounds, cells, exemplars: Exemplars::default() }
    }

    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        self.add(nanoseconds(duration));
    }

    /// Counts one duration and, where the trace it belongs to is kept, makes that its
    /// bucket's exemplar.
    pub fn observe_marked(&self, duration: Duration, mark: Option<&TraceMark>) {
        let value = nanoseconds(duration);
        let bucket = self.add(value);
        if let Some(mark) = mark {
            self.exemplars.put(bucket, self.buckets(), value, mark);
        }
    }

    /// Counts one number of tokens.
    pub fn observe_tokens(&self, tokens: u64) {
        self.add(tokens);
    }

    /// Adds counts that were bucketed by the same bounds elsewhere.
    pub fn merge(&self, counts: &[u32], sum: Duration) {
        let here = self.cells.here();
        let counts = counts.iter().take(self.buckets()).enumerate();
        for (bucket, count) in counts.filter(|(_, count)| **count > 0) {
            here.add(bucket, u64::from(*count));
        }
        here.add(self.buckets(), nanoseconds(sum));
    }

    /// Counts by bucket, not cumulative, the last being +Inf.
    pub fn counts(&self) -> Vec<u64> {
        (0..self.buckets()).map(|bucket| self.cells.total(bucket)).collect()
    }

    /// The upper bounds, without +Inf.
    pub fn bounds(&self) -> &[f64] {
        self.bounds.exported()
    }

    /// Whether the bucket that `duration` falls into has had no exemplar for a minute.
    pub fn exemplar_is_due(&self, duration: Duration, now: Instant) -> bool {
        self.exemplars.is_due(self.bounds.bucket_of(nanoseconds(duration)), now)
    }

    /// Buckets, +Inf included.
    fn buckets(&self) -> usize {
        self.bounds.exported().len() + 1
    }

    /// The sum is added last and read first, so that it never holds more than the counts do.
    fn add(&self, value: u64) -> usize {
        let bucket = self.bounds.bucket_of(value);
        let here = self.cells.here();
        here.add(bucket, 1);
        here.add(self.buckets(), value);
        bucket
    }

    fn to_proto(&self, units_per_one: f64) -> proto::Histogram {
        let sum = self.cells.total(self.buckets());
        let mut cumulative = 0;
        let mut bucket = |(bucket, bound): (usize, &f64)| {
            cumulative += self.cells.total(bucket);
            let mut shown = proto::Bucket::default();
            shown.set_upper_bound(*bound);
            shown.set_cumulative_count(cumulative);
            shown
        };
        let buckets = self.bounds().iter().enumerate().map(&mut bucket).collect();
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(cumulative + self.cells.total(self.bounds().len()));
        histogram.set_sample_sum(sum as f64 / units_per_one);
        histogram
    }
}

/// All series of one histogram metric. Cloning shares them.
#[derive(Clone, Debug)]
pub struct HistogramFamily {
    map: Arc<SeriesMap<Histogram>>,
    bounds: Arc<Bounds>,
    units_per_one: f64,
}

/// The exemplars of one series: its labels, and an example by bucket where there is one.
pub type SeriesExemplars = (Vec<proto::LabelPair>, Vec<Option<Exemplar>>);

impl HistogramFamily {
    /// An empty family for a histogram `definition`, whose bounds hold the limits of
    /// `objectives`.
    ///
    /// # Errors
    /// When the definition's name or labels are not valid.
    pub fn new(definition: Definition, objectives: &[SloSettings]) -> prometheus::Result<Self> {
        Ok(Self {
            map: Arc::new(SeriesMap::new(definition)?),
            bounds: Arc::new(Bounds::of(definition.kind, objectives)),
            units_per_one: definition.kind.units_per_one(),
        })
    }

    /// The series with these label values, born at 0 if it is new.
    pub fn with(&self, values: &[&str]) -> Arc<Histogram> {
        self.map.with(values, || Histogram::new(Arc::clone(&self.bounds)))
    }

    /// The series that have exemplars.
    pub fn exemplars(&self) -> Vec<SeriesExemplars> {
        self.map.find(|series| series.exemplars.all())
    }

    /// How many units of an exemplar's value make one of what is exported.
    pub const fn units_per_one(&self) -> f64 {
        self.units_per_one
    }
}

impl Collector for HistogramFamily {
    fn desc(&self) -> Vec<&Desc> {
        self.map.desc()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        self.map.collect(proto::MetricType::HISTOGRAM, |series, metric| {
            metric.set_histogram(series.to_proto(self.units_per_one));
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::metrics::names::Metric;
    use std::thread;

    #[test]
    fn a_value_on_a_bound_belongs_to_its_bucket_and_the_sum_is_exact() {
        let family = HistogramFamily::new(Metric::MaxGap.definition(), &[]).unwrap();
        let series = family.with(&["m"]);
        series.observe(Duration::from_millis(100));
        series.observe(Duration::from_nanos(100_000_001));
        series.observe(Duration::from_secs(3600));
        let proto = &family.collect()[0].get_metric()[0].clone();
        let histogram = proto.get_histogram();
        assert_eq!(histogram.get_bucket()[0].cumulative_count(), 1);
        assert_eq!(histogram.get_bucket()[1].cumulative_count(), 2);
        assert_eq!(histogram.get_sample_count(), 3);
        assert_eq!(histogram.get_sample_sum(), 3_600.200_000_001);
    }

    #[test]
    fn the_same_labels_give_the_same_series() {
        let family = HistogramFamily::new(Metric::Overhead.definition(), &[]).unwrap();
        assert!(Arc::ptr_eq(&family.with(&["a"]), &family.with(&["a"])));
        assert!(!Arc::ptr_eq(&family.with(&["a"]), &family.with(&["b"])));
    }

    #[test]
    fn counts_and_sums_are_exact_when_threads_observe_at_once() {
        let family = HistogramFamily::new(Metric::Overhead.definition(), &[]).unwrap();
        let series = family.with(&["m"]);
        thread::scope(|scope| {
            for thread in 1..=8 {
                let series = &series;
                scope.spawn(move || {
                    (0..10_000).for_each(|n| series.observe(Duration::from_nanos(thread * n)));
                });
            }
        });
        assert_eq!(series.counts().iter().sum::<u64>(), 80_000);
        let nanoseconds: u64 = (1..=8).sum::<u64>() * (0..10_000).sum::<u64>();
        let sum = family.collect()[0].get_metric()[0].get_histogram().get_sample_sum();
        assert_eq!(sum, nanoseconds as f64 / 1e9);
    }

    #[test]
    fn a_reader_never_sees_a_sum_of_more_than_it_counts() {
        let family = HistogramFamily::new(Metric::ClientTokens.definition(), &[]).unwrap();
        let series = family.with(&["a", "b", "c", "d"]);
        thread::scope(|scope| {
            let writer = scope.spawn(|| (0..100_000).for_each(|_| series.observe_tokens(1)));
            while !writer.is_finished() {
                let seen = series.to_proto(1.0);
                assert!(seen.get_sample_sum() <= seen.get_sample_count() as f64);
            }
        });
    }
}
