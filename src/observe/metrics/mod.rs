//! Every number Transom exports, derived from finished records.
//!
//! Owns the families (values, never the crate's global registry) and the rules of labels: configured
//! names are pinned, everything else is `_other`, and every series of a configured model
//! exists at 0 from the start. Must not know: HTTP servers or where records come from.

mod buckets;
mod cache;
mod capture;
mod draft;
mod exact;
mod example;
mod exemplars;
mod export;
mod exposition;
mod families;
mod histogram;
mod http;
mod labels;
mod later;
mod lines;
mod model;
mod names;
mod process;
mod series;
mod series_map;
mod sharded;
#[cfg(test)]
mod tests;
mod upstream;
mod view;
mod webhook;

pub use buckets::{Buckets, INTER_CHUNK_SECONDS};
pub use cache::{CacheSeries, CacheTotals, TierAnswer, TierCounts, TierTotals};
pub use capture::{CaptureFigures, CaptureSeries};
pub use draft::{Draft, SemanticNames};
pub use export::Pages;
pub use exposition::Exposition;
pub use labels::LABELS;
pub use model::ModelSeries;
pub use names::{Definition, Kind, Metric};
pub use webhook::WebhookSeries;

use crate::observe::slo::SloSeries;
use crate::observe::{RequestRecord, SloSettings};
use crate::types::{ModelSlot, SloKey};
use arc_swap::ArcSwap;
use exemplars::TraceMark;
use families::Families;
use http::HttpSeries;
use parking_lot::Mutex;
use prometheus::{IntCounter, IntGauge};
use std::sync::Arc;
use upstream::UpstreamSeries;
use view::Page;

/// Models beyond this many are counted under `_other`.
const MODEL_CAP: usize = 1_000;

/// The process's metrics.
pub struct Metrics {
    families: Families,
    pages: Vec<Box<dyn Page>>,
    http: HttpSeries,
    cache: CacheSeries,
    capture: CaptureSeries,
    upstreams: Vec<UpstreamSeries>,
    models: ArcSwap<Vec<Arc<ModelSeries>>>,
    /// Serialises [`Metrics::model_slot`]; readers use `models` alone.
    growing: Mutex<()>,
    dropped: [IntCounter; Sink::ALL.len()],
    model_overflow: IntCounter,
}

/// Who is told of finished requests besides the metrics, and may lose some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// The access log.
    Log,
    /// The exporter of spans.
    Traces,
    /// What keeps error budgets over a restart.
    Slo,
    /// What keeps recent requests, and sums of them over a restart.
    History,
}

impl Sink {
    const ALL: [Self; 4] = [Self::Log, Self::Traces, Self::Slo, Self::History];

    const fn label(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Traces => "traces",
            Self::Slo => "slo",
            Self::History => "history",
        }
    }
}

impl Metrics {
    /// Metrics of a process that serves these upstreams and promises these objectives,
    /// whose limits become bounds of histograms. Models join by [`Metrics::model_slot`].
    ///
    /// # Errors
    /// When a definition is not valid; a defect, not a condition.
    pub fn new(
        version: &str,
        upstreams: &[String],
        objectives: &[SloSettings],
        names: SemanticNames,
    ) -> prometheus::Result<Self> {
        let families = Families::new(objectives)?;
        families.gauge(Metric::BuildInfo, &[version]).set(1);
        later::of_process(&families);
        let other = ModelSeries::new(&families, ModelSlot::OTHER_LABEL, upstreams);
        let dropped = |sink: Sink| families.counter(Metric::TelemetryDropped, &[sink.label()]);
        Ok(Self {
            http: HttpSeries::new(&families),
            cache: CacheSeries::new(&families),
            capture: CaptureSeries::new(&families),
            upstreams: upstreams.iter().map(|name| UpstreamSeries::new(&families, name)).collect(),
            models: ArcSwap::from_pointee(vec![Arc::new(other)]),
            growing: Mutex::new(()),
            dropped: Sink::ALL.map(dropped),
            model_overflow: families.counter(Metric::LabelOverflow, &["model"]),
            pages: families.pages(names),
            families,
        })
    }

    /// The slot of the configured or discovered model `name`; its series are born at 0 when
    /// it is new. Beyond the cap it is [`ModelSlot::OTHER`], and counted.
    pub fn model_slot(&self, name: &str) -> ModelSlot {
        let _growing = self.growing.lock();
        let known = self.models.load_full();
        if let Some(index) = known.iter().position(|series| series.name() == name) {
            return slot_at(index);
        }
        if known.len() > MODEL_CAP {
            self.model_overflow.inc();
            return ModelSlot::OTHER;
        }
        let upstreams: Vec<String> = self.upstreams.iter().map(|u| u.name().to_owned()).collect();
        let mut grown = Vec::clone(&known);
        grown.push(Arc::new(ModelSeries::new(&self.families, name, &upstreams)));
        self.models.store(Arc::new(grown));
        slot_at(known.len())
    }

    /// The series of a model.
    pub fn model(&self, slot: ModelSlot) -> Arc<ModelSeries> {
        let models = self.models.load();
        // Slot 0 always exists.
        Arc::clone(models.get(slot.index()).unwrap_or(&models[0]))
    }

    /// All models, `_other` first, then in the order they joined.
    pub fn models(&self) -> Arc<Vec<Arc<ModelSeries>>> {
        self.models.load_full()
    }

    /// Gives a model that has a cache its series of what the cache said to its requests, all
    /// at 0; others do without them.
    pub fn open_cache(&self, slot: ModelSlot) {
        self.with_model(slot, ModelSeries::open_cache);
    }

    /// The series of the cache as a whole.
    pub fn cache(&self) -> &CacheSeries {
        &self.cache
    }

    /// The series of the capture.
    pub fn capture(&self) -> &CaptureSeries {
        &self.capture
    }

    /// What the cache has meant for all models together.
    pub fn cache_totals(&self) -> CacheTotals {
        self.cache.totals(self.models.load().iter().map(|model| model.cache()))
    }

    /// The gauge that says whether an upstream's last probe was answered.
    pub fn upstream_up(&self, upstream: usize) -> Option<&IntGauge> {
        self.upstreams.get(upstream).map(UpstreamSeries::up)
    }

    /// The series of a budget, to be asked for once: all at 0, but for what is left of it,
    /// which is everything. Burn rates come in the order of `windows`.
    pub fn slo_series(&self, key: &SloKey, windows: &[String]) -> SloSeries {
        let labels = [key.slo.as_str(), key.model.as_str()];
        let burn = |window: &String| {
            self.families.ratio(Metric::SloBurn, &[labels[0], labels[1], window.as_str()])
        };
        let budget_remaining = self.families.ratio(Metric::SloBudget, &labels);
        budget_remaining.set(1.0);
        SloSeries {
            events: self.families.counter(Metric::SloEvents, &labels),
            bad: self.families.counter(Metric::SloBadEvents, &labels),
            objective: self.families.ratio(Metric::SloObjective, &labels),
            budget_remaining,
            burn: windows.iter().map(burn).collect(),
        }
    }

    /// The series of a webhook, all at 0; to be asked for at the start.
    pub fn webhook(&self, name: &str) -> WebhookSeries {
        WebhookSeries::new(&self.families, name)
    }

    /// Counts what `sink` had to drop.
    pub fn dropped(&self, sink: Sink) -> IntCounter {
        self.dropped[sink as usize].clone()
    }

    /// Whether the record would be an exemplar that is wanted: the bucket that it falls into
    /// has had none for a minute. Cheap, and never waits.
    pub fn exemplar_due(&self, record: &RequestRecord) -> bool {
        let Some(now) = record.timeline.finished else { return false };
        self.with_model(record.call.model, |model| model.exemplar_is_due(record, now))
    }

    /// Counts one finished request, everywhere, once. A refresh is no request: it counts for
    /// what it took from upstreams.
    pub fn record(&self, record: &RequestRecord) {
        let mark = TraceMark::of(record);
        if record.origin.is_a_request() {
            self.http.record(&self.families, record, mark.as_ref());
        }
        self.cache.record(record);
        self.with_model(record.call.model, |model| {
            model.record(record, mark.as_ref());
            for (position, attempt) in record.attempts.iter().enumerate() {
                let retried = position + 1 < record.attempts.len();
                if let Some(upstream) = self.upstreams.get(attempt.upstream) {
                    upstream.record(attempt, retried);
                }
                model.record_attempt(record.call.operation, attempt);
            }
        });
    }

    /// How many series of `metric` there are; the buckets of a histogram are one together.
    pub fn series(&self, metric: Metric) -> usize {
        self.families.series(metric)
    }

    /// Everything, in the wanted format, a page for each family.
    pub fn pages(&self, exposition: Exposition) -> Pages<'_> {
        Pages::new(&self.pages, exposition)
    }

    fn with_model<T>(&self, slot: ModelSlot, with: impl FnOnce(&ModelSeries) -> T) -> T {
        let models = self.models.load();
        // Slot 0 always exists.
        with(models.get(slot.index()).unwrap_or(&models[0]))
    }
}

fn slot_at(index: usize) -> ModelSlot {
    u32::try_from(index).map_or(ModelSlot::OTHER, ModelSlot::at)
}
