//! Requests that never were, for the tests of this module.

use crate::observe::verdict::{self, Ending};
use crate::observe::{
    Attempt, CallFacts, Identity, Metrics, RecordNames, RequestRecord, SemanticNames,
};
use crate::types::{
    Clock, Dialect, ErrorType, ModelSlot, Operation, RequestId, SpanId, StreamEnd, TraceId, Usage,
    UsageSource,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) const UPSTREAMS: [&str; 2] = ["vllm-a", "vllm-b"];
pub(super) const OBJECTIVES: [&str; 2] = ["availability", "first-token"];

/// Two upstreams, two objectives, and models `m1` to `m9` in their slots.
pub(super) fn names() -> RecordNames {
    let (upstreams, objectives) = (texts(&UPSTREAMS), texts(&OBJECTIVES));
    let metrics = Metrics::new("test", &upstreams, &[], SemanticNames::Stable).expect("metrics");
    for number in 1..10 {
        metrics.model_slot(&format!("m{number}"));
    }
    RecordNames { metrics: Arc::new(metrics), upstreams, objectives, clock: Clock::system() }
}

pub(super) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A streamed chat of `m1` that took `duration` and went well: one attempt, first token after
/// a tenth of it, 3 tokens in and 11 out.
pub(super) fn request(id: &str, duration: Duration) -> RequestRecord {
    let received = Instant::now();
    let at = |share: u32| received + duration * share / 10;
    let identity = Identity::new(
        RequestId::parse(id).expect("well-formed"),
        TraceId::mint(|| 0x0123_4567_89ab_cdef),
        SpanId::mint(|| 7),
    );
    let call = CallFacts {
        model: ModelSlot::at(1),
        streamed: true,
        ..CallFacts::new(Dialect::OpenAi, Operation::Chat, http::Method::POST)
    };
    let mut record = RequestRecord::begin(identity, call, received);
    record.timeline.finished = Some(at(10));
    record.attempts.push(Attempt {
        ended: Some(at(10)),
        status: Some(200),
        ..Attempt::begin(0, "10.0.0.1:8000".into(), SpanId::mint(|| 8), received)
    });
    record.meter.note_chunks(received, 4_096);
    for share in [1, 5, 10] {
        record.meter.on_chunk(at(share), 100);
        record.meter.on_generated(at(share));
    }
    record.usage = Some(Usage { input: 3, output: 11, source: UsageSource::Upstream });
    record.verdict = verdict::decide(200, StreamEnd::Terminated, Ending::Complete);
    record
}

/// One that failed.
pub(super) fn failed(id: &str, error: ErrorType) -> RequestRecord {
    let mut record = request(id, Duration::from_millis(100));
    record.verdict = verdict::failed(502, error);
    record.attempts[0].error = Some(error);
    record.attempts[0].status = None;
    record
}
