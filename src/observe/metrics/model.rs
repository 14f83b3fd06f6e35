//! The model view: outcomes, latencies and tokens of one model.
//!
//! Must not know: how requests are routed to it.

use super::exact::ExactCounter;
use super::exemplars::TraceMark;
use super::families::Families;
use super::histogram::{Histogram, HistogramFamily};
use super::later;
use super::names::Metric;
use crate::observe::{Attempt, RequestRecord};
use crate::types::{Dialect, ErrorType, ModelSlot, Operation, Outcome, Usage, UsageSource};
use prometheus::{IntCounter, IntGauge};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The cache has no say yet.
const CACHE_NONE: &str = "none";
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
    in_flight: IntGauge,
    open_streams: IntGauge,
    attempt_upstreams: Vec<String>,
}

struct OperationSeries {
    outcomes: Vec<IntCounter>,
    /// Only of operations that run a model.
    gen_ai: Option<GenAiSeries>,
}

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

    /// Requests that ended with `outcome`, over all operations.
    pub fn requests(&self, outcome: Outcome) -> u64 {
        self.operations.iter().map(|op| op.outcomes[outcome.index()].get()).sum()
    }

    /// Output tokens as counted by the upstream.
    pub fn output_tokens(&self) -> u64 {
        self.tokens_out[UsageSource::Upstream.index()].get()
    }

    /// First-token times of successful streams, by operation.
    pub fn first_token_times(&self) -> impl Iterator<Item = &Arc<Histogram>> {
        self.operations.iter().filter_map(|op| op.gen_ai.as_ref()).map(|op| &op.first_token.none)
    }

    /// Durations of all requests.
    pub fn durations(&self) -> &Arc<Histogram> {
        &self.duration
    }

    /// Whether the bucket of whole requests or of first tokens that the record falls into
    /// has had no exemplar for a minute.
    pub(super) fn exemplar_is_due(&self, record: &RequestRecord, now: Instant) -> bool {
        let first_token_is_due = || {
            let series = self.operations.get(record.call.operation.index())?.gen_ai.as_ref()?;
            let first_token = record.time_to_first_token()?;
            Some(series.first_token.at(record.verdict.error).exemplar_is_due(first_token, now))
        };
        self.duration.exemplar_is_due(record.timeline.duration(), now)
            || first_token_is_due().unwrap_or(false)
    }

    pub(super) fn record(&self, record: &RequestRecord, mark: Option<&TraceMark>) {
        let verdict = record.verdict;
        let Some(series) = self.operations.get(record.call.operation.index()) else { return };
        series.outcomes[verdict.outcome.index()].inc();
        if let Some(error) = verdict.error {
            self.errors[error.index()].inc();
        }
        self.duration.observe_marked(record.timeline.duration(), mark);
        if let Some(overhead) = record.timeline.overhead() {
            self.overhead.observe_marked(overhead, mark);
        }
        if let Some(gen_ai) = &series.gen_ai {
            gen_ai.record(record, mark);
        }
        if let Some(usage) = record.usage {
            self.tokens_in[usage.source.index()].inc_by(usage.input);
            self.tokens_out[usage.source.index()].inc_by(usage.output);
        }
        if let Some(cost) = record.cost {
            self.cost.add(cost.0);
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
        let outcome = |outcome: Outcome| {
            let labels = [model, operation.label(), outcome.label(), CACHE_NONE];
            families.counter(Metric::Requests, &labels)
        };
        let gen_ai = || GenAiSeries::new(families, model, operation, upstreams);
        Self {
            outcomes: Outcome::ALL.into_iter().map(outcome).collect(),
            gen_ai: operation.is_inference().then(gen_ai),
        }
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

    fn record(&self, record: &RequestRecord, mark: Option<&TraceMark>) {
        let error = record.verdict.error;
        let duration = record.timeline.duration();
        self.server_duration.at(error).observe_marked(duration, mark);
        if let Some(first_token) = record.time_to_first_token() {
            self.first_token.at(error).observe_marked(first_token, mark);
        }
        if let Some(usage @ Usage { source: UsageSource::Upstream, .. }) = record.usage {
            self.tokens_in.observe_tokens(usage.input);
            self.tokens_out.observe_tokens(usage.output);
        }
        if let Some(per_token) = record.time_per_output_token() {
            self.per_token.at(error).observe_marked(per_token, mark);
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

fn gen_ai_labels(operation: Operation, model: &str) -> Vec<String> {
    [operation.label(), Dialect::OpenAi.label(), model, NO_ERROR].map(str::to_owned).to_vec()
}
