//! Replays that are ordered from the running proxy.

use super::*;

const KEY: &str = "sk-canary-of-an-order-0123456789abcdef";

/// A proxy that has captured so many requests.
async fn with_captured(home: &Home, upstream: &Upstream, count: usize) -> Proxy {
    let data_dir = format!("data_dir = {:?}", home.path());
    let tables = "[capture]\nmodels = [\"*\"]\nmode = \"full\"";
    let proxy = Setup::to([upstream.url()]).server(&data_dir).tables(tables).start().await;
    let mut client = proxy.client().await;
    for _ in 0..count {
        client.post("/v1/chat/completions", &[], CHAT.as_bytes()).await;
        assert_eq!(client.response().await.status, 200);
    }
    let written = |metrics: &Metrics| {
        metrics.sum("transom_capture_records_total", &[("result", "written")]) >= count as f64
    };
    proxy.metrics_when("records", written).await;
    proxy
}

async fn order(proxy: &Proxy, path: &str, body: &Value) -> Response {
    let mut client = Client::admin(proxy.admin).await;
    let json = [("content-type", "application/json")];
    client.post(path, &json, body.to_string().as_bytes()).await;
    client.response().await
}

async fn get(proxy: &Proxy, path: &str) -> Response {
    proxy.admin_get(path).await
}

/// Waits until it is no longer under way, and returns what is told of it.
async fn ended(proxy: &Proxy, id: &str) -> Value {
    within("the end of the replay", async {
        loop {
            let told = get(proxy, &format!("/api/v1/replays/{id}")).await.json();
            if told["state"] != "running" {
                return told;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_replay_is_ordered_followed_and_reported() {
    let home = Home::new();
    let upstream = Upstream::start(serve_well);
    let proxy = with_captured(&home, &upstream, 10).await;
    let before = upstream.count();
    let wanted = json!({
        "a": { "url": upstream.url(), "api_key": KEY },
        "schedule": { "rate": "20/s", "requests": 20 },
    });
    let begun = order(&proxy, "/api/v1/replays", &wanted).await;
    assert_eq!(begun.status, 202, "{}", begun.text());
    assert_eq!(begun.json()["state"], "running");
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    // One at a time.
    let second = order(&proxy, "/api/v1/replays", &wanted).await;
    assert_eq!(
        (second.status, second.json()["error"].clone()),
        (409, json!("another replay is under way"))
    );
    // It ends by itself, and the stream of events with it.
    let events = get(&proxy, &format!("/api/v1/replays/{id}/progress")).await;
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    assert!(
        events.text().contains("event: progress") && events.text().contains("\"planned\":20"),
        "{}",
        events.text()
    );
    assert!(events.text().trim_end().ends_with(&format!("data: {id}")), "{}", events.text());
    let told = ended(&proxy, &id).await;
    assert_eq!((&told["state"], &told["question"]), (&json!("done"), &json!("run")));
    assert_eq!(told["report"]["arms"][0]["runs"][0]["requests"], 20);
    let sent = upstream.requests().split_off(before);
    assert_eq!(sent.len(), 20);
    assert!(
        sent.iter().all(|request| request.head.header("authorization").unwrap().ends_with(KEY))
    );
    let list = get(&proxy, "/api/v1/replays").await.json();
    assert_eq!(list["replays"][0]["id"], id);
    let page = get(&proxy, &format!("/api/v1/replays/{id}/report.html")).await;
    assert!(page.text().starts_with("<!doctype html>"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for (form, begins) in [("json", "{"), ("md", "<!--"), ("xml", "<?xml")] {
        let report = get(&proxy, &format!("/api/v1/replays/{id}/report.{form}")).await;
        assert!(report.text().starts_with(begins), "{}", report.text());
    }
    let file = read(&home, &format!("replays/{id}.json"));
    assert!(
        !file.contains(KEY) && !told.to_string().contains(KEY) && !proxy.raw_log().contains(KEY)
    );
    assert!(proxy.diagnostics().contains("a replay was begun"), "{}", proxy.diagnostics());
}

#[tokio::test]
async fn a_replay_can_be_stopped_and_what_it_has_seen_is_told() {
    let home = Home::new();
    let upstream = Upstream::start(serve_well);
    let proxy = with_captured(&home, &upstream, 5).await;
    let before = upstream.count();
    let wanted = json!({
        "question": "compare",
        "a": { "upstream": "u" }, "b": { "proxy": true },
        "schedule": { "rate": "20/s", "requests": 2_000 }, "runs": 3,
    });
    let begun = order(&proxy, "/api/v1/replays", &wanted).await;
    assert_eq!(begun.status, 202, "{}", begun.text());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    until("some requests", || upstream.count() > before + 2).await;
    let stopped = order(&proxy, &format!("/api/v1/replays/{id}/stop"), &json!({})).await;
    assert_eq!(stopped.status, 200, "{}", stopped.text());
    let told = ended(&proxy, &id).await;
    assert_eq!((&told["state"], &told["why"]), (&json!("stopped"), &json!("it was interrupted")));
    let again = order(&proxy, &format!("/api/v1/replays/{id}/stop"), &json!({})).await;
    assert_eq!(again.status, 409);
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused_in_words() {
    let home = Home::new();
    let upstream = Upstream::start(serve_well);
    let proxy = with_captured(&home, &upstream, 2).await;
    let to = json!({ "upstream": "u" });
    for (wanted, status, why) in [
        (json!({}), 400, "missing field `a`"),
        (json!({ "a": {} }), 400, "one of `url`, `upstream` and `proxy`"),
        (json!({ "a": { "upstream": "x" } }), 400, "no upstream `x`"),
        (json!({ "a": to, "schedule": { "rate": "fast" } }), 400, "--rate"),
        (json!({ "a": to, "b": to }), 400, "`compare` alone"),
        (json!({ "a": to, "question": "sweep" }), 400, "schedule.sweep"),
        (json!({ "a": to, "question": "calibrate", "runs": 1_000 }), 400, "from 2 to 64"),
        (json!({ "a": to, "capture": { "model": "none" } }), 400, "no requests"),
        (json!({ "a": to, "schedule": { "rate": "5/s" }, "max_tokens": 1 }), 409, "--max-tokens"),
        (json!({ "a": to, "colour": 1 }), 400, "unknown field `colour`"),
    ] {
        let refused = order(&proxy, "/api/v1/replays", &wanted).await;
        let error = refused.json()["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!(refused.status, status, "{wanted}: {error}");
        assert!(error.contains(why), "{wanted}: {error}");
    }
    assert_eq!(get(&proxy, "/api/v1/replays/none").await.status, 404);
    assert_eq!(get(&proxy, "/api/v1/replays/..%2Fx").await.status, 404);
    assert_eq!(get(&proxy, "/api/v1/replays").await.json(), json!({ "replays": [] }));
}
