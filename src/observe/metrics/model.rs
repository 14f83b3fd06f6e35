//! The model view: outcomes, latencies and tokens of one model.
//!
//! Must not know: how requests are routed to it.

use super::cache::ModelCacheSeries;
use super::exact::ExactCounter;
use super::exemplars::TraceMark;
use super::families::{CounterFamily, Families};
use super::histogram::{Histogram, HistogramFamily};
use super::later;
use super::names::Metric;
use crate::observe::{Attempt, RequestRecord};
use crate::types::{
    CacheStatus, Dialect, ErrorType, ModelSlot, Operation, Outcome, Usage, UsageSource,
};
use prometheus::{IntCounter, IntGauge};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Position in [`CacheStatus::LABELS`] of a route without a cache.
const NO_CACHE: usize = 0;
/// The `error_type` of what did not fail; Prometheus drops empty labels.
const NO_ERROR: &str = "";

/// One model's series, all of them born at 0.
pub struct ModelSeries {
    name: String,
    operations: Vec<OperationSeries>,
    errors: Vec<IntCounter>,
    duration: Arc<Histogram>,
    inter_chunk: Arc<Histogram>,
    max_gap: Arc<Histogram>,
    overhead: Arc<Histogram>,
    tokens_in: Vec<IntCounter>,
    tokens_out: Vec<IntCounter>,
    cost: Arc<ExactCounter>,
    cache: ModelCacheSeries,
    in_flight: IntGauge,
    open_streams: IntGauge,
    attempt_upstreams: Vec<String>,
}

struct OperationSeries {
    /// `model` and `operation`.
    labels: [String; 2],
    requests: CounterFamily,
    /// By position in [`CacheStatus::LABELS`]; those of a cache only where there is one.
    outcomes: [OnceLock<Outcomes>; CacheStatus::LABELS.len()],
    /// Only of operations that run a model.
    gen_ai: Option<GenAiSeries>,
}

/// Requests by outcome.
type Outcomes = [IntCounter; Outcome::ALL.len()];

struct GenAiSeries {
    server_duration: ByError,
    first_token: ByError,
    per_token: ByError,
    tokens_in: Arc<Histogram>,
    tokens_out: Arc<Histogram>,
    /// By upstream; resolved at first use, since most models use few upstreams.
    attempts: Vec<OnceLock<AttemptSeries>>,
    attempt_duration: HistogramFamily,
    attempt_first_chunk: HistogramFamily,
}

struct AttemptSeries {
    duration: ByError,
    first_chunk: ByError,
}

/// A histogram whose last label but one is `error_type`: success resolved at once, each
/// failure at its first use.
struct ByError {
    family: HistogramFamily,
    labels: Vec<String>,
    none: Arc<Histogram>,
    errors: Vec<OnceLock<Arc<Histogram>>>,
}

/// Position of `error_type` among the GenAI labels.
const ERROR_LABEL: usize = 3;

impl ModelSeries {
    pub(super) fn new(families: &Families, name: &str, upstreams: &[String]) -> Self {
        let tokens = |direction| {
            let series = |source: UsageSource| {
                families.counter(Metric::Tokens, &[name, direction, source.label()])
            };
            UsageSource::ALL.into_iter().map(series).collect()
        };
        let error =
            |error: ErrorType| families.counter(Metric::RequestErrors, &[name, error.label()]);
        let operation = |op| OperationSeries::new(families, name, op, upstreams.len());
        // Other operations name no model, so only `_other` has series for them.
        let takes = |op: &Operation| op.is_inference() || name == ModelSlot::OTHER_LABEL;
        later::of_model(families, name);
        Self {
            name: name.to_owned(),
            operations: Operation::ALL.into_iter().filter(takes).map(operation).collect(),
            errors: ErrorType::all().map(error).collect(),
            duration: families.histogram(Metric::ModelDuration, &[name]),
            inter_chunk: families.histogram(Metric::InterChunk, &[name]),
            max_gap: families.histogram(Metric::MaxGap, &[name]),
            overhead: families.histogram(Metric::Overhead, &[name]),
            tokens_in: tokens("input"),
            tokens_out: tokens("output"),
            cost: families.exact(Metric::Cost, &[name]),
            cache: ModelCacheSeries::new(families, name),
            in_flight: families.gauge(Metric::InFlight, &[name]),
            open_streams: families.gauge(Metric::OpenStreams, &[name]),
            attempt_upstreams: upstreams.to_vec(),
        }
    }

    /// The label.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Requests being worked on.
    pub fn in_flight(&self) -> &IntGauge {
        &self.in_flight
    }

    /// Streamed answers under way.
    pub fn open_streams(&self) -> &IntGauge {
        &self.open_streams
    }

    /// Requests that ended with `outcome`, over all operations, whatever the cache said.
    pub fn requests(&self, outcome: Outcome) -> u64 {
        let opened = self.operations.iter().flat_map(|op| &op.outcomes).filter_map(OnceLock::get);
        opened.map(|outcomes| outcomes[outcome.index()].get()).sum()
    }

    /// Output tokens as counted by the upstream.
    pub fn output_tokens(&self) -> u64 {
        self.tokens_out[UsageSource::Upstream.index()].get()
    }

    /// First-token times of successful streams that the cache did not answer, by operation.
    pub fn first_token_times(&self) -> impl Iterator<Item = &Arc<Histogram>> {
        self.operations.iter().filter_map(|op| op.gen_ai.as_ref()).map(|op| &op.first_token.none)
    }

    /// Durations of all requests that the cache did not answer.
    pub fn durations(&self) -> &Arc<Histogram> {
        &self.duration
    }

    /// What a cache means for the model.
    pub(super) fn cache(&self) -> &ModelCacheSeries {
        &self.cache
    }

    /// Opens the series of a model that has a cache.
    pub(super) fn open_cache(&self) {
        self.cache.open();
        for operation in self.operations.iter().filter(|op| op.gen_ai.is_some()) {
            (0..CacheStatus::LABELS.len()).for_each(|said| _ = operation.outcomes(said));
        }
    }

    /// Whether the bucket of whole requests or of first tokens that the record falls into
    /// has had no exemplar for a minute.
    pub(super) fn exemplar_is_due(&self, record: &RequestRecord, now: Instant) -> bool {
        if !measures_the_model(record) {
            return false;
        }
        let first_token_is_due = || {
            let series = self.operations.get(record.call.operation.index())?.gen_ai.as_ref()?;
            let first_token = record.time_to_first_token()?;
            Some(series.first_token.at(record.verdict.error).exemplar_is_due(first_token, now))
        };
        self.duration.exemplar_is_due(record.timeline.duration(), now)
            || first_token_is_due().unwrap_or(false)
    }

    pub(super) fn record(&self, record: &RequestRecord, mark: Option<&TraceMark>) {
        let Some(series) = self.operations.get(record.call.operation.index()) else { return };
        self.record_spent(series, record);
        if record.origin.is_a_request() {
            self.record_request(series, record, mark);
        }
        if measures_the_model(record) {
            self.record_times(series, record, mark);
        }
    }

    fn record_spent(&self, series: &OperationSeries, record: &RequestRecord) {
        if let Some(usage) = record.usage {
            self.tokens_in[usage.source.index()].inc_by(usage.input);
            self.tokens_out[usage.source.index()].inc_by(usage.output);
            if let Some(gen_ai) = &series.gen_ai {
                gen_ai.record_tokens(usage);
            }
        }
        if let Some(cost) = record.cost {
            self.cost.add(cost.0);
        }
    }

    fn record_request(
        &self,
        series: &OperationSeries,
        record: &RequestRecord,
        mark: Option<&TraceMark>,
    ) {
        let verdict = record.verdict;
        series.outcomes(what_the_cache_said(record))[verdict.outcome.index()].inc();
        if let Some(error) = verdict.error {
            self.errors[error.index()].inc();
        }
        if let Some(overhead) = record.timeline.overhead() {
            self.overhead.observe_marked(overhead, mark);
        }
        self.cache.record(record);
    }

    fn record_times(
        &self,
        series: &OperationSeries,
        record: &RequestRecord,
        mark: Option<&TraceMark>,
    ) {
        self.duration.observe_marked(record.timeline.duration(), mark);
        if let Some(gen_ai) = &series.gen_ai {
            gen_ai.record_times(record, mark);
        }
        if record.call.streamed && record.meter.facts.chunks > 0 {
            let gaps = record.meter.gaps();
            self.inter_chunk.merge(&gaps.counts, gaps.sum);
            self.max_gap.observe(record.meter.facts.largest_gap);
        }
    }

    pub(super) fn record_attempt(&self, operation: Operation, attempt: &Attempt) {
        let series = self.operations.get(operation.index()).and_then(|op| op.gen_ai.as_ref());
        let upstream = self.attempt_upstreams.get(attempt.upstream);
        let (Some(series), Some(upstream)) = (series, upstream) else { return };
        let resolved = series.attempts[attempt.upstream]
            .get_or_init(|| series.resolve_attempts(&self.name, operation, upstream));
        if let Some(ended) = attempt.ended {
            let took = ended.saturating_duration_since(attempt.started);
            resolved.duration.at(attempt.error).observe(took);
        }
        if let Some(first) = attempt.first_chunk {
            let took = first.saturating_duration_since(attempt.started);
            resolved.first_chunk.at(attempt.error).observe(took);
        }
    }
}

impl OperationSeries {
    fn new(families: &Families, model: &str, operation: Operation, upstreams: usize) -> Self {
        let gen_ai = || GenAiSeries::new(families, model, operation, upstreams);
        let series = Self {
            labels: [model, operation.label()].map(str::to_owned),
            requests: families.counter_family(Metric::Requests),
            outcomes: Default::default(),
            gen_ai: operation.is_inference().then(gen_ai),
        };
        series.outcomes(NO_CACHE);
        series
    }

    /// Requests of which the cache `said` this, by position in [`CacheStatus::LABELS`].
    fn outcomes(&self, said: usize) -> &Outcomes {
        let [model, operation] = &self.labels;
        let series = |outcome: Outcome| {
            let labels = [model, operation, outcome.label(), CacheStatus::LABELS[said]];
            self.requests.with(&labels)
        };
        self.outcomes[said].get_or_init(|| Outcome::ALL.map(series))
    }
}

impl GenAiSeries {
    fn new(families: &Families, model: &str, operation: Operation, upstreams: usize) -> Self {
        let labels = gen_ai_labels(operation, model);
        let values: Vec<&str> = labels.iter().map(String::as_str).collect();
        let tokens = |kind| {
            let values = [values[0], values[1], values[2], kind];
            families.histogram(Metric::ClientTokens, &values)
        };
        let by_error = |metric| ByError::new(families.histogram_family(metric), labels.clone());
        Self {
            server_duration: by_error(Metric::ServerDuration),
            first_token: by_error(Metric::ServerFirstToken),
            per_token: by_error(Metric::ServerPerToken),
            tokens_in: tokens("input"),
            tokens_out: tokens("output"),
            attempts: (0..upstreams).map(|_| OnceLock::new()).collect(),
            attempt_duration: families.histogram_family(Metric::ClientDuration),
            attempt_first_chunk: families.histogram_family(Metric::ClientFirstChunk),
        }
    }

    fn record_times(&self, record: &RequestRecord, mark: Option<&TraceMark>) {
        let error = record.verdict.error;
        let duration = record.timeline.duration();
        self.server_duration.at(error).observe_marked(duration, mark);
        if let Some(first_token) = record.time_to_first_token() {
            self.first_token.at(error).observe_marked(first_token, mark);
        }
        if let Some(per_token) = record.time_per_output_token() {
            self.per_token.at(error).observe_marked(per_token, mark);
        }
    }

    fn record_tokens(&self, usage: Usage) {
        if usage.source == UsageSource::Upstream {
            self.tokens_in.observe_tokens(usage.input);
            self.tokens_out.observe_tokens(usage.output);
        }
    }

    fn resolve_attempts(&self, model: &str, operation: Operation, upstream: &str) -> AttemptSeries {
        let mut labels = gen_ai_labels(operation, model);
        labels.push(upstream.to_owned());
        AttemptSeries {
            duration: ByError::new(self.attempt_duration.clone(), labels.clone()),
            first_chunk: ByError::new(self.attempt_first_chunk.clone(), labels),
        }
    }
}

impl ByError {
    fn new(family: HistogramFamily, labels: Vec<String>) -> Self {
        let values: Vec<&str> = labels.iter().map(String::as_str).collect();
        let none = family.with(&values);
        let errors = (0..ErrorType::COUNT).map(|_| OnceLock::new()).collect();
        Self { family, labels, none, errors }
    }

    fn at(&self, error: Option<ErrorType>) -> &Arc<Histogram> {
        let Some(error) = error else { return &self.none };
        self.errors[error.index()].get_or_init(|| {
            let mut values: Vec<&str> = self.labels.iter().map(String::as_str).collect();
            values[ERROR_LABEL] = error.label();
            self.family.with(&values)
        })
    }
}

/// Whether a request's times are those of its model, as a caller saw them. What the cache
/// answered has times of its own, or it would flatter the model.
fn measures_the_model(record: &RequestRecord) -> bool {
    record.origin.is_a_request() && !record.answered_by_cache()
}

/// As a position in [`CacheStatus::LABELS`].
fn what_the_cache_said(record: &RequestRecord) -> usize {
    let Some(cache) = &record.cache else { return NO_CACHE };
    let said = cache.status.label();
    CacheStatus::LABELS.iter().position(|label| *label == said).unwrap_or(NO_CACHE)
}

fn gen_ai_labels(operation: Operation, model: &str) -> Vec<String> {
    [operation.label(), Dialect::OpenAi.label(), model, NO_ERROR].map(str::to_owned).to_vec()
}
