//! Histograms that are resolved once and observed without a lock or a hash.
//!
//! Owns the counting and the crate `prometheus`' `Collector` view of it. Must not know:
//! what is measured. Sums are kept as integers (nanoseconds or tokens), so they are exact.

use crate::observe::metrics::names::{Definition, Kind, TOKEN_BOUNDS};
use parking_lot::RwLock;
use prometheus::core::{Collector, Desc};
use prometheus::proto;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const NANOS_PER_SECOND: f64 = 1e9;

/// One series: counts by bucket and their exact sum.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.add(duration.as_secs_f64(), nanos);
    }

    /// Counts one number of tokens.
    pub fn observe_tokens(&self, tokens: u64) {
        self.add(tokens as f64, tokens);
    }

    /// Adds counts that were bucketed by the same bounds elsewhere.
    pub fn merge(&self, counts: &[u32], sum: Duration) {
        for (total, count) in self.counts.iter().zip(counts).filter(|(_, count)| **count > 0) {
            total.fetch_add(u64::from(*count), Ordering::Relaxed);
        }
        let nanos = u64::try_from(sum.as_nanos()).unwrap_or(u64::MAX);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Counts by bucket, not cumulative, the last being +Inf.
    pub fn counts(&self) -> Vec<u64> {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// The upper bounds, without +Inf.
    pub const fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    fn add(&self, value: f64, sum: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(sum, Ordering::Relaxed);
    }

    fn to_proto(&self, scale: f64) -> proto::Histogram {
        // The sum is read before the counts, so that it never holds more than they do.
        let sum = self.sum.load(Ordering::Relaxed) as f64 / scale;
        let mut total = 0;
        let mut cumulate = |count: &AtomicU64| {
            total += count.load(Ordering::Relaxed);
            total
        };
        let cumulative: Vec<u64> = self.counts.iter().map(&mut cumulate).collect();
        let buckets = self.bounds.iter().zip(&cumulative).map(|(bound, count)| {
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(*count);
            bucket
        });
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(total);
        histogram.set_sample_sum(sum);
        histogram
    }
}

/// All series of one histogram metric. Cloning shares them.
#[derive(Clone, Debug)]
pub struct HistogramFamily {
    desc: Desc,
    definition: Definition,
    bounds: &'static [f64],
    scale: f64,
    series: Arc<RwLock<HashMap<Vec<String>, Arc<Histogram>>>>,
}

impl HistogramFamily {
    /// An empty family for a histogram `definition`.
    ///
    /// # Errors
    /// When the definition's name or labels are not valid, or it is no histogram.
    pub fn new(definition: Definition) -> prometheus::Result<Self> {
        let (bounds, scale): (&'static [f64], f64) = match definition.kind {
            Kind::Seconds(buckets) => (buckets.bounds(), NANOS_PER_SECOND),
            Kind::Tokens => (&TOKEN_BOUNDS, 1.0),
            Kind::Counter | Kind::Gauge => {
                return Err(prometheus::Error::Msg(format!("{} is no histogram", definition.name)));
            }
        };
        let labels = definition.labels.iter().map(ToString::to_string).collect();
        let desc =
            Desc::new(definition.name.into(), definition.help.into(), labels, HashMap::default())?;
        Ok(Self { desc, definition, bounds, scale, series: Arc::default() })
    }

    /// The series with these label values, born at 0 if it is new.
    pub fn with(&self, values: &[&str]) -> Arc<Histogram> {
        let key: Vec<String> = values.iter().map(ToString::to_string).collect();
        if let Some(found) = self.series.read().get(&key) {
            return Arc::clone(found);
        }
        let born = || Arc::new(Histogram::new(self.bounds));
        Arc::clone(self.series.write().entry(key).or_insert_with(born))
    }
}

impl Collector for HistogramFamily {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let series = self.series.read();
        let metrics = series.iter().map(|(values, histogram)| {
            let mut metric = proto::Metric::from_label(label_pairs(self.definition.labels, values));
            metric.set_histogram(histogram.to_proto(self.scale));
            metric
        });
        let mut family = proto::MetricFamily::default();
        family.set_name(self.definition.name.into());
        family.set_help(self.definition.help.into());
        family.set_field_type(proto::MetricType::HISTOGRAM);
        family.set_metric(metrics.collect());
        vec![family]
    }
}

fn label_pairs(names: &[&str], values: &[String]) -> Vec<proto::LabelPair> {
    let mut pairs: Vec<_> = names
        .iter()
        .zip(values)
        .map(|(name, value)| {
            let mut pair = proto::LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value(value.clone());
            pair
        })
        .collect();
    pairs.sort_by(|a, b| a.name().cmp(b.name()));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::metrics::names::Metric;

    #[test]
    fn a_value_on_a_bound_belongs_to_its_bucket_and_the_sum_is_exact() {
        let family = HistogramFamily::new(Metric::MaxGap.definition()).unwrap();
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
        let family = HistogramFamily::new(Metric::Overhead.definition()).unwrap();
        assert!(Arc::ptr_eq(&family.with(&["a"]), &family.with(&["a"])));
        assert!(!Arc::ptr_eq(&family.with(&["a"]), &family.with(&["b"])));
    }
}
