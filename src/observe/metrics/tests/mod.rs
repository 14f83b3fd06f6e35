//! What is counted from records, as a scraper sees it.

mod cache;
mod exemplars;
mod exposition;
mod scrapes;
mod text;

use super::{Exposition, MODEL_CAP, Metrics, SemanticNames, Sink};
use crate::observe::{
    Attempt, CallFacts, Identity, Indicator, RequestRecord, SloSettings, StreamMeter, Timeline,
    verdict,
};
use crate::types::{
    Dialect, ErrorType, ModelSlot, NanoUsd, Operation, RequestId, SloKey, SpanId, StreamEnd,
    TraceId, Usage, UsageSource,
};
use bytes::Bytes;
use exposition::Page;
use std::thread;
use std::time::{Duration, Instant};

fn metrics() -> Metrics {
    Metrics::new("1.2.3", &["up".to_owned()], &[], SemanticNames::Stable).unwrap()
}

fn text(metrics: &Metrics, exposition: Exposition) -> String {
    joined(metrics.pages(exposition).flatten())
}

fn joined(pieces: impl IntoIterator<Item = Bytes>) -> String {
    String::from_utf8(pieces.into_iter().collect::<Vec<_>>().concat()).unwrap()
}

fn page(metrics: &Metrics) -> Page {
    Page::parse(&text(metrics, Exposition::OpenMetrics))
}

/// A stream of `model` that took 3 s, its first token 1 s, and 21 output tokens.
fn stream_of(model: ModelSlot, received: Instant) -> RequestRecord {
    let at = |ms| received + Duration::from_millis(ms);
    let mut timeline = Timeline::start(received);
    timeline.waited_since(at(10), at(2_990));
    timeline.finished = Some(at(3_000));
    let mut meter = StreamMeter::default();
    meter.on_chunk(at(1_000), 1);
    meter.on_generated(at(1_000));
    meter.on_chunk(at(2_900), 1);
    let mut attempt = Attempt::begin(0, "127.0.0.1:1".into(), SpanId::mint(|| 7), at(10));
    attempt.first_chunk = Some(at(1_000));
    attempt.ended = Some(at(2_990));
    let identity =
        Identity::new(RequestId::mint(|| 1), TraceId::mint(|| 0xabc), SpanId::mint(|| 0xdef));
    let call = CallFacts {
        model,
        streamed: true,
        bytes_in: 1,
        bytes_out: 2,
        ..CallFacts::new(Dialect::OpenAi, Operation::Chat, http::Method::POST)
    };
    RequestRecord {
        timeline,
        attempts: vec![attempt],
        meter,
        usage: Some(Usage { input: 9, output: 21, source: UsageSource::Upstream }),
        cost: Some(NanoUsd(100)),
        verdict: verdict::decide(200, StreamEnd::Terminated, verdict::Ending::Complete),
        ..RequestRecord::begin(identity, call, received)
    }
}

#[test]
fn every_series_of_a_model_stands_at_0_before_its_first_request() {
    let metrics = metrics();
    metrics.model_slot("m");
    let page = page(&metrics);
    let gen_ai = [("gen_ai_request_model", "m"), ("gen_ai_operation_name", "chat")];
    for (name, labels) in [
        ("transom_requests_total", vec![("model", "m"), ("outcome", "timeout")]),
        ("request_errors_total", vec![("model", "m"), ("error_type", "timeout_idle")]),
        ("model_request_duration_seconds_count", vec![("model", "m")]),
        ("gen_ai_server_time_to_first_token_seconds_count", gen_ai.to_vec()),
        ("gen_ai_client_token_usage_sum", gen_ai.to_vec()),
        ("transom_inter_chunk_seconds_sum", vec![("model", "m")]),
        ("transom_queue_wait_seconds_count", vec![("model", "m")]),
        ("transom_tokens_total", vec![("model", "m"), ("source", "cache")]),
        ("transom_cost_usd_total", vec![("model", "m")]),
        ("transom_saved_seconds_total", vec![("model", "m")]),
        ("transom_in_flight_requests", vec![("model", "m")]),
        ("transom_upstream_circuit_state", vec![("upstream", "up")]),
        ("transom_retries_total", vec![("upstream", "up"), ("reason", "dns")]),
        ("transom_cache_requests_total", vec![("tier", "disk"), ("result", "miss")]),
        ("transom_telemetry_dropped_total", vec![("sink", "traces")]),
        ("transom_config_reloads_total", vec![("result", "failure")]),
    ] {
        let found = page.select(name, &labels);
        assert!(!found.is_empty(), "no {name}{labels:?}");
        assert!(found.iter().all(|sample| sample.value == 0.0), "{found:?}");
    }
    assert_eq!(page.sum("transom_build_info", &[("version", "1.2.3")]), 1.0);
}

#[test]
fn a_stream_is_counted_in_every_view_of_it() {
    let metrics = metrics();
    let slot = metrics.model_slot("m");
    metrics.record(&stream_of(slot, Instant::now()));
    let page = page(&metrics);
    for (name, expected) in [
        ("http_requests_total", 1.0),
        ("http_request_duration_seconds_sum", 3.0),
        ("model_request_duration_seconds_sum", 3.0),
        ("transom_requests_total", 1.0),
        ("gen_ai_server_request_duration_seconds_sum", 3.0),
        ("gen_ai_server_time_to_first_token_seconds_sum", 1.0),
        ("gen_ai_server_time_per_output_token_seconds_sum", 0.1),
        ("gen_ai_client_operation_duration_seconds_sum", 2.98),
        ("gen_ai_client_operation_time_to_first_chunk_seconds_sum", 0.99),
        ("gen_ai_client_token_usage_sum", 30.0),
        ("transom_inter_chunk_seconds_sum", 1.9),
        ("transom_stream_max_gap_seconds_sum", 1.9),
        ("transom_overhead_seconds_sum", 0.02),
        ("transom_tokens_total", 30.0),
        ("transom_cost_usd_total", 1e-7),
        ("transom_upstream_attempts_total", 1.0),
        ("request_errors_total", 0.0),
    ] {
        assert_eq!(page.sum(name, &[]), expected, "{name}");
    }
}

#[test]
fn nothing_is_lost_when_requests_finish_at_once() {
    let metrics = metrics();
    let slot = metrics.model_slot("m");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut record = stream_of(slot, Instant::now());
                for round in 0..1_000 {
                    record.verdict = match round % 2 {
                        0 => verdict::failed(504, ErrorType::TimeoutIdle),
                        _ => verdict::client_left(),
                    };
                    metrics.record(&record);
                }
            });
        }
    });
    let page = page(&metrics);
    assert_eq!(page.sum("transom_requests_total", &[("model", "m")]), 4_000.0);
    assert_eq!(page.sum("transom_requests_total", &[("outcome", "timeout")]), 2_000.0);
    assert_eq!(page.sum("request_errors_total", &[("error_type", "timeout_idle")]), 2_000.0);
    let per_token = "gen_ai_server_time_per_output_token_seconds_count";
    assert_eq!(page.sum(per_token, &[("error_type", "timeout_idle")]), 2_000.0);
    assert_eq!(page.sum("model_request_duration_seconds_sum", &[]), 12_000.0);
    assert_eq!(page.sum("model_request_duration_seconds_count", &[]), 4_000.0);
    assert_eq!(page.sum("transom_overhead_seconds_sum", &[]), 80.0);
    assert_eq!(page.sum("transom_cost_usd_total", &[]), 0.0004);
}

#[test]
fn ten_thousand_made_up_names_add_no_series() {
    let metrics = metrics();
    let mut record = stream_of(ModelSlot::OTHER, Instant::now());
    metrics.record(&record);
    let before = page(&metrics).samples.len();
    for number in 0..10_000 {
        record.call.model_asked = Some(format!("{:x}-{number}", fastrand::u64(..)));
        record.call.model_answered = record.call.model_asked.clone();
        metrics.record(&record);
    }
    let page = page(&metrics);
    assert_eq!(page.samples.len(), before);
    assert_eq!(page.sum("transom_requests_total", &[("model", "_other")]), 10_001.0);
}

#[test]
fn names_beyond_the_cap_share_one_label_and_are_counted() {
    let metrics = metrics();
    for number in 0..MODEL_CAP {
        assert_ne!(metrics.model_slot(&format!("m{number}")), ModelSlot::OTHER);
    }
    for number in 0..7 {
        assert_eq!(metrics.model_slot(&format!("late{number}")), ModelSlot::OTHER);
    }
    assert_eq!(metrics.model_slot("m0").index(), 1, "known ones keep their slot");
    assert_eq!(metrics.models().len(), MODEL_CAP + 1);
    assert_eq!(metrics.model_overflow.get(), 7);
}

#[test]
fn a_limit_of_an_objective_is_a_bucket_of_what_it_is_about() {
    let objective = SloSettings {
        indicator: Indicator::FirstToken(Duration::from_millis(1_200)),
        ..SloSettings::standard()
    };
    let metrics = Metrics::new("1", &[], &[objective], SemanticNames::Stable).unwrap();
    metrics.record(&stream_of(metrics.model_slot("m"), Instant::now()));
    let page = page(&metrics);
    let first_token = "gen_ai_server_time_to_first_token_seconds_bucket";
    assert_eq!(page.sum(first_token, &[("le", "1.2")]), 1.0);
    assert!(page.select("model_request_duration_seconds_bucket", &[("le", "1.2")]).is_empty());
}

#[test]
fn drafted_names_are_views_of_the_same_series_for_those_who_ask() {
    let drafted = Metrics::new("1", &["up".to_owned()], &[], SemanticNames::WithDraft).unwrap();
    let slot = drafted.model_slot("m");
    drafted.record(&stream_of(slot, Instant::now()));
    let mut embeddings = stream_of(slot, Instant::now());
    embeddings.call.operation = Operation::Embeddings;
    drafted.record(&embeddings);
    let page = page(&drafted);
    let draft = |rest: &str| format!("gen_ai_client_inference_{rest}");
    assert_eq!(page.sum(&draft("duration_seconds_count"), &[]), 1.0, "embeddings are none");
    assert_eq!(page.sum(&draft("duration_seconds_sum"), &[("upstream", "up")]), 2.98);
    assert_eq!(page.sum(&draft("time_to_first_chunk_seconds_sum"), &[]), 0.99);
    assert_eq!(page.sum(&draft("operation_input_tokens_sum"), &[]), 9.0);
    assert_eq!(page.sum(&draft("operation_output_tokens_sum"), &[]), 21.0);
    assert_eq!(page.sum("gen_ai_client_operation_duration_seconds_count", &[]), 2.0);
    let plain = text(&self::metrics(), Exposition::OpenMetrics);
    assert!(!plain.contains("gen_ai_client_inference"));
}

#[test]
fn a_budget_begins_whole_and_without_events() {
    let metrics = metrics();
    let key = SloKey { slo: "first-token".to_owned(), model: "m".to_owned() };
    let series = metrics.slo_series(&key, &["5m".to_owned(), "1h".to_owned()]);
    series.events.inc();
    series.burn[1].set(14.4);
    metrics.dropped(Sink::Slo).inc_by(3);
    let page = page(&metrics);
    let labels = [("slo", "first-token"), ("model", "m")];
    for (name, expected) in [
        ("transom_slo_events_total", 1.0),
        ("transom_slo_bad_events_total", 0.0),
        ("transom_slo_objective_ratio", 0.0),
        ("transom_slo_error_budget_remaining_ratio", 1.0),
        ("transom_slo_burn_rate", 14.4),
    ] {
        assert_eq!(page.sum(name, &labels), expected, "{name}");
    }
    assert_eq!(page.sum("transom_slo_burn_rate", &[("window", "5m")]), 0.0);
    assert_eq!(page.sum("transom_telemetry_dropped_total", &[("sink", "slo")]), 3.0);
}
