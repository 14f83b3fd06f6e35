//! Histograms that are resolved once and observed without a lock, a hash or an allocation.
//!
//! Owns the counting and what is told of it. Must not know: what is measured. Sums are kept
//! as integers (nanoseconds or tokens), so they are exact.

use super::buckets::{Bounds, nanoseconds};
use super::exemplars::{Exemplars, TraceMark};
use super::exposition::Exposition;
use super::lines::Lines;
use super::names::Definition;
use super::series::Series;
use super::series_map::SeriesMap;
use super::sharded::Sharded;
use crate::observe::SloSettings;
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
}

/// All series of one histogram metric. Cloning shares them.
pub type HistogramFamily = Arc<SeriesMap<Arc<Histogram>>>;

/// An empty family for a histogram `definition`, whose bounds hold the limits of
/// `objectives`.
///
/// # Errors
/// When the definition's name or labels are not valid.
pub fn family(
    definition: Definition,
    objectives: &[SloSettings],
) -> prometheus::Result<HistogramFamily> {
    let bounds = Arc::new(Bounds::of(definition.kind, objectives));
    SeriesMap::new(definition, move || Arc::new(Histogram::new(Arc::clone(&bounds))))
}

impl Series for Arc<Histogram> {
    /// The sum, the counts by bucket and the version of the exemplars; as text the buckets,
    /// the sum and the count.
    fn width(&self) -> usize {
        self.buckets() + 2
    }

    fn read(&self, values: &mut Vec<u64>) {
        values.push(self.cells.total(self.buckets()));
        values.extend((0..self.buckets()).map(|bucket| self.cells.total(bucket)));
        values.push(self.exemplars.version());
    }

    fn write(&self, values: &[u64], lines: &mut Lines<'_>) {
        let [sum, counts @ .., _version] = values else { return };
        let examples = match lines.exposition {
            Exposition::Text => None,
            Exposition::OpenMetrics => self.exemplars.all(),
        };
        let examples = examples.unwrap_or_default();
        let mut cumulative = 0;
        let written = self.bounds.written(lines.exposition).iter();
        for (bucket, (le, count)) in written.zip(counts).enumerate() {
            cumulative += count;
            // Who came after the counts were read is in the next text.
            let example = examples.get(bucket).and_then(Option::as_ref).filter(|_| *count > 0);
            lines.bucket(le, cumulative, example);
        }
        lines.units("_sum", *sum);
        lines.count("_count", cumulative);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::metrics::names::Metric;
    use crate::observe::{KeepReason, trace};
    use std::thread;

    fn series_of(metric: Metric) -> Arc<Histogram> {
        let labels = metric.definition().labels;
        family(metric.definition(), &[]).unwrap().with(labels)
    }

    fn values(series: &Arc<Histogram>) -> Vec<u64> {
        let mut values = Vec::new();
        series.read(&mut values);
        assert_eq!(values.len(), series.width());
        values
    }

    /// Its sum and its count at one moment.
    fn totals(series: &Arc<Histogram>) -> (u64, u64) {
        let values = values(series);
        let [sum, counts @ .., _version] = values.as_slice() else { unreachable!() };
        (*sum, counts.iter().sum())
    }

    #[test]
    fn a_value_on_a_bound_belongs_to_its_bucket_and_the_sum_is_exact() {
        let series = series_of(Metric::MaxGap);
        series.observe(Duration::from_millis(100));
        series.observe(Duration::from_nanos(100_000_001));
        series.observe(Duration::from_secs(3600));
        let counts = series.counts();
        assert_eq!((counts[0], counts[1]), (1, 1));
        assert_eq!(totals(&series), (3_600_200_000_001, 3));
    }

    #[test]
    fn counts_and_sums_are_exact_when_threads_observe_at_once() {
        let series = series_of(Metric::Overhead);
        thread::scope(|scope| {
            for thread in 1..=8 {
                let series = &series;
                scope.spawn(move || {
                    (0..10_000).for_each(|n| series.observe(Duration::from_nanos(thread * n)));
                });
            }
        });
        let nanoseconds: u64 = (1..=8).sum::<u64>() * (0..10_000).sum::<u64>();
        assert_eq!(totals(&series), (nanoseconds, 80_000));
    }

    #[test]
    fn a_reader_never_sees_a_sum_of_more_than_it_counts() {
        let series = series_of(Metric::ClientTokens);
        thread::scope(|scope| {
            let writer = scope.spawn(|| (0..100_000).for_each(|_| series.observe_tokens(1)));
            while !writer.is_finished() {
                let (sum, count) = totals(&series);
                assert!(sum <= count);
            }
        });
    }

    #[test]
    fn a_new_exemplar_is_a_change_even_where_no_count_is() {
        let series = series_of(Metric::Overhead);
        let mut record = trace::record();
        record.kept = Some(KeepReason::Sampled);
        let mark = TraceMark::of(&record).unwrap();
        let before = values(&series);
        series.exemplars.put(0, series.buckets(), 1, &mark);
        assert_ne!(values(&series), before);
    }
}
