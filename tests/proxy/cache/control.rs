//! What callers may ask of the cache, in HTTP's own words, in Transom's and in LiteLLM's.

use super::*;
use serde_json::Value;

const NO_CACHE: &[Header<'_>] = &[("Cache-Control", "no-cache")];
const NO_STORE: &[Header<'_>] = &[("Cache-Control", "no-store")];
const ONLY_IF_CACHED: &[Header<'_>] = &[("Cache-Control", "only-if-cached")];

async fn start(upstream: &Upstream) -> Proxy {
    cached(upstream, "true").start().await
}

/// What `x-transom-cache: word` brings.
async fn ask_with(proxy: &Proxy, word: &str) -> Response {
    ask_again(proxy, &[("x-transom-cache", word)], CHAT).await
}

/// A question with LiteLLM's object.
fn with_object(object: &str) -> String {
    CHAT.replace("\"temperature\"", &format!(r#""cache":{object},"temperature""#))
}

/// Demands that the cache gives what the upstream answered to its request `number`.
async fn assert_cached(proxy: &Proxy, number: usize) {
    let response = ask_again(proxy, &[], CHAT).await;
    assert_hit(&response);
    assert_eq!(response.text(), numbered(CHAT, number));
}

/// Demands that a request went to the upstream because its caller wanted it so.
fn assert_wanted_anew(response: &Response, number: usize) {
    assert_eq!((response.status, response.text()), (200, &*numbered(CHAT, number)), "{response:?}");
    assert!(!["HIT", "STALE"].contains(&x_cache(response)), "{response:?}");
    assert!(cache_status(response).contains("fwd="), "{response:?}");
}

#[tokio::test]
async fn no_cache_asks_the_upstream_and_keeps_its_new_answer() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
    let mut number = 0;
    for header in ["no-cache", "No-Cache, max-stale", "max-age=0", "max-age=x"] {
        let response = ask_again(&proxy, &[("Cache-Control", header)], CHAT).await;
        number += 1;
        assert_wanted_anew(&response, number);
        assert_eq!(cache_status(&response), "transom; fwd=request", "{header}");
        assert_cached(&proxy, number).await;
    }
    assert_wanted_anew(&ask_again(&proxy, NO_CACHE, CHAT).await, number + 1);
}

#[tokio::test]
async fn no_store_keeps_nothing() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    for number in 0..2 {
        let response = ask_again(&proxy, NO_STORE, CHAT).await;
        assert_wanted_anew(&response, number);
    }
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
    let metrics = proxy.metrics().await;
    let forbidden = metrics.sum("transom_cache_not_stored_total", &[("reason", "no_store")]);
    assert_eq!(forbidden, 2.0);
    let neither = ask_again(&proxy, &[("Cache-Control", "no-cache, no-store")], CHAT).await;
    assert_bypass(&neither, "asked");
    assert_cached(&proxy, 2).await;
}

#[tokio::test]
async fn limits_of_age_and_freshness_are_kept() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
    for header in ["max-age=3600", "min-fresh=60", "max-age=\"99999999999\"", "x=\"no-cache\""] {
        assert_hit(&ask_again(&proxy, &[("Cache-Control", header)], CHAT).await);
    }
    // Nothing is fresh for two hours here.
    let lasting = ask_again(&proxy, &[("Cache-Control", "min-fresh=7200")], CHAT).await;
    assert_wanted_anew(&lasting, 1);
}

#[tokio::test]
async fn only_if_cached_leaves_the_upstream_alone() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    let response = ask_again(&proxy, ONLY_IF_CACHED, CHAT).await;
    assert_eq!(response.status, 504, "{response:?}");
    response.openai_error();
    assert!(cache_status(&response).starts_with("transom"), "{response:?}");
    assert_eq!(upstream.count(), 0);
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
    assert_hit(&ask_again(&proxy, ONLY_IF_CACHED, CHAT).await);
    let lines = proxy.settled(3).await;
    assert_eq!((lines[0].count("status"), lines[0].count("attempts")), (504, 0));
    let metrics = proxy.metrics().await;
    let failed = metrics.sum("transom_requests_total", &[("outcome", "upstream_error")]);
    assert_eq!(failed, 0.0, "no upstream failed");
}

#[tokio::test]
async fn only_if_cached_leaves_the_upstream_alone_where_the_cache_has_no_part() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    let sampled = CHAT.replace("\"temperature\":0", "\"temperature\":1");
    assert_ne!(sampled, CHAT);
    for (headers, body) in [
        (ONLY_IF_CACHED.to_vec(), &*sampled),
        ([ONLY_IF_CACHED, &[("x-transom-cache", "off")]].concat(), CHAT),
    ] {
        let response = ask_again(&proxy, &headers, body).await;
        assert_eq!((response.status, x_cache(&response)), (504, "BYPASS"), "{response:?}");
        response.openai_error();
    }
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn only_if_cached_keeps_the_connection_in_step() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    let mut client = proxy.client().await;
    for (headers, status) in [(ONLY_IF_CACHED, 504), (&[][..], 200), (ONLY_IF_CACHED, 200)] {
        client.post("/v1/chat/completions", headers, CHAT.as_bytes()).await;
        assert_eq!(client.response().await.status, status);
        idle(&proxy).await;
    }
}

#[tokio::test]
async fn max_stale_takes_an_answer_past_its_time_without_asking_the_upstream() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, r#"{ ttl = "1s", stale_if_error = "1h" }"#).start().await;
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
    for header in ["max-stale", "max-stale=3600"] {
        let headers = [("Cache-Control", header)];
        let old = |response: &Response| x_cache(response) != "HIT";
        let stale = ask_until(&proxy, (&headers, CHAT), old).await;
        assert_stale(&stale);
        assert_eq!(stale.text(), numbered(CHAT, 0));
    }
    assert_eq!(upstream.count(), 1);
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
}

#[tokio::test]
async fn each_word_of_transoms_own_header_does_what_it_says() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    assert_bypass(&ask_with(&proxy, "off").await, "asked");
    // Looks, and keeps nothing.
    assert_wanted_anew(&ask_with(&proxy, "read-only").await, 1);
    assert_miss(&ask_with(&proxy, "on").await);
    assert_hit(&ask_with(&proxy, "on").await);
    assert_cached(&proxy, 2).await;
    assert_hit(&ask_with(&proxy, "read-only").await);
    assert_bypass(&ask_with(&proxy, "off").await, "asked");
    assert_cached(&proxy, 2).await;
    // Do not look, and keep the new answer.
    for (number, word) in [(4, "refresh"), (5, "write-only")] {
        assert_wanted_anew(&ask_with(&proxy, word).await, number);
        assert_cached(&proxy, number).await;
    }
    assert_eq!(upstream.count(), 6);
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused_by_name() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    let long = "n".repeat(129);
    for (name, value) in [
        ("x-transom-cache", "maybe"),
        ("x-transom-cache-ttl", "soon"),
        ("x-transom-cache-ttl", "-1"),
        ("x-transom-cache-namespace", "two words"),
        ("x-transom-cache-namespace", &long),
    ] {
        let response = ask_again(&proxy, &[(name, value)], CHAT).await;
        assert_eq!(response.status, 400, "{name}: {value}: {response:?}");
        let message = response.openai_error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(name), "{message}");
    }
    let twice = [("x-transom-cache", "on"), ("x-transom-cache", "off")];
    assert_eq!(ask_again(&proxy, &twice, CHAT).await.status, 400);
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn a_caller_may_say_how_long_its_answer_is_kept() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    for (text, seconds) in [("60", 60), ("10m", 600), ("2h", 7200)] {
        let body = CHAT.replace("Hello", text);
        let headers = [("x-transom-cache-ttl", text)];
        assert_miss(&ask_again(&proxy, &headers, &body).await);
        let left = ttl(&ask_again(&proxy, &[], &body).await);
        assert!((seconds - 10..=seconds).contains(&left), "{text}: {left}");
    }
    let nothing = [("x-transom-cache-ttl", "0")];
    assert_wanted_anew(&ask_again(&proxy, &nothing, CHAT).await, 3);
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
}

#[tokio::test]
async fn where_answers_are_shared_nobody_makes_others_wait_for_a_newer_one() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, r#"{ scope = "global", ttl = "10m" }"#).start().await;
    ask_again(&proxy, &[("x-transom-cache-ttl", "300d")], CHAT).await;
    assert!(ttl(&ask_again(&proxy, &[], CHAT).await) <= 600);
}

#[tokio::test]
async fn namespaces_keep_the_answers_of_one_caller_apart() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    for (number, name) in [None, Some("a"), Some("b/2")].into_iter().enumerate() {
        let headers: Vec<_> =
            name.map(|name| ("x-transom-cache-namespace", name)).into_iter().collect();
        let first = ask_again(&proxy, &headers, CHAT).await;
        assert_miss(&first);
        assert_eq!(first.text(), numbered(CHAT, number));
        assert_hit(&ask_again(&proxy, &headers, CHAT).await);
    }
    let in_body = ask_again(&proxy, &[], &with_object(r#"{"namespace":"a"}"#)).await;
    assert_eq!(in_body.text(), numbered(CHAT, 1), "header and body mean the same");
}

#[tokio::test]
async fn litellms_object_is_understood_and_goes_no_further() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    assert_miss(&ask_again(&proxy, &[], &with_object(r#"{"ttl":60,"s-maxage":600}"#)).await);
    let again = ask_again(&proxy, &[], CHAT).await;
    assert_hit(&again);
    assert!(ttl(&again) <= 60, "{again:?}");
    assert_wanted_anew(&ask_again(&proxy, &[], &with_object(r#"{"no-cache":true}"#)).await, 1);
    assert_cached(&proxy, 1).await;
    let off = with_object(r#"{ "no-cache": true, "no-store": true }"#);
    assert_bypass(&ask_again(&proxy, &[], &off).await, "asked");
    let fresh = with_object(r#"{"s-maxage":0}"#);
    assert_wanted_anew(&ask_again(&proxy, &[], &fresh).await, 3);
    let bad = ask_again(&proxy, &[], &with_object(r#"{"namespace":"two words"}"#)).await;
    assert_eq!(bad.status, 400, "{bad:?}");
    for request in upstream.requests() {
        assert_eq!(String::from_utf8_lossy(&request.body), CHAT, "every other byte as it was");
    }
}

#[tokio::test]
async fn litellms_object_is_taken_out_wherever_it_stands() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    let off = r#""cache" : {"no-cache":true,"no-store":true, "x": "}\","}"#;
    for body in [
        format!(r#"{{{off},"model":"m","temperature":0,"stream":true}}"#),
        format!(r#"{{"model":"m-alias", {off} ,"temperature":0,"stream":true}}"#),
        format!("{{\"model\":\"m\",\"temperature\":0,\"stream\":true,\n {off}\n}}"),
    ] {
        let before = upstream.count();
        assert_eq!(ask_again(&proxy, &[], &body).await.text(), numbered(STREAM, before));
        let seen: Value = serde_json::from_slice(&upstream.requests()[before].body).unwrap();
        let expected = serde_json::json!({
            "model": "m", "temperature": 0, "stream": true,
            "stream_options": { "include_usage": true },
        });
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn what_is_for_the_cache_is_not_told_to_the_upstream() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = start(&upstream).await;
    let headers = [
        ("x-transom-cache", "refresh"),
        ("x-transom-cache-ttl", "60"),
        ("x-transom-cache-namespace", "secret-project"),
    ];
    assert_eq!(ask_again(&proxy, &headers, CHAT).await.status, 200);
    let seen = upstream.only_request().head;
    for (name, _) in headers {
        assert_eq!(seen.header(name), None, "{name}");
    }
}
