//! Text 0.0.4, held against what the crate `prometheus` would write.

use super::joined;
use crate::observe::metrics::series::{self, Series};
use crate::observe::metrics::series_map::SeriesMap;
use crate::observe::metrics::view::{Page, View};
use crate::observe::metrics::{Buckets, Definition, Exposition, Kind, histogram};
use prometheus::core::Collector;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, TextEncoder,
};
use std::sync::Arc;
use std::time::Duration;

const LABELS: &[&str] = &["a"];
const HELP: &str = "A \\ and \"b\",\nor c.";
/// Of the label.
const VALUES: [&str; 5] = ["", "\\", "plain", "two\nlines", "with \"quotes\""];

fn definition(kind: Kind) -> Definition {
    Definition { name: "x", kind, labels: LABELS, help: HELP }
}

fn ours<T: Series + 'static>(family: &Arc<SeriesMap<T>>) -> String {
    joined(View::whole(Arc::clone(family)).text(Exposition::Text))
}

fn theirs(collector: &dyn Collector) -> String {
    let mut families = collector.collect();
    for family in &mut families {
        family.mut_metric().sort_by_key(|metric| metric.get_label()[0].value().to_owned());
    }
    TextEncoder::new().encode_to_string(&families).unwrap()
}

#[test]
fn counters_are_written_as_the_crate_writes_them() {
    let family = SeriesMap::new(definition(Kind::Counter), series::counter).unwrap();
    let vec = IntCounterVec::new(Opts::new("x", HELP), LABELS).unwrap();
    for (value, count) in VALUES.into_iter().zip([0, 1, 10, 1_000_000_007, 1 << 53]) {
        family.with(&[value]).inc_by(count);
        vec.with_label_values(&[value]).inc_by(count);
    }
    assert_eq!(ours(&family), theirs(&vec));
}

#[test]
fn gauges_are_written_as_the_crate_writes_them() {
    let family = SeriesMap::new(definition(Kind::Gauge), series::gauge).unwrap();
    let vec = IntGaugeVec::new(Opts::new("x", HELP), LABELS).unwrap();
    for (value, number) in VALUES.into_iter().zip([0, -1, 7, -1_000_000_007, 1 << 40]) {
        family.with(&[value]).set(number);
        vec.with_label_values(&[value]).set(number);
    }
    assert_eq!(ours(&family), theirs(&vec));
}

#[test]
fn ratios_are_written_as_the_crate_writes_them() {
    let family = SeriesMap::new(definition(Kind::Ratio), series::ratio).unwrap();
    let vec = GaugeVec::new(Opts::new("x", HELP), LABELS).unwrap();
    for (value, number) in VALUES.into_iter().zip([-0.0, -0.25, 14.4, 1e-9, f64::NAN]) {
        family.with(&[value]).set(number);
        vec.with_label_values(&[value]).set(number);
    }
    assert_eq!(ours(&family), theirs(&vec));
}

#[test]
fn histograms_are_written_as_the_crate_writes_them() {
    let buckets = Buckets::Overhead;
    let family = histogram::family(definition(Kind::Seconds(buckets)), &[]).unwrap();
    let opts = HistogramOpts::new("x", HELP).buckets(buckets.usual().to_vec());
    let vec = HistogramVec::new(opts, LABELS).unwrap();
    for (value, us) in VALUES.into_iter().zip([10, 250, 251, 10_000, 1_000_000]) {
        family.with(&[value]).observe(Duration::from_micros(us));
        vec.with_label_values(&[value]).observe(Duration::from_micros(us).as_secs_f64());
    }
    assert_eq!(ours(&family), theirs(&vec));
}
