//! What the spans of a record say.

use super::{CALLER, SERVER, TRACE, names, record, span};
use crate::observe::slo::Judgement;
use crate::observe::trace::spans::{span_count, spans};
use crate::observe::{CacheFacts, KeepReason, Lookup, Origin, RequestRecord, verdict};
use crate::types::{CacheStatus, CacheTier, ErrorType, NanoUsd, Operation, SpanId, TraceId};
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use std::time::Duration;

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let mut found = span.attributes.iter().filter(|attribute| attribute.key.as_str() == key);
    let value = found.next().map(|attribute| attribute.value.to_string());
    assert!(found.next().is_none(), "{key} twice");
    value
}

fn says(span: &SpanData, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        assert_eq!(attribute(span, key).as_deref(), Some(*value), "{key} in {span:?}");
    }
}

fn tree(record: &RequestRecord) -> (SpanData, Vec<SpanData>) {
    let mut spans = spans(record, &names());
    assert_eq!(spans.len() as u64, span_count(record));
    let server = spans.remove(0);
    for span in &spans {
        assert_eq!(span.parent_span_id, server.span_context.span_id());
        assert_eq!(span.span_context.trace_id(), server.span_context.trace_id());
        assert!(server.start_time <= span.start_time && span.end_time <= server.end_time);
    }
    (server, spans)
}

#[test]
fn a_chat_is_a_server_span_with_a_client_span_for_its_attempt() {
    let mut record = record();
    record.identity.parent_id = SpanId::parse(CALLER);
    record.identity.trace_state = Some("vendor=1".into());
    record.identity.key_alias = Some("team".into());
    record.cost = Some(NanoUsd(2_500_000));
    record.kept = Some(KeepReason::Sampled);
    record.slo.note(0, Judgement::Bad);
    let (server, attempts) = tree(&record);
    assert_eq!(server.name, "POST /v1/chat/completions");
    assert_eq!(server.span_kind, SpanKind::Server);
    assert_eq!(server.span_context.trace_id().to_string(), TRACE);
    assert_eq!(server.span_context.span_id().to_string(), SERVER);
    assert_eq!(server.span_context.trace_state().header(), "vendor=1");
    assert_eq!(server.parent_span_id.to_string(), CALLER);
    assert!(server.parent_span_is_remote && server.links.is_empty());
    assert_eq!(server.end_time, server.start_time + Duration::from_secs(1));
    assert_eq!(server.status, Status::Unset);
    says(
        &server,
        &[
            ("http.request.method", "POST"),
            ("http.route", "/v1/chat/completions"),
            ("url.path", "/v1/chat/completions"),
            ("http.response.status_code", "200"),
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "chat-large"),
            ("transom.model_asked", "gpt"),
            ("gen_ai.response.model", "served"),
            ("gen_ai.usage.input_tokens", "3"),
            ("gen_ai.usage.output_tokens", "5"),
            ("transom.outcome", "success"),
            ("transom.overhead_seconds", "0.02"),
            ("transom.key_alias", "team"),
            ("transom.request_id", "req-1"),
            ("transom.origin", "client"),
            ("transom.keep_reason", "sampled"),
            ("transom.slo.missed", "[\"availability\"]"),
            ("transom.cost_usd", "0.0025"),
        ],
    );
    assert_eq!(attribute(&server, "error.type"), None);
    assert_eq!(attribute(&server, "transom.cache"), None);
    let [attempt] = attempts.as_slice() else { panic!("{attempts:?}") };
    assert_eq!(attempt.name, "chat chat-large");
    assert_eq!(attempt.span_kind, SpanKind::Client);
    assert_eq!(attempt.end_time, attempt.start_time + Duration::from_millis(980));
    says(
        attempt,
        &[
            ("server.address", "10.0.0.1"),
            ("server.port", "8000"),
            ("transom.upstream", "vllm"),
            ("transom.attempt", "1"),
            ("http.response.status_code", "200"),
            ("gen_ai.request.model", "chat-large"),
        ],
    );
}

#[test]
fn each_attempt_has_its_number_its_end_and_its_error() {
    let mut record = record();
    let mut second = record.attempts[0].clone();
    record.attempts[0].error = Some(ErrorType::ConnectRefused);
    record.attempts[0].status = None;
    second.endpoint = "[::1]:9000".into();
    second.span_id = span("00000000000000cc");
    record.attempts.push(second);
    let (server, attempts) = tree(&record);
    assert_eq!(server.status, Status::Unset);
    let [failed, served] = attempts.as_slice() else { panic!("{attempts:?}") };
    assert_eq!(failed.status, Status::error("connect_refused"));
    says(failed, &[("error.type", "connect_refused"), ("transom.attempt", "1")]);
    assert_eq!(attribute(failed, "http.response.status_code"), None);
    assert_eq!(served.status, Status::Unset);
    says(served, &[("transom.attempt", "2"), ("http.request.resend_count", "1")]);
    says(served, &[("server.address", "::1"), ("server.port", "9000")]);
}

#[test]
fn a_look_up_in_the_cache_is_a_span_of_its_own() {
    let mut record = record();
    let began = record.timeline.received + Duration::from_millis(4);
    let lookup = Some(Lookup { began, took: Duration::from_millis(2) });
    for (status, tier) in [
        (CacheStatus::Hit(CacheTier::Disk), Some("disk")),
        (CacheStatus::Stale(CacheTier::Memory), Some("memory")),
        (CacheStatus::Miss, None),
        (CacheStatus::Collapsed, None),
    ] {
        record.cache = Some(CacheFacts { lookup, ..CacheFacts::new(status) });
        let (server, children) = tree(&record);
        says(&server, &[("transom.cache", status.label())]);
        let [found, attempt] = children.as_slice() else { panic!("{children:?}") };
        assert_eq!((&*found.name, &found.span_kind), ("transom.cache", &SpanKind::Internal));
        assert_eq!(found.start_time, server.start_time + Duration::from_millis(4));
        assert_eq!(found.end_time, server.start_time + Duration::from_millis(6));
        says(found, &[("transom.cache.status", status.label())]);
        assert_eq!(attribute(found, "transom.cache.tier").as_deref(), tier);
        let ids = [&server, found, attempt].map(|span| span.span_context.span_id());
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[1] != opentelemetry::SpanId::INVALID);
    }
    record.cache = Some(CacheFacts::new(CacheStatus::Miss));
    assert_eq!(tree(&record).1.len(), 1, "nothing was looked up");
}

#[test]
fn a_refresh_is_no_server_s_span() {
    let mut record = record();
    record.origin = Origin::Refresh;
    let (whole, attempts) = tree(&record);
    assert_eq!((&*whole.name, &whole.span_kind), ("transom.refresh", &SpanKind::Internal));
    says(&whole, &[("transom.origin", "refresh"), ("http.route", "/v1/chat/completions")]);
    assert_eq!(attempts[0].span_kind, SpanKind::Client);
}

#[test]
fn a_caller_that_is_not_trusted_is_linked_to() {
    let mut record = record();
    let theirs = TraceId::parse(&"7".repeat(32)).expect("well-formed");
    record.identity.link = Some((theirs, span(CALLER)));
    let (server, _) = tree(&record);
    assert_eq!(server.parent_span_id, opentelemetry::SpanId::INVALID);
    let [link] = &*server.links else { panic!("{server:?}") };
    assert_eq!(link.span_context.trace_id().to_string(), "7".repeat(32));
    assert_eq!(link.span_context.span_id().to_string(), CALLER);
    assert!(link.span_context.is_remote());
}

#[test]
fn only_failures_of_the_server_make_its_span_an_error() {
    for (error, status) in [
        (ErrorType::Status(400), Status::Unset),
        (ErrorType::RateLimited, Status::Unset),
        (ErrorType::Status(503), Status::error("503")),
        (ErrorType::StreamTruncated, Status::error("stream_truncated")),
        (ErrorType::TimeoutIdle, Status::error("timeout_idle")),
    ] {
        let mut record = record();
        record.verdict = verdict::failed(200, error);
        let (server, _) = tree(&record);
        assert_eq!(server.status, status);
        says(&server, &[("error.type", error.label())]);
    }
    let mut record = record();
    record.verdict = verdict::client_left();
    assert_eq!(tree(&record).0.status, Status::Unset);
}

#[test]
fn the_first_token_and_a_stall_are_events_and_other_chunks_are_not() {
    let mut record = record();
    let (server, _) = tree(&record);
    let [first] = &*server.events else { panic!("{server:?}") };
    assert_eq!(first.name, "gen_ai.first_token");
    assert_eq!(first.timestamp, server.start_time + Duration::from_millis(200));

    // Silence between two chunks counts, and so does what comes after the last one.
    let last = record.timeline.received + Duration::from_millis(12_990);
    record.timeline.finished = Some(last);
    let mut resumed = record.meter.clone();
    resumed.on_chunk(last, 1);
    for meter in [record.meter.clone(), resumed] {
        record.meter = meter;
        let (server, _) = tree(&record);
        let [_, stalled] = &*server.events else { panic!("{server:?}") };
        assert_eq!(stalled.name, "stream.stalled");
        assert_eq!(stalled.timestamp, server.start_time + Duration::from_millis(990));
        assert_eq!(stalled.attributes[0].value.to_string(), "12");
    }

    // Nobody saw the first token of a plain answer, or its silence.
    record.call.streamed = false;
    assert!(tree(&record).0.events.is_empty());
}

#[test]
fn a_stranger_s_path_and_method_name_nothing() {
    let mut record = record();
    record.call.operation = Operation::PassThrough;
    record.call.method = http::Method::from_bytes(b"FROBNICATE").expect("a token");
    let (server, attempts) = tree(&record);
    assert_eq!((&*server.name, &*attempts[0].name), ("HTTP", "HTTP"));
    says(&server, &[("http.request.method", "_OTHER")]);
    for key in ["http.route", "url.path", "gen_ai.operation.name", "gen_ai.request.model"] {
        assert_eq!(attribute(&server, key), None, "{key}");
    }
    record.call.method = http::Method::GET;
    assert_eq!(tree(&record).0.name, "GET");
}

#[test]
fn a_trace_state_that_nobody_can_read_is_left_out() {
    let mut record = record();
    record.identity.trace_state = Some("no pairs at all".into());
    assert_eq!(tree(&record).0.span_context.trace_state().header(), "");
}
