//! The past as the admin listener tells it: recent requests, and sums that survive a crash.

use crate::support::*;
use serde_json::Value;
use std::time::Instant;

async fn ask(proxy: &Proxy, path: &str) -> Value {
    proxy.admin_get(path).await.json()
}

/// The recent requests that `query` asks for, once the last one has got there.
async fn requests(proxy: &Proxy, query: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask(proxy, &format!("/api/v1/requests?{query}")).await;
        let found = answer["requests"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        if found.len() == count {
            return found;
        }
        assert!(Instant::now() < deadline, "not {count}: {answer}");
    }
}

/// The sums of the last hour, once they are as wanted.
async fn sums(proxy: &Proxy, query: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask(proxy, &format!("/api/v1/history?{query}")).await;
        if wanted(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {answer}");
    }
}

async fn fail_or_serve(mut call: Call) -> std::io::Result<After> {
    let body = call.body().await?;
    if body.windows(4).any(|word| word == b"fail") {
        return call.answer(json_answer(500, "{}")).await;
    }
    if body.windows(4).any(|word| word == b"true") {
        call.write(STREAM_HEAD).await?;
        for event in events_for(&body) {
            call.write(chunk(event)).await?;
        }
        return call.answer(LAST_CHUNK).await;
    }
    call.answer(chat_answer()).await
}

#[tokio::test]
async fn a_request_is_told_with_its_attempts_and_the_times_of_its_chunks() {
    let upstream = Upstream::start(fail_or_serve);
    let model = "[[model]]\nname = \"m\"\ntargets = [{ upstream = \"u\", model = \"sent\" }]\n";
    let proxy = Setup::to([upstream.url()]).models(model).start().await;
    let mut client = proxy.client().await;
    let body = br#"{"model":"m","stream":true}"#;
    client.post("/v1/chat/completions", &[("X-Request-ID", "r-1")], body).await;
    assert_eq!(client.response().await.status, 200);
    let listed = requests(&proxy, "q=r-1", 1).await.remove(0);
    let told = ask(&proxy, "/api/v1/requests/r-1").await;
    let line = proxy.only_line().await;
    for (field, in_log) in [
        ("request_id", "request_id"),
        ("trace_id", "trace_id"),
        ("model", "model"),
        ("model_asked", "model_asked"),
        ("model_answered", "model_answered"),
        ("upstream", "upstream"),
        ("outcome", "outcome"),
        ("status", "status"),
        ("tokens_in", "tokens_in"),
        ("tokens_out", "tokens_out"),
        ("bytes_in", "bytes_in"),
        ("bytes_out", "bytes_out"),
        ("slo_missed", "slo_missed"),
    ] {
        assert_eq!(listed[field], line.0[in_log], "{field}");
        assert_eq!(told[field], line.0[in_log], "{field}");
    }
    assert_eq!((&told["model_sent"], &told["captured"]), (&"sent".into(), &false.into()));
    let ttft = told["ttft_seconds"].as_f64().unwrap();
    assert!((1e3 * ttft - line.0["ttft_ms"].as_f64().unwrap()).abs() < 0.002);
    let attempt = &told["attempts"][0];
    let instants = ["began", "connected", "sent", "first_byte", "first_chunk", "ended"];
    let instants = instants.map(|name| attempt[format!("{name}_seconds")].as_f64());
    assert!(instants.iter().flatten().is_sorted(), "{attempt}");
    assert_eq!((&attempt["upstream"], &attempt["status"]), (&"u".into(), &200.into()));
    let chunks = told["chunks"]["chunks"].as_array().unwrap();
    assert_eq!(chunks.len() as u64, told["chunk_count"].as_u64().unwrap());
    assert!(chunks.iter().any(|chunk| chunk[2] == true), "{chunks:?}");
    let micros: u64 = chunks.iter().map(|chunk| chunk[0].as_u64().unwrap()).sum();
    let last = told["last_chunk_seconds"].as_f64().unwrap();
    assert!((last - micros as f64 / 1e6).abs() < 1e-4, "{last}: {micros}");
    assert_eq!(proxy.admin_get("/api/v1/requests/r-2").await.status, 404);
}

#[tokio::test]
async fn requests_are_filtered_counted_and_paged() {
    let upstream = Upstream::start(fail_or_serve);
    let proxy = Setup::to([upstream.url()]).start().await;
    for number in 0..12 {
        let user = if number % 4 == 0 { "fail" } else { "serve" };
        proxy.chat(&format!(r#"{{"model":"m","user":"{user}"}}"#)).await;
    }
    requests(&proxy, "", 12).await;
    let failed = requests(&proxy, "outcome=upstream_error&status=5xx&error=500", 3).await;
    assert!(failed.iter().all(|request| request["status"] == 500));
    requests(&proxy, "model=m&min_duration=1h", 0).await;
    requests(&proxy, "slo_missed=availability&upstream=u", 3).await;
    let facets = ask(&proxy, "/api/v1/requests?facets=true&limit=1").await["facets"].clone();
    assert_eq!(facets["matching"], 12);
    assert_eq!((&facets["outcome"]["success"], &facets["error"]["500"]), (&9.into(), &3.into()));
    let (mut shown, mut before) = (Vec::new(), String::new());
    loop {
        let page = ask(&proxy, &format!("/api/v1/requests?limit=5{before}")).await;
        shown.extend(page["requests"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_u64() else { break };
        before = format!("&before={next}");
        proxy.chat(r#"{"model":"m"}"#).await;
    }
    let numbers: Vec<u64> = shown.iter().map(|request| request["seq"].as_u64().unwrap()).collect();
    assert!(numbers.into_iter().eq((0..12).rev()));
    for wrong in ["outcome=odd", "min_ttft=soon", "colour=red", "limit=-1"] {
        let refused = proxy.admin_get(&format!("/api/v1/requests?{wrong}")).await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn recent_requests_are_bounded_as_the_operator_says() {
    let upstream = Upstream::start(serve_well);
    let tables = "[admin]\nrecent = { requests = 3, bytes = \"1MiB\" }";
    let proxy = Setup::to([upstream.url()]).tables(tables).start().await;
    for _ in 0..5 {
        proxy.chat(r#"{"model":"m"}"#).await;
    }
    sums(&proxy, "", |sums| sums["total"]["requests"] == 5).await;
    requests(&proxy, "", 3).await;
    assert_eq!(ask(&proxy, "/api/v1/requests").await["held"]["evicted"], 2);
}

#[tokio::test]
async fn sums_survive_a_crash_and_an_orderly_end() {
    let upstream = Upstream::start(fail_or_serve);
    let data = Home::new();
    let setup = || {
        let line = format!("data_dir = {:?}", data.path());
        Setup::to([upstream.url()]).server(&line)
    };
    let mut first = setup().start().await;
    for user in ["a", "b", "fail"] {
        first.chat(&format!(r#"{{"model":"m","user":"{user}"}}"#)).await;
    }
    let saved = |sums: &Value| sums["total"]["requests"] == 3 && sums["unsaved_requests"] == 0;
    let before = sums(&first, "model=m", saved).await["total"].clone();
    assert_eq!((&before["outcomes"]["success"], &before["errors"]["500"]), (&2.into(), &1.into()));
    assert_eq!(before["upstreams"]["u"]["failed"], 1);
    first.kill().await;

    let mut second = setup().start().await;
    let after = sums(&second, "model=m", |sums| sums["total"]["requests"] == 3).await;
    assert_eq!(after["total"], before);
    second.chat(r#"{"model":"m"}"#).await;
    second.settled(1).await;
    second.terminate();
    assert!(second.exited().await.success());

    let third = setup().start().await;
    let after = sums(&third, "model=m&range=24h", |sums| sums["total"]["requests"] == 4).await;
    assert_eq!((&after["dropped_requests"], &after["failed_saves"]), (&0.into(), &0.into()));
    let points = after["points"].as_array().unwrap();
    assert_eq!((points.len() / 10, &points[0]["sums"]), (28, &Value::Null), "a gap is no zero");
    let all = sums(&third, "", |_| true).await;
    assert_eq!((&all["total"]["requests"], &all["models"][0]), (&4.into(), &"m".into()));
    requests(&third, "", 0).await;
    assert_eq!(third.admin_get("/api/v1/history?range=soon").await.status, 400);
}

#[tokio::test]
async fn without_a_directory_sums_are_there_until_the_end() {
    let upstream = Upstream::start(serve_well);
    let data = Home::new();
    let line = format!("data_dir = {:?}", data.path());
    let _first = Setup::to([upstream.url()]).server(&line).start().await;
    let second = Setup::to([upstream.url()]).server(&line).start().await;
    second.chat(r#"{"model":"m"}"#).await;
    let saved = |sums: &Value| sums["total"]["requests"] == 1 && sums["unsaved_requests"] == 0;
    sums(&second, "", saved).await;
    requests(&second, "", 1).await;
}
