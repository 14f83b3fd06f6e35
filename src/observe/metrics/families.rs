//! The registered families, by metric.
//!
//! Must not know: which label values there will be.

use super::histogram::{Histogram, HistogramFamily};
use super::names::{Kind, Metric};
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use std::sync::Arc;

/// One family a metric, in the order of [`Metric::ALL`].
pub(super) struct Families(Vec<Family>);

enum Family {
    Counter(IntCounterVec),
    Gauge(IntGaugeVec),
    Histogram(HistogramFamily),
}

impl Families {
    /// Registers every metric and the process's own.
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let families: prometheus::Result<_> =
            Metric::ALL.iter().map(|metric| register_one(registry, *metric)).collect();
        families.map(Self)
    }

    /// The counter with these label values, born at 0 if it is new.
    pub(super) fn counter(&self, metric: Metric, values: &[&str]) -> IntCounter {
        match &self.0[metric as usize] {
            Family::Counter(vec) => vec.with_label_values(values),
            _ => unreachable!("{metric:?} is no counter"),
        }
    }

    /// The gauge with these label values, born at 0 if it is new.
    pub(super) fn gauge(&self, metric: Metric, values: &[&str]) -> IntGauge {
        match &self.0[metric as usize] {
            Family::Gauge(vec) => vec.with_label_values(values),
            _ => unreachable!("{metric:?} is no gauge"),
        }
    }

    /// The histogram with these label values, born at 0 if it is new.
    pub(super) fn histogram(&self, metric: Metric, values: &[&str]) -> Arc<Histogram> {
        match &self.0[metric as usize] {
            Family::Histogram(family) => family.with(values),
            _ => unreachable!("{metric:?} is no histogram"),
        }
    }

    /// A handle for histograms whose labels are only known later.
    pub(super) fn histogram_family(&self, metric: Metric) -> HistogramFamily {
        match &self.0[metric as usize] {
            Family::Histogram(family) => family.clone(),
            _ => unreachable!("{metric:?} is no histogram"),
        }
    }
}

fn register_one(registry: &Registry, metric: Metric) -> prometheus::Result<Family> {
    let definition = metric.definition();
    let opts = Opts::new(definition.name, definition.help);
    let family = match definition.kind {
        Kind::Counter => Family::Counter(IntCounterVec::new(opts, definition.labels)?),
        Kind::Gauge => Family::Gauge(IntGaugeVec::new(opts, definition.labels)?),
        Kind::Seconds(_) | Kind::Tokens => Family::Histogram(HistogramFamily::new(definition)?),
    };
    let collector: Box<dyn Collector> = match &family {
        Family::Counter(vec) => Box::new(vec.clone()),
        Family::Gauge(vec) => Box::new(vec.clone()),
        Family::Histogram(family) => Box::new(family.clone()),
    };
    registry.register(collector)?;
    Ok(family)
}
