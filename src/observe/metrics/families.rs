//! The registered families, by metric.
//!
//! Must not know: which label values there will be.

use super::draft::{Draft, SemanticNames};
use super::exact::ExactCounter;
use super::histogram::{self, Histogram, HistogramFamily};
use super::names::{Kind, Metric};
use super::series;
use super::series_map::SeriesMap;
use super::view::{Page, View};
use crate::observe::SloSettings;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Gauge, IntCounter, IntGauge};
use std::sync::Arc;

/// One family a metric, in the order of [`Metric::ALL`].
pub(super) struct Families(Vec<Family>);

enum Family {
    Counter(CounterFamily),
    Exact(Arc<SeriesMap<Arc<ExactCounter>>>),
    Gauge(Arc<SeriesMap<IntGauge>>),
    Ratio(Arc<SeriesMap<Gauge>>),
    Histogram(HistogramFamily),
}

/// All series of one counter. Cloning shares them.
pub(super) type CounterFamily = Arc<SeriesMap<IntCounter>>;

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
    pub(super) fn pages(&self, names: SemanticNames) -> Vec<Box<dyn Page>> {
        let mut pages: Vec<Box<dyn Page>> = vec![Box::new(ProcessCollector::for_self())];
        pages.extend(self.0.iter().map(Family::page));
        if names == SemanticNames::WithDraft {
            let view = |draft: Draft| Box::new(draft.view(self.histogram_family(draft.source)));
            pages.extend(Draft::ALL.map(view).map(|view| view as Box<dyn Page>));
        }
        pages
    }

    /// How many series of it there are.
    pub(super) fn series(&self, metric: Metric) -> usize {
        match &self.0[metric as usize] {
            Family::Counter(family) => family.len(),
            Family::Exact(family) => family.len(),
            Family::Gauge(family) => family.len(),
            Family::Ratio(family) => family.len(),
            Family::Histogram(family) => family.len(),
        }
    }

    /// The counter with these label values, born at 0 if it is new.
    pub(super) fn counter(&self, metric: Metric, values: &[&str]) -> IntCounter {
        match &self.0[metric as usize] {
            Family::Counter(family) => family.with(values),
            _ => unreachable!("{metric:?} is no counter of events"),
        }
    }

    /// A handle for counters whose labels are only known later.
    pub(super) fn counter_family(&self, metric: Metric) -> CounterFamily {
        match &self.0[metric as usize] {
            Family::Counter(family) => Arc::clone(family),
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
            Family::Gauge(family) => family.with(values),
            _ => unreachable!("{metric:?} is no gauge of whole numbers"),
        }
    }

    /// The ratio with these label values, born at 0 if it is new.
    pub(super) fn ratio(&self, metric: Metric, values: &[&str]) -> Gauge {
        match &self.0[metric as usize] {
            Family::Ratio(family) => family.with(values),
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
            Family::Histogram(family) => Arc::clone(family),
            _ => unreachable!("{metric:?} is no histogram"),
        }
    }
}

impl Family {
    fn new(metric: Metric, objectives: &[SloSettings]) -> prometheus::Result<Self> {
        let definition = metric.definition();
        Ok(match definition.kind {
            Kind::Counter => Self::Counter(SeriesMap::new(definition, series::counter)?),
            Kind::Gauge => Self::Gauge(SeriesMap::new(definition, series::gauge)?),
            Kind::Ratio => Self::Ratio(SeriesMap::new(definition, series::ratio)?),
            Kind::SecondsTotal | Kind::UsdTotal => {
                Self::Exact(SeriesMap::new(definition, Arc::default)?)
            }
            Kind::Seconds(_) | Kind::Tokens => {
                Self::Histogram(histogram::family(definition, objectives)?)
            }
        })
    }

    fn page(&self) -> Box<dyn Page> {
        match self {
            Self::Counter(family) => Box::new(View::whole(Arc::clone(family))),
            Self::Exact(family) => Box::new(View::whole(Arc::clone(family))),
            Self::Gauge(family) => Box::new(View::whole(Arc::clone(family))),
            Self::Ratio(family) => Box::new(View::whole(Arc::clone(family))),
            Self::Histogram(family) => Box::new(View::whole(Arc::clone(family))),
        }
    }
}
