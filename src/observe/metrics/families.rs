//! The registered families, by metric.
//!
//! Must not know: which label values there will be.

use super::draft::{Draft, DraftView, SemanticNames};
use super::exact::{ExactCounter, ExactFamily};
use super::histogram::{Histogram, HistogramFamily};
use super::names::{Kind, Metric};
use super::openmetrics::FamilyExemplars;
use crate::observe::SloSettings;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use std::sync::Arc;

/// One family a metric, in the order of [`Metric::ALL`].
pub(super) struct Families(Vec<Family>);

enum Family {
    Counter(IntCounterVec),
    Exact(ExactFamily),
    Gauge(IntGaugeVec),
    Ratio(GaugeVec),
    Histogram(HistogramFamily),
}

impl Families {
    /// Every metric. The limits of `objectives` become bounds of the histograms they are
    /// about.
    pub(super) fn new(objectives: &[SloSettings]) -> prometheus::Result<Self> {
        Metric::ALL
            .iter()
            .map(|metric| Family::new(*metric, objectives))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// All that is exported: these, their drafted names if wanted, and the process's own.
    pub(super) fn collectors(
        &self,
        names: SemanticNames,
    ) -> prometheus::Result<Vec<Box<dyn Collector>>> {
        let mut collectors: Vec<Box<dyn Collector>> = vec![Box::new(ProcessCollector::for_self())];
        collectors.extend(self.0.iter().map(Family::collector));
        if names == SemanticNames::WithDraft {
            for draft in Draft::ALL {
                let source = self.histogram_family(draft.source);
                collectors.push(Box::new(DraftView::new(draft, source)?));
            }
        }
        Ok(collectors)
    }

    /// The counter with these label values, born at 0 if it is new.
    pub(super) fn counter(&self, metric: Metric, values: &[&str]) -> IntCounter {
        match &self.0[metric as usize] {
            Family::Counter(vec) => vec.with_label_values(values),
            _ => unreachable!("{metric:?} is no counter of events"),
        }
    }

    /// A handle for counters whose labels are only known later.
    pub(super) fn counter_family(&self, metric: Metric) -> IntCounterVec {
        match &self.0[metric as usize] {
            Family::Counter(vec) => vec.clone(),
            _ => unreachable!("{metric:?} is no counter of events"),
        }
    }

    /// The counter of seconds or dollars with these label values, born at 0 if it is new.
    pub(super) fn exact(&self, metric: Metric, values: &[&str]) -> Arc<ExactCounter> {
        match &self.0[metric as usize] {
            Family::Exact(family) => family.with(values),
            _ => unreachable!("{metric:?} is no counter of seconds or dollars"),
        }
    }

    /// The gauge with these label values, born at 0 if it is new.
    pub(super) fn gauge(&self, metric: Metric, values: &[&str]) -> IntGauge {
        match &self.0[metric as usize] {
            Family::Gauge(vec) => vec.with_label_values(values),
            _ => unreachable!("{metric:?} is no gauge of whole numbers"),
        }
    }

    /// The ratio with these label values, born at 0 if it is new.
    pub(super) fn ratio(&self, metric: Metric, values: &[&str]) -> Gauge {
        match &self.0[metric as usize] {
            Family::Ratio(vec) => vec.with_label_values(values),
            _ => unreachable!("{metric:?} is no ratio"),
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

    /// The exemplars of all families that have any.
    pub(super) fn exemplars(&self) -> Vec<FamilyExemplars> {
        let of = |metric: &Metric| {
            let family = self.histogram_family(*metric);
            FamilyExemplars {
                name: metric.definition().name,
                units_per_one: family.units_per_one(),
                series: family.exemplars(),
            }
        };
        let some = |family: &FamilyExemplars| !family.series.is_empty();
        Metric::ALL.iter().filter(|metric| metric.has_exemplars()).map(of).filter(some).collect()
    }
}

impl Family {
    fn new(metric: Metric, objectives: &[SloSettings]) -> prometheus::Result<Self> {
        let definition = metric.definition();
        let opts = Opts::new(definition.name, definition.help);
        Ok(match definition.kind {
            Kind::Counter => Self::Counter(IntCounterVec::new(opts, definition.labels)?),
            Kind::Gauge => Self::Gauge(IntGaugeVec::new(opts, definition.labels)?),
            Kind::Ratio => Self::Ratio(GaugeVec::new(opts, definition.labels)?),
            Kind::SecondsTotal | Kind::UsdTotal => Self::Exact(ExactFamily::new(definition)?),
            Kind::Seconds(_) | Kind::Tokens => {
                Self::Histogram(HistogramFamily::new(definition, objectives)?)
            }
        })
    }

    fn collector(&self) -> Box<dyn Collector> {
        match self {
            Self::Counter(vec) => Box::new(vec.clone()),
            Self::Exact(family) => Box::new(family.clone()),
            Self::Gauge(vec) => Box::new(vec.clone()),
            Self::Ratio(vec) => Box::new(vec.clone()),
            Self::Histogram(family) => Box::new(family.clone()),
        }
    }
}
