//! Every number Transom exports, derived from finished records.
//!
//! Owns the registry (a value, never the global one) and the rules of labels: configured
//! names are pinned, everything else is `_other`, and every series of a configured model
//! exists at 0 from the start. Must not know: HTTP servers or where records come from.

mod families;
mod histogram;
mod http;
mod model;
mod names;
mod upstream;

pub use model::ModelSeries;
pub use names::{Definition, INTER_CHUNK_SECONDS, Kind, Metric};

use crate::observe::RequestRecord;
use crate::types::ModelSlot;
use arc_swap::ArcSwap;
use families::Families;
use http::HttpSeries;
use parking_lot::Mutex;
use prometheus::{Encoder, IntCounter, IntGauge, Registry, TextEncoder};
use std::sync::Arc;
use upstream::UpstreamSeries;

/// Models beyond this many are counted under `_other`.
const MODEL_CAP: usize = 1_000;

/// The process's metrics.
pub struct Metrics {
    registry: Registry,
    families: Families,
    http: HttpSeries,
    upstreams: Vec<UpstreamSeries>,
    models: ArcSwap<Vec<Arc<ModelSeries>>>,
    /// Serialises [`Metrics::model_slot`]; readers use `models` alone.
    growing: Mutex<()>,
    log_dropped: IntCounter,
    model_overflow: IntCounter,
}

impl Metrics {
    /// Metrics of a process that serves these upstreams. Models join by
    /// [`Metrics::model_slot`].
    ///
    /// # Errors
    /// When a definition is not valid for the registry; a defect, not a condition.
    pub fn new(version: &str, upstreams: &[String]) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let families = Families::register(&registry)?;
        families.gauge(Metric::BuildInfo, &[version]).set(1);
        let other = ModelSeries::new(&families, ModelSlot::OTHER_LABEL, upstreams);
        Ok(Self {
            http: HttpSeries::new(&families),
            upstreams: upstreams.iter().map(|name| UpstreamSeries::new(&families, name)).collect(),
            models: ArcSwap::from_pointee(vec![Arc::new(other)]),
            growing: Mutex::new(()),
            log_dropped: families.counter(Metric::TelemetryDropped, &["log"]),
            model_overflow: families.counter(Metric::LabelOverflow, &["model"]),
            registry,
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

    /// The gauge that says whether an upstream's last probe was answered.
    pub fn upstream_up(&self, upstream: usize) -> Option<&IntGauge> {
        self.upstreams.get(upstream).map(UpstreamSeries::up)
    }

    /// Counts a record that the access log's queue had no room for.
    pub fn log_line_dropped(&self) {
        self.log_dropped.inc();
    }

    /// Counts one finished request, everywhere, once.
    pub fn record(&self, record: &RequestRecord) {
        self.http.record(&self.families, record);
        let model = self.model(record.call.model);
        model.record(record);
        for (position, attempt) in record.attempts.iter().enumerate() {
            let retried = position + 1 < record.attempts.len();
            if let Some(upstream) = self.upstreams.get(attempt.upstream) {
                upstream.record(attempt, retried);
            }
            model.record_attempt(record.call.operation, attempt);
        }
    }

    /// Everything in the Prometheus text format 0.0.4.
    ///
    /// # Errors
    /// When a family is malformed; a defect, not a condition.
    pub fn encode_text(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

fn slot_at(index: usize) -> ModelSlot {
    u32::try_from(index).map_or(ModelSlot::OTHER, ModelSlot::at)
}
