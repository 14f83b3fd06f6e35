//! Spans and their way out, as a receiver gets them.

mod collector;
mod export;
mod spans;
mod transport;

pub(in crate::observe) use collector::{Collector, Manner};

use crate::observe::verdict::Ending;
use crate::observe::{
    Attempt, CallFacts, Identity, Metrics, RecordNames, RequestRecord, SemanticNames, StreamMeter,
    Timeline, verdict,
};
use crate::types::{
    Clock, Dialect, ModelSlot, Operation, RequestId, SpanId, StreamEnd, TraceId, Usage, UsageSource,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const SERVER: &str = "00000000000000aa";
const CLIENT: &str = "00000000000000bb";

/// A streamed chat that went well: received, sent on after 10 ms, first token at 200 ms, over
/// after a second.
pub(in crate::observe) fn record() -> RequestRecord {
    let received = Instant::now();
    let at = |ms| received + Duration::from_millis(ms);
    let mut timeline = Timeline::start(received);
    timeline.waited_since(at(10), at(990));
    timeline.finished = Some(at(1_000));
    let mut attempt = Attempt::begin(0, "10.0.0.1:8000".into(), span(CLIENT), at(10));
    attempt.first_byte = Some(at(100));
    attempt.ended = Some(at(990));
    attempt.status = Some(200);
    let mut meter = StreamMeter::default();
    for ms in [200, 500, 990] {
        meter.on_chunk(at(ms), 1);
        meter.on_generated(at(ms));
    }
    let identity = Identity::new(
        RequestId::parse("req-1").expect("well-formed"),
        TraceId::parse(TRACE).expect("well-formed"),
        span(SERVER),
    );
    let call = CallFacts {
        model_asked: Some("gpt".to_owned()),
        model: ModelSlot::at(1),
        model_answered: Some("served".to_owned()),
        streamed: true,
        bytes_in: 1,
        bytes_out: 2,
        ..CallFacts::new(Dialect::OpenAi, Operation::Chat, http::Method::POST)
    };
    RequestRecord {
        timeline,
        attempts: vec![attempt],
        meter,
        usage: Some(Usage { input: 3, output: 5, source: UsageSource::Upstream }),
        verdict: verdict::decide(200, StreamEnd::Terminated, Ending::Complete),
        ..RequestRecord::begin(identity, call, received)
    }
}

pub(in crate::observe) fn names() -> RecordNames {
    let upstreams = vec!["vllm".to_owned()];
    let metrics = Metrics::new("test", &upstreams, &[], SemanticNames::Stable).expect("metrics");
    metrics.model_slot("chat-large");
    let objectives = vec!["availability".to_owned()];
    RecordNames { metrics: Arc::new(metrics), upstreams, objectives, clock: Clock::system() }
}

fn span(hex: &str) -> SpanId {
    SpanId::parse(hex).expect("well-formed")
}

/// Waits until `done`, at most ten seconds.
pub(in crate::observe) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(2));
    }
}
