//! Looking into the cache and emptying it, on the admin listener.

use super::*;
use serde_json::{Value, json};

/// A POST of this JSON to the purge.
async fn post(proxy: &Proxy, body: &str) -> Response {
    let mut client = Client::admin(proxy.admin).await;
    client.post("/api/v1/cache/purge", &[("Connection", "close")], body.as_bytes()).await;
    client.response().await
}

/// Purges and returns how many answers left memory.
async fn purge(proxy: &Proxy, what: Value) -> u64 {
    let response = post(proxy, &what.to_string()).await;
    assert_eq!(response.status, 200, "{response:?}");
    let purged = response.json();
    assert!(purged["redis"].is_null(), "there is none: {purged}");
    purged["memory"].as_u64().unwrap_or_else(|| panic!("{purged}"))
}

/// What to ask, and how: `(path, headers, body)`.
type Question<'a> = (&'a str, &'a [Header<'a>], &'a str);

async fn send(proxy: &Proxy, (path, headers, body): Question<'_>) -> Response {
    idle(proxy).await;
    let mut client = proxy.client().await;
    client.post(path, headers, body.as_bytes()).await;
    client.response().await
}

const ONE: &[Header<'_>] = &[("Authorization", "Bearer sk-1")];
const TWO: &[Header<'_>] = &[("Authorization", "Bearer sk-2")];
const NAMED: &[Header<'_>] =
    &[("Authorization", "Bearer sk-1"), ("x-transom-cache-namespace", "drafts")];
const OTHER_MODEL: &str = r#"{"model":"other","temperature":0,"messages":[]}"#;
const EMBEDDING: &str = r#"{"model":"m","input":"x"}"#;

/// One of each kind.
const QUESTIONS: [Question<'_>; 5] = [
    ("/v1/chat/completions", ONE, CHAT),
    ("/v1/chat/completions", TWO, CHAT),
    ("/v1/chat/completions", NAMED, CHAT),
    ("/v1/chat/completions", ONE, OTHER_MODEL),
    ("/v1/embeddings", ONE, EMBEDDING),
];

async fn answer_all(mut call: Call) -> Result<After> {
    if call.head.word(1) == "/v1/embeddings" {
        call.body().await?;
        return call.answer(json_answer(200, r#"{"object":"list","data":[]}"#)).await;
    }
    serve_numbered(call).await
}

async fn start(upstream: &Upstream, data: &Home) -> Proxy {
    let keys = key_table("one", "sk-1", None) + &key_table("two", "sk-2", Some("shop"));
    Setup::to([upstream.url()])
        .server(&format!("data_dir = {:?}", data.path()))
        .models(&(model("m", "true") + &model("other", "true")))
        .tables(&keys)
        .start()
        .await
}

/// Asks all questions, so that memory has their answers.
async fn fill(proxy: &Proxy) {
    for question in QUESTIONS {
        assert_eq!(send(proxy, question).await.status, 200);
    }
    idle(proxy).await;
}

/// Demands that the cache has the answers to just these questions. A disk that is late is not
/// waited for, so what is there may have to be asked for twice.
async fn assert_kept(proxy: &Proxy, expected: [bool; 5], what: &Value) {
    for ((path, headers, body), expected) in QUESTIONS.into_iter().zip(expected) {
        let headers = [headers, &[("Cache-Control", "only-if-cached")]].concat();
        let deadline = Instant::now() + PATIENCE;
        let kept = loop {
            let kept = send(proxy, (path, &headers, body)).await.status == 200;
            if kept == expected || Instant::now() > deadline {
                break kept;
            }
        };
        assert_eq!(kept, expected, "{what}: {path} {headers:?} {body}");
    }
}

#[tokio::test]
async fn a_purge_takes_what_it_names_and_nothing_else() {
    let (upstream, data) = (Upstream::start(answer_all), Home::new());
    let proxy = start(&upstream, &data).await;
    for (what, expected) in [
        (json!({ "all": true }), [false; 5]),
        (json!({ "model": "m" }), [false, false, false, true, false]),
        (json!({ "model": "other" }), [true, true, true, false, true]),
        (json!({ "route": "/v1/embeddings" }), [true, true, true, true, false]),
        (json!({ "namespace": "drafts" }), [true, true, false, true, true]),
        (json!({ "key": "one" }), [false, true, false, false, false]),
        (json!({ "tenant": "shop" }), [true, false, true, true, true]),
        (json!({ "key": "one", "model": "other" }), [true, true, true, false, true]),
        (json!({ "model": "nobody" }), [true; 5]),
        (json!({ "entry": "0".repeat(64) }), [true; 5]),
    ] {
        fill(&proxy).await;
        let gone = expected.iter().filter(|kept| !**kept).count() as u64;
        assert_eq!(purge(&proxy, what.clone()).await, gone, "{what}");
        // Nor is it on disk, which is asked next.
        assert_kept(&proxy, expected, &what).await;
    }
}

#[tokio::test]
async fn what_was_purged_does_not_come_back_after_a_restart() {
    let (upstream, data) = (Upstream::start(answer_all), Home::new());
    let mut proxy = start(&upstream, &data).await;
    fill(&proxy).await;
    let on_disk = |metrics: &Metrics| {
        metrics.sum("transom_cache_entries", &[("tier", "disk")]) >= QUESTIONS.len() as f64
    };
    proxy.metrics_when("all answers on disk", on_disk).await;
    let what = json!({ "model": "m" });
    assert_eq!(purge(&proxy, what.clone()).await, 4);
    proxy.terminate();
    assert!(proxy.exited().await.success());
    let proxy = start(&upstream, &data).await;
    assert_kept(&proxy, [false, false, false, true, false], &what).await;
}

#[tokio::test]
async fn what_was_purged_is_asked_for_anew_at_once() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    for number in 0..5 {
        let response = ask_again(&proxy, &[], STREAM).await;
        assert_miss(&response);
        assert_eq!(response.text(), numbered(STREAM, number));
        idle(&proxy).await;
        assert_eq!(purge(&proxy, json!({ "all": true })).await, 1);
    }
    let said = || proxy.diagnostics().matches("the response cache was purged").count();
    until("each purge is told of", || said() == 5).await;
}

#[tokio::test]
async fn an_answer_under_way_while_all_is_purged_is_still_whole() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("a"))).await?;
        gate.pass().await;
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    let head = client.head().await;
    client.body_bytes(token("a").len()).await;
    purge(&proxy, json!({ "all": true })).await;
    gate.open_wide();
    assert!(client.rest("POST", vec![], head).await.whole);
}

#[tokio::test]
async fn a_purge_that_does_not_say_what_it_means_purges_nothing() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    for body in [
        "",
        "{",
        "{}",
        "[]",
        r#"{"all":false}"#,
        r#"{"all":true,"model":"m"}"#,
        r#"{"modle":"m"}"#,
        r#"{"model":""}"#,
        r#"{"entry":"xyz"}"#,
        r#"{"entry":"00"}"#,
    ] {
        let response = post(&proxy, body).await;
        assert_eq!(response.status, 400, "{body}: {response:?}");
    }
    // A page of another site can make a browser send a form, but no JSON.
    let mut client = Client::admin(proxy.admin).await;
    let body = r#"{"all":true}"#;
    let form = format!(
        "POST /api/v1/cache/purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.send(form).await;
    assert!((400..500).contains(&client.response().await.status));
    assert_hit(&ask_again(&proxy, &[], CHAT).await);
}

#[tokio::test]
async fn the_cache_tells_what_it_holds_and_what_it_spared() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    for _ in 0..3 {
        assert_hit(&ask_again(&proxy, &[], CHAT).await);
    }
    proxy.settled(4).await;
    let counted =
        |metrics: &Metrics| metrics.sum("transom_cache_entries", &[("tier", "disk")]) > 0.0;
    proxy.metrics_when("the disk's gauges", counted).await;
    let stats = proxy.admin_get("/api/v1/cache").await.json();
    let tier = |name: &str| {
        let tiers = stats["tiers"].as_array().unwrap_or_else(|| panic!("{stats}"));
        tiers.iter().find(|tier| tier["tier"] == name).unwrap_or_else(|| panic!("{stats}")).clone()
    };
    let memory = tier("memory");
    assert_eq!((&memory["entries"], &memory["hits"]), (&1.into(), &3.into()), "{stats}");
    assert!(memory["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{stats}");
    assert_eq!(memory["capacity_bytes"], 256 << 20, "{stats}");
    assert_eq!((&tier("disk")["state"], &tier("redis")["state"]), (&"on".into(), &"off".into()));
    let saved = 3 * (PROMPT_TOKENS + COMPLETION_TOKENS);
    assert_eq!(stats["saved"]["tokens"], saved, "{stats}");
}
