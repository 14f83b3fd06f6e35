//! Every request is recorded exactly once, and metric and log say the same.

use crate::support::*;
use futures_util::future::join_all;
use serde_json::Value;
use std::io::Result;

/// Ends in every way that an upstream can make a request end, by the model's name.
async fn end_as_asked(mut call: Call) -> Result<After> {
    let body = call.body().await?;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    match request["user"].as_str().unwrap_or_default() {
        "refuse" => call.answer(json_answer(400, "{}")).await,
        "limit" => call.answer(json_answer(429, "{}")).await,
        "teapot" => call.answer(json_answer(418, "{}")).await,
        "fail" => call.answer(json_answer(500, "{}")).await,
        "overload" => call.answer(json_answer(529, "{}")).await,
        "reset" => call.reset(),
        "garble" => {
            call.write("garbage\r\n\r\n").await?;
            call.close()
        }
        "hang" => call.until_closed().await,
        "cut" => {
            call.write(STREAM_HEAD).await?;
            call.write(chunk(token("one"))).await?;
            call.close()
        }
        "stall" => {
            call.write(STREAM_HEAD).await?;
            call.write(chunk(token("one"))).await?;
            call.until_closed().await
        }
        "event" => {
            call.write(STREAM_HEAD).await?;
            call.write(chunk("data: {\"error\":{\"message\":\"x\"}}\n\n")).await?;
            call.answer(LAST_CHUNK).await
        }
        _ => {
            if request["stream"] != true {
                return call.answer(chat_answer()).await;
            }
            call.write(STREAM_HEAD).await?;
            call.write(chunk(events_for(&body).concat())).await?;
            call.answer(LAST_CHUNK).await
        }
    }
}

/// How a request is made, and how it must be recorded: outcome, status, error type.
type Case = (&'static str, &'static str, &'static str, u16, &'static str);

const CASES: [Case; 17] = [
    ("m", "", "success", 200, ""),
    ("m", "stream", "success", 200, ""),
    ("m", "refuse", "client_error", 400, "400"),
    ("m", "teapot", "client_error", 418, "_OTHER"),
    ("unknown", "", "client_error", 404, "404"),
    ("m", "limit", "rate_limited", 429, "429"),
    ("m", "fail", "upstream_error", 500, "500"),
    ("m", "overload", "upstream_error", 529, "529"),
    ("m", "reset", "upstream_error", 502, "upstream_reset"),
    ("m", "garble", "upstream_error", 502, "decode_error"),
    ("away", "", "upstream_error", 502, "connect_refused"),
    ("m", "hang", "timeout", 504, "timeout_first_byte"),
    ("m", "stall", "timeout", 200, "timeout_idle"),
    ("m", "cut", "stream_truncated", 200, "stream_truncated"),
    ("m", "event", "stream_error_event", 200, "stream_error_event"),
    ("m", "leave", "client_cancelled", 499, ""),
    ("m", "leave-stream", "client_cancelled", 499, ""),
];

async fn start(upstream: &Upstream, away: &Refusing, tables: &str) -> Proxy {
    Setup::to([upstream.url()])
        .with("timeouts = { first_byte = \"300ms\", idle = \"300ms\" }")
        .upstream("away", [away.url()])
        .models(
            "[[model]]\nname = \"m\"\ntargets = [{ upstream = \"u\" }]\n\
             [[model]]\nname = \"away\"\ntargets = [{ upstream = \"away\" }]\n",
        )
        .tables(tables)
        .start()
        .await
}

/// What an outcome is for the availability of its model; nothing where it does not count.
fn availability(model: &str, outcome: &str, error: &str) -> Option<bool> {
    match outcome {
        _ if model == "unknown" => None,
        "success" => Some(true),
        "client_error" | "client_cancelled" => None,
        "rate_limited" => (error == "429").then_some(false),
        _ => Some(false),
    }
}

fn body_of(model: &str, case: &str) -> String {
    let streams = ["stream", "cut", "stall", "event", "leave-stream"].contains(&case);
    let user = match case {
        "leave" => "hang",
        "leave-stream" => "stall",
        other => other,
    };
    format!(r#"{{"model":"{model}","user":"{user}","stream":{streams}}}"#)
}

/// Makes the request of `case`; returns the status, if the client stayed to see one.
async fn run(proxy: &Proxy, upstream: &Upstream, (model, case): (&str, &str)) -> Option<u16> {
    let mut client = proxy.client().await;
    let before = upstream.count();
    client.post("/v1/chat/completions", &[], body_of(model, case).as_bytes()).await;
    match case {
        "leave" => {
            upstream.got(before + 1).await;
            None
        }
        "leave-stream" => {
            client.head().await;
            None
        }
        _ => {
            let response = client.response().await;
            response.trace_id();
            Some(response.status)
        }
    }
}

#[tokio::test]
async fn each_outcome_is_counted_judged_traced_and_logged_alike_and_once() {
    let (upstream, away) = (Upstream::start(end_as_asked), Refusing::new());
    let collector = Collector::start();
    let proxy = start(&upstream, &away, &collector.table("")).await;
    let mut traced = Vec::new();
    let mut before = proxy.metrics().await;
    for (number, (model, case, outcome, status, error)) in CASES.into_iter().enumerate() {
        let seen = run(&proxy, &upstream, (model, case)).await;
        assert!(seen.is_none_or(|seen| seen == status), "{case}: {seen:?}");
        let line = proxy.settled(number + 1).await.remove(number);
        let logged = (line.outcome(), line.number("status"), line.error_type());
        assert_eq!(logged, (outcome, f64::from(status), error), "{case}");

        let after = proxy.metrics().await;
        let label = if model == "unknown" { "_other" } else { model };
        let grew = |name: &str, labels: &[(&str, &str)]| {
            assert!(
                labels.is_empty() || after.has(name, labels) || labels[0].1.is_empty(),
                "{case}: {labels:?}"
            );
            after.sum(name, labels) - before.sum(name, labels)
        };
        let by = [("model", label), ("operation", "chat"), ("outcome", outcome)];
        assert_eq!(grew("transom_requests_total", &by), 1.0, "{case}");
        assert_eq!(grew("transom_requests_total", &[]), 1.0, "{case}");
        let failed = f64::from(u8::from(!error.is_empty()));
        assert_eq!(grew("request_errors_total", &[]), failed, "{case}");
        if !error.is_empty() {
            let by = [("model", label), ("error_type", error)];
            assert_eq!(grew("request_errors_total", &by), 1.0, "{case}");
        }
        let status = status.to_string();
        let by = [("method", "POST"), ("status", &*status), ("route", "/v1/chat/completions")];
        assert_eq!(grew("http_requests_total", &by), 1.0, "{case}");
        assert_eq!(grew("http_requests_total", &[]), 1.0, "{case}");
        for histogram in [
            "http_request_duration_seconds_count",
            "model_request_duration_seconds_count",
            "gen_ai_server_request_duration_seconds_count",
            "transom_overhead_seconds_count",
        ] {
            assert_eq!(grew(histogram, &[]), 1.0, "{case}: {histogram}");
        }
        let attempts = line.0["attempts"].as_f64().unwrap();
        assert_eq!(grew("gen_ai_client_operation_duration_seconds_count", &[]), attempts, "{case}");
        let judged = availability(model, outcome, error);
        let counts = |flag: bool| f64::from(u8::from(flag));
        let (events, bad) = ("transom_slo_events_total", "transom_slo_bad_events_total");
        assert_eq!(grew(events, &[]), counts(judged.is_some()), "{case}");
        assert_eq!(grew(bad, &[]), counts(judged == Some(false)), "{case}");
        let missed = line.0["slo_missed"].as_array().map_or(0, Vec::len);
        assert_eq!(missed, usize::from(judged == Some(false)), "{case}");

        traced.push((case, outcome, error, line));
        before = after;
    }
    traced_as_logged(&collector, traced).await;
}

type Logged = (&'static str, &'static str, &'static str, LogLine);

/// Spans leave in batches, so they are looked at when all is done.
async fn traced_as_logged(collector: &Collector, logged: Vec<Logged>) {
    for (case, outcome, error, line) in logged {
        let count = 1 + line.count("attempts") as usize;
        let spans = collector.trace(line.text("trace_id"), count).await;
        assert_eq!(spans.len(), count, "{case}");
        let server = spans.iter().find(|s| hex(&s.span_id) == line.text("span_id")).unwrap();
        assert_eq!(attribute(&server.attributes, "transom.outcome"), outcome, "{case}");
        assert_eq!(attribute(&server.attributes, "error.type"), error, "{case}");
    }
}

#[tokio::test]
async fn the_sums_close_over_a_mixed_crowd() {
    const ROUNDS: usize = 6;
    let (upstream, away) = (Upstream::start(end_as_asked), Refusing::new());
    let proxy = start(&upstream, &away, "").await;
    let crowd = CASES.iter().map(|(model, case, ..)| {
        let (proxy, upstream) = (&proxy, &upstream);
        async move {
            for _ in 0..ROUNDS {
                // Leaving is tested alone: it needs to know when its request arrived.
                if !case.starts_with("leave") {
                    run(proxy, upstream, (model, case)).await;
                }
            }
        }
    });
    let others = (0..4).map(|_| async {
        for _ in 0..ROUNDS {
            proxy.get("/other").await;
            proxy.get("/v1/models").await;
            proxy.post("/v1/embeddings", "{").await;
        }
    });
    tokio::join!(join_all(crowd), join_all(others));
    let sent = ROUNDS * (CASES.len() - 2) + 4 * ROUNDS * 3;
    let lines = proxy.settled(sent).await;
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("http_requests_total", &[]), sent as f64);
    for outcome in [
        "success",
        "client_error",
        "rate_limited",
        "upstream_error",
        "timeout",
        "stream_truncated",
        "stream_error_event",
    ] {
        let logged = lines.iter().filter(|line| line.outcome() == outcome).count();
        assert!(logged > 0, "{outcome}");
        let counted = metrics.sum("transom_requests_total", &[("outcome", outcome)]);
        assert_eq!(counted, logged as f64, "{outcome}");
    }
    assert_eq!(metrics.sum("transom_telemetry_dropped_total", &[]), 0.0);
    let ids: std::collections::HashSet<_> =
        lines.iter().map(|line| line.text("request_id")).collect();
    assert_eq!(ids.len(), sent, "each request has one line");
}

#[tokio::test]
async fn the_timing_header_says_whose_time_it_was() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(r#"{"model":"m"}"#).await;
    let timing = response.header("server-timing").unwrap();
    let parts: Vec<_> = timing.split(", ").collect();
    let dur = |name: &str| {
        let part = parts.iter().find_map(|part| part.strip_prefix(name)?.strip_prefix(";dur="));
        part.unwrap_or_else(|| panic!("{timing}")).parse::<f64>().unwrap()
    };
    assert!(dur("transom") >= 0.0 && dur("upstream") > 0.0, "{timing}");
}

#[tokio::test]
async fn every_series_of_a_configured_model_is_there_from_the_start() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let metrics = proxy.metrics().await;
    for outcome in ["success", "client_error", "client_cancelled", "timeout", "stream_truncated"] {
        let labels = [("model", "m"), ("operation", "chat"), ("outcome", outcome)];
        assert!(metrics.has("transom_requests_total", &labels), "{outcome}");
    }
    for error in ["connect_refused", "timeout_idle", "stream_truncated", "500"] {
        let labels = [("model", "m"), ("error_type", error)];
        assert!(metrics.has("request_errors_total", &labels), "{error}");
    }
    assert_eq!(metrics.sum("transom_requests_total", &[]), 0.0);
    assert_eq!(metrics.sum("transom_upstream_up", &[("upstream", "u")]), 1.0);
    assert_eq!(metrics.sum("transom_build_info", &[]), 1.0);
}

#[tokio::test]
async fn a_log_line_holds_what_the_contract_says() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let body = r#"{"model":"m","stream":true}"#;
    let response = proxy.chat(body).await;
    let line = proxy.only_line().await;
    for (key, value) in [
        ("level", "info"),
        ("method", "POST"),
        ("route", "/v1/chat/completions"),
        ("operation", "chat"),
        ("model", "m"),
        ("model_asked", "m"),
        ("upstream", "u"),
        ("model_answered", "served-model"),
        ("outcome", "success"),
        ("cache", "none"),
        ("endpoint", &upstream.authority()),
    ] {
        assert_eq!(line.text(key), value, "{key}");
    }
    assert_eq!(line.0["stream"], true);
    assert_eq!(line.count("attempts"), 1);
    assert_eq!(
        (line.count("bytes_in"), line.count("bytes_out")),
        (body.len() as u64, response.body.len() as u64)
    );
    assert!(line.count("chunks") >= 1);
    assert!(line.text("timestamp").ends_with('Z') && line.text("timestamp").contains('T'));
    let (ttft, duration) = (line.number("ttft_ms"), line.number("duration_ms"));
    assert!(0.0 < ttft && ttft <= duration && line.number("overhead_ms") <= duration, "{line:?}");
}
