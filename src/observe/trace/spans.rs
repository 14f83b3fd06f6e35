//! A record as spans: one for the request, one for the look-up in the cache where there was
//! one, one for each attempt at an upstream.
//!
//! Names and attributes follow OpenTelemetry's semantic conventions for HTTP and GenAI; what
//! they have no word for begins with `transom.`. Must not know: how spans leave. The text of
//! prompts and answers never reaches a span, and a path only as its route.

use super::ids;
use crate::observe::{Attempt, CacheFacts, KeepReason, Lookup, Origin, RecordNames, RequestRecord};
use crate::types::{CacheTier, ErrorType, Operation, Outcome};
use opentelemetry::trace::{Event, Link, SpanContext, SpanKind, Status, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};

/// Silence in a stream from which on it is said to have stalled.
const STALL: Duration = Duration::from_secs(10);

/// The methods that are names of their own (HTTP semantic conventions).
const METHODS: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// The spans of a finished request, the whole one's first.
pub(in crate::observe) fn spans(record: &RequestRecord, names: &RecordNames) -> Vec<SpanData> {
    let story = Story::of(record, names);
    let mut spans = Vec::with_capacity(2 + record.attempts.len());
    spans.push(story.whole_request());
    spans.extend(lookup(record).map(|(cache, lookup)| story.lookup(cache, lookup)));
    spans
        .extend((1..).zip(&record.attempts).map(|(number, attempt)| story.client(number, attempt)));
    spans
}

/// How many spans a record makes.
pub(in crate::observe) fn span_count(record: &RequestRecord) -> u64 {
    1 + u64::from(lookup(record).is_some()) + record.attempts.len() as u64
}

struct Story<'a> {
    record: &'a RequestRecord,
    names: &'a RecordNames,
    model: String,
    /// When the request was received. Every other date is reckoned from it, so that no span
    /// begins before its parent because a clock was read twice.
    received: SystemTime,
    state: TraceState,
}

impl<'a> Story<'a> {
    fn of(record: &'a RequestRecord, names: &'a RecordNames) -> Self {
        let state = record.identity.trace_state.as_deref().and_then(|state| state.parse().ok());
        Self {
            record,
            names,
            model: names.model(record.call.model),
            received: names.clock.date_of(record.timeline.received),
            state: state.unwrap_or_default(),
        }
    }

    /// A server's span, or an internal one where the cache itself made the request.
    fn whole_request(&self) -> SpanData {
        let (identity, call) = (&self.record.identity, &self.record.call);
        let (name, span_kind) = match (&self.record.origin, known_route(call.operation)) {
            (Origin::Refresh, _) => (Cow::Borrowed("transom.refresh"), SpanKind::Internal),
            (Origin::Client | Origin::Replay(_), Some(route)) => {
                (Cow::Owned(format!("{} {route}", self.method("HTTP"))), SpanKind::Server)
            }
            (Origin::Client | Origin::Replay(_), None) => {
                (Cow::Borrowed(self.method("HTTP")), SpanKind::Server)
            }
        };
        let parent = identity.parent_id.map_or(SpanId::INVALID, ids::span_id);
        let mut events = SpanEvents::default();
        events.events = self.events();
        let mut links = SpanLinks::default();
        links.links = self.link().into_iter().collect();
        SpanData {
            parent_span_is_remote: identity.parent_id.is_some(),
            span_kind,
            attributes: self.server_attributes(),
            events,
            links,
            status: self.status(),
            ..self.span((ids::span_id(identity.span_id), parent), name, self.whole())
        }
    }

    fn lookup(&self, cache: &CacheFacts, Lookup { began, took }: Lookup) -> SpanData {
        let parent = self.record.identity.span_id;
        let mut list = Attributes::with_capacity(2);
        list.add("transom.cache.status", cache.status.label());
        list.maybe("transom.cache.tier", cache.tier().map(CacheTier::label));
        SpanData {
            span_kind: SpanKind::Internal,
            attributes: list.0,
            ..self.span(
                (ids::child_of(parent), ids::span_id(parent)),
                Cow::Borrowed("transom.cache"),
                (self.date(began), self.date(began + took)),
            )
        }
    }

    fn client(&self, number: i64, attempt: &Attempt) -> SpanData {
        let operation = self.record.call.operation;
        let name = if operation.is_inference() {
            Cow::Owned(format!("{} {}", operation.label(), self.model))
        } else {
            Cow::Borrowed(self.method("HTTP"))
        };
        let parent = ids::span_id(self.record.identity.span_id);
        let ended = attempt.ended.or(self.record.timeline.finished).unwrap_or(attempt.started);
        SpanData {
            attributes: self.client_attributes(number, attempt),
            status: attempt.error.map_or(Status::Unset, failure),
            ..self.span(
                (ids::span_id(attempt.span_id), parent),
                name,
                (self.date(attempt.started), self.date(ended)),
            )
        }
    }

    /// What all spans of a trace have in common; a client's until something else is said.
    fn span(
        &self,
        (id, parent): (SpanId, SpanId),
        name: Cow<'static, str>,
        (start_time, end_time): (SystemTime, SystemTime),
    ) -> SpanData {
        let identity = &self.record.identity;
        let flags = TraceFlags::new(identity.flags.bits()) | TraceFlags::SAMPLED;
        let trace_id = ids::trace_id(identity.trace_id);
        SpanData {
            span_context: SpanContext::new(trace_id, id, flags, false, self.state.clone()),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind: SpanKind::Client,
            name,
            start_time,
            end_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("transom").build(),
        }
    }

    fn server_attributes(&self) -> Vec<KeyValue> {
        let (identity, call, verdict) =
            (&self.record.identity, &self.record.call, self.record.verdict);
        let route = known_route(call.operation);
        let missed = self.names.missed(self.record.slo).map(|name| name.to_owned().into());
        let missed: Vec<StringValue> = missed.collect();
        let overhead = self.record.timeline.overhead();
        let mut list = Attributes::with_capacity(24);
        list.add("http.request.method", self.method("_OTHER"));
        list.maybe("http.route", route);
        list.maybe("url.path", route);
        list.add("http.response.status_code", i64::from(verdict.status));
        self.model_attributes(&mut list);
        list.maybe("transom.model_asked", call.model_asked.clone());
        list.maybe("gen_ai.response.model", call.model_answered.clone());
        list.maybe("gen_ai.usage.input_tokens", self.record.usage.map(|usage| usage.input as i64));
        list.maybe(
            "gen_ai.usage.output_tokens",
            self.record.usage.map(|usage| usage.output as i64),
        );
        list.maybe("error.type", verdict.error.map(ErrorType::label));
        list.add("transom.outcome", verdict.outcome.label());
        list.maybe("transom.overhead_seconds", overhead.map(|overhead| overhead.as_secs_f64()));
        list.maybe("transom.key_alias", identity.key_alias.as_deref().map(str::to_owned));
        list.add("transom.request_id", identity.request_id.to_string());
        list.add("transom.origin", self.record.origin.label());
        list.maybe("transom.replay", self.record.origin.replay().map(|mark| mark.run.to_string()));
        list.maybe("transom.keep_reason", self.record.kept.map(KeepReason::label));
        let cache = self.record.cache.as_ref();
        list.maybe("transom.cache", cache.map(|cache| cache.status.label()));
        list.maybe("transom.cost_usd", self.record.cost.map(|cost| cost.dollars()));
        if !missed.is_empty() {
            list.add("transom.slo.missed", Value::Array(missed.into()));
        }
        list.0
    }

    fn client_attributes(&self, number: i64, attempt: &Attempt) -> Vec<KeyValue> {
        let mut list = Attributes::with_capacity(12);
        list.add("http.request.method", self.method("_OTHER"));
        self.model_attributes(&mut list);
        let (host, port) = host_and_port(&attempt.endpoint);
        list.add("server.address", host.to_owned());
        list.maybe("server.port", port);
        list.maybe("transom.upstream", self.names.upstream(attempt.upstream).map(str::to_owned));
        list.add("transom.attempt", number);
        list.maybe("http.request.resend_count", (number > 1).then_some(number - 1));
        list.maybe("http.response.status_code", attempt.status.map(i64::from));
        list.maybe("error.type", attempt.error.map(ErrorType::label));
        list.0
    }

    fn model_attributes(&self, list: &mut Attributes) {
        let call = &self.record.call;
        if call.operation.is_inference() {
            list.add("gen_ai.operation.name", call.operation.label());
            list.add("gen_ai.provider.name", call.dialect.label());
            list.add("gen_ai.request.model", self.model.clone());
        }
    }

    fn events(&self) -> Vec<Event> {
        let meter = &self.record.meter;
        let first = meter.first_token().filter(|_| self.record.call.streamed);
        let first = first.map(|at| Event::new("gen_ai.first_token", self.date(at), Vec::new(), 0));
        let timeline = &self.record.timeline;
        let end = timeline.finished.unwrap_or(timeline.received);
        let silence = meter.longest_silence(end).filter(|_| self.record.call.streamed);
        let stalled = silence.filter(|(_, lasted)| *lasted >= STALL).map(|(from, lasted)| {
            let seconds = KeyValue::new("transom.gap_seconds", lasted.as_secs_f64());
            Event::new("stream.stalled", self.date(from), vec![seconds], 0)
        });
        first.into_iter().chain(stalled).collect()
    }

    fn link(&self) -> Option<Link> {
        let (trace, span) = self.record.identity.link?;
        let (trace, span) = (ids::trace_id(trace), ids::span_id(span));
        let flags = TraceFlags::default();
        Some(Link::with_context(SpanContext::new(trace, span, flags, true, TraceState::default())))
    }

    /// A server's span is an error only where the server is at fault.
    fn status(&self) -> Status {
        match self.record.verdict.outcome {
            Outcome::Success
            | Outcome::ClientError
            | Outcome::ClientCancelled
            | Outcome::RateLimited => Status::Unset,
            _ => self.record.verdict.error.map_or(Status::Unset, failure),
        }
    }

    fn method(&self, other: &'static str) -> &'static str {
        let method = self.record.call.method.as_str();
        METHODS.into_iter().find(|known| *known == method).unwrap_or(other)
    }

    fn whole(&self) -> (SystemTime, SystemTime) {
        (self.received, self.received + self.record.timeline.duration())
    }

    fn date(&self, at: Instant) -> SystemTime {
        self.received + at.saturating_duration_since(self.record.timeline.received)
    }
}

/// The look-up in the cache, where one took place.
fn lookup(record: &RequestRecord) -> Option<(&CacheFacts, Lookup)> {
    let cache = record.cache.as_ref()?;
    Some((cache, cache.lookup?))
}

/// Attributes, of which some are only there where they are known.
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    fn add(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.push(KeyValue::new(key, value));
    }

    fn maybe(&mut self, key: &'static str, value: Option<impl Into<Value>>) {
        self.0.extend(value.map(|value| KeyValue::new(key, value)));
    }
}

/// The route where there is one; any other path is a stranger's text.
fn known_route(operation: Operation) -> Option<&'static str> {
    (operation != Operation::PassThrough).then(|| operation.route())
}

fn failure(error: ErrorType) -> Status {
    Status::error(error.label())
}

/// `host:port`, where the host of an IPv6 address stands in brackets.
fn host_and_port(endpoint: &str) -> (&str, Option<i64>) {
    let split = endpoint.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = split.map_or((endpoint, None), |(host, port): (_, u16)| (host, Some(port)));
    (host.trim_start_matches('[').trim_end_matches(']'), port.map(i64::from))
}
