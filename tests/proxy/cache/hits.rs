//! Answers that are there already: given again as they once came, and told apart.

use super::*;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_second_of_two_equal_questions_is_answered_with_the_same_bytes() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    for (number, body) in [CHAT, STREAM].into_iter().enumerate() {
        let first = ask_again(&proxy, &[], body).await;
        assert_miss(&first);
        assert_eq!(cache_status(&first), "transom; fwd=miss");
        assert_eq!(first.text(), numbered(body, number));
        for _ in 0..3 {
            let again = ask_again(&proxy, &[], body).await;
            assert_hit(&again);
            assert_eq!(again.text(), first.text());
            assert_eq!(again.header("content-type"), first.header("content-type"));
            assert_eq!(again.head.length(), first.head.length());
            assert!((3590..=3600).contains(&ttl(&again)), "{again:?}");
        }
    }
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn every_answer_has_ids_of_its_own() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    let first = ask_again(&proxy, &[], CHAT).await;
    let again = ask_again(&proxy, &[("x-request-id", "order-66")], CHAT).await;
    assert_hit(&again);
    assert_ne!(first.trace_id(), again.trace_id());
    assert_eq!(again.header("x-request-id"), Some("order-66"));
    let lines = proxy.settled(2).await;
    assert_eq!(lines[1].text("request_id"), "order-66");
    assert_eq!(lines[1].text("trace_id"), again.trace_id());
    assert!(again.header("server-timing").unwrap().contains("cache;desc=hit;dur="), "{again:?}");
}

#[tokio::test]
async fn log_and_metrics_tell_a_hit_from_a_miss() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], STREAM).await;
    ask_again(&proxy, &[], STREAM).await;
    let lines = proxy.settled(2).await;
    let told = |line: &LogLine| {
        ["cache", "cache_tier", "outcome", "model", "origin"].map(|key| line.text(key).to_owned())
    };
    assert_eq!(told(&lines[0]), ["miss", "", "success", "m", "client"]);
    assert_eq!(told(&lines[1]), ["hit", "memory", "success", "m", "client"]);
    let attempts = lines.iter().map(|line| line.count("attempts"));
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 0]);
    assert!(lines[1].0["upstream"].is_null() && lines[1].0["stream"] == true, "{lines:?}");
    assert_eq!(lines[0].count("bytes_out"), lines[1].count("bytes_out"));

    let metrics = proxy.metrics().await;
    let requests = |cache| metrics.sum("transom_requests_total", &[("cache", cache)]);
    assert_eq!((requests("miss"), requests("hit"), requests("none")), (1.0, 1.0, 0.0));
    let memory = |result| {
        let labels = [("tier", "memory"), ("result", result)];
        metrics.sum("transom_cache_requests_total", &labels)
    };
    assert_eq!((memory("miss"), memory("hit"), memory("stale")), (1.0, 1.0, 0.0));
    let ttft = "gen_ai_server_time_to_first_token_seconds_count";
    assert_eq!(metrics.sum(ttft, &[]), 1.0, "a hit does not flatter the model");
    assert_eq!(metrics.sum("model_request_duration_seconds_count", &[]), 1.0);
    assert_eq!(metrics.sum("http_requests_total", &[]), 2.0);
    let answered = [("model", "m"), ("cache", "hit")];
    assert_eq!(metrics.sum("transom_cache_answer_seconds_count", &answered), 1.0);
}

#[tokio::test]
async fn spelling_and_labels_have_no_part_in_a_question() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    for same in [
        r#"{"messages":[{"content":"Hello?","role":"user"}],"temperature":0,"model":"m"}"#,
        r#" {"model" : "m" , "temperature":0, "messages":[{"role":"user","content":"\u0048ello?"}]}"#,
        r#"{"model":"m-alias","temperature":0,"messages":[{"role":"user","content":"Hello?"}]}"#,
        r#"{"model":"m","user":"me","metadata":{"a":"b"},"temperature":0,"messages":[{"role":"user","content":"Hello?"}]}"#,
    ] {
        let response = ask_again(&proxy, &[], same).await;
        assert_hit(&response);
        assert_eq!(response.text(), numbered(CHAT, 0), "{same}");
    }
    assert_eq!(upstream.count(), 1);
}

#[tokio::test]
async fn callers_with_and_without_usage_each_get_what_they_asked_for() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    let asking =
        STREAM.replace("\"stream\"", r#""stream_options":{"include_usage":true},"stream""#);
    for (body, counts) in [(STREAM, false), (&asking, true)] {
        assert_miss(&ask_again(&proxy, &[], body).await);
        let again = ask_again(&proxy, &[], body).await;
        assert_hit(&again);
        assert_eq!(again.text().contains(&usage_event()), counts, "{again:?}");
    }
    let lines = proxy.settled(4).await;
    let tokens = |line: &LogLine| (line.count("tokens_in"), line.count("tokens_out"));
    assert!(lines.iter().all(|line| tokens(line) == (PROMPT_TOKENS, COMPLETION_TOKENS)));
}

#[tokio::test]
async fn embeddings_need_no_seed() {
    let upstream = Upstream::start(|call| async move {
        let body = r#"{"object":"list","data":[],"usage":{"prompt_tokens":7,"total_tokens":7}}"#;
        call.answer(json_answer(200, body)).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let body = r#"{"model":"m","input":"the sea"}"#;
    assert_miss(&proxy.post("/v1/embeddings", body).await);
    idle(&proxy).await;
    assert_hit(&proxy.post("/v1/embeddings", body).await);
    assert_miss(&proxy.post("/v1/embeddings", r#"{"model":"m","input":["the sea"]}"#).await);
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn hits_and_misses_share_a_connection_and_stay_in_step() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    idle(&proxy).await;
    let mut client = proxy.client().await;
    let other = CHAT.replace("Hello", "Goodbye");
    for body in [CHAT, &other, CHAT, STREAM, CHAT] {
        client.post("/v1/chat/completions", &[], body.as_bytes()).await;
    }
    let mut told = Vec::new();
    for _ in 0..5 {
        let response = client.response().await;
        assert!(response.whole, "{response:?}");
        told.push((x_cache(&response).to_owned(), response.text().to_owned()));
    }
    let expected = [("HIT", CHAT, 0), ("MISS", CHAT, 1), ("HIT", CHAT, 0), ("MISS", STREAM, 2)];
    let expected = expected.into_iter().chain([("HIT", CHAT, 0)]);
    let expected = expected.map(|(word, body, number)| (word.to_owned(), numbered(body, number)));
    assert_eq!(told, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_hit_reads_a_body_that_comes_late_before_it_answers() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    idle(&proxy).await;
    let mut client = proxy.client().await;
    let (early, late) = CHAT.split_at(30);
    client.send(request_head("POST", "/v1/chat/completions", &[], Some(CHAT.len()))).await;
    client.send(early).await;
    in_flight(&proxy, 1).await;
    client.send(late).await;
    assert_hit(&client.response().await);
    // What follows is a request, not the rest of a body.
    client.request("GET", "/v1/models", &[]).await;
    assert_eq!(client.response_to("GET").await.status, 200);
}

#[tokio::test]
async fn a_hit_is_given_over_http2_too() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], STREAM).await;
    idle(&proxy).await;
    let client = H2Client::connect(proxy.data).await;
    let mut call = client.call(h2_post("/v1/chat/completions"), STREAM.into()).await;
    assert_eq!((call.status(), &call.head.headers()["x-cache"]), (200, &"HIT".parse().unwrap()));
    assert_eq!(String::from_utf8(call.rest().await.unwrap()).unwrap(), numbered(STREAM, 0));
    assert_eq!(upstream.count(), 1);
}

#[tokio::test]
async fn sampled_answers_are_as_many_as_the_operator_says() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, r#"{ sampled = "allow", variants = 2 }"#).start().await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"Surprise me."}]}"#;
    let mut given = std::collections::BTreeSet::new();
    for _ in 0..48 {
        given.insert(ask_again(&proxy, &[], body).await.text().to_owned());
    }
    assert_eq!(upstream.count(), 2, "one in 2^47 runs has but one");
    assert_eq!(given.into_iter().collect::<Vec<_>>(), [numbered(body, 0), numbered(body, 1)]);
}

#[tokio::test]
async fn a_hit_can_be_given_at_a_pace() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, r#"{ pace = "20 tokens/s" }"#).start().await;
    let first = ask(&proxy, &[], STREAM).await;
    idle(&proxy).await;
    let asked = Instant::now();
    let again = ask(&proxy, &[], STREAM).await;
    assert_hit(&again);
    assert_eq!(again.text(), first.text());
    assert!(asked.elapsed() >= Duration::from_millis(50), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_client_that_leaves_a_hit_at_a_pace_is_no_error() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, r#"{ pace = "1 tokens/s" }"#).start().await;
    ask(&proxy, &[], STREAM).await;
    idle(&proxy).await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    assert_eq!(client.head().await.header("x-cache"), Some("HIT"));
    drop(client);
    let line = proxy.settled(2).await.remove(1);
    assert_eq!((line.outcome(), line.number("status")), ("client_cancelled", 499.0));
}

#[tokio::test]
async fn tool_calls_and_choices_of_a_plain_answer_are_kept_as_they_were() {
    let answer = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "served",
        "choices": [
            { "index": 0, "finish_reason": "tool_calls", "message": { "role": "assistant",
              "content": null, "reasoning_content": "hm", "tool_calls": [{ "id": "c", "type":
              "function", "function": { "name": "f", "arguments": "{\"a\": \"\\u00e9\"}" } }] } },
            { "index": 1, "finish_reason": "length", "message": { "content": "東京" } },
        ],
        "unknown": { "kept": [1.50, 1e3] },
    });
    let answer = answer.to_string();
    let upstream = Upstream::sharing(&answer, |answer, call| async move {
        call.answer(json_answer(200, &answer)).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let body = CHAT.replace("\"model\"", r#""n":2,"model""#);
    assert_miss(&ask_again(&proxy, &[], &body).await);
    let again = ask_again(&proxy, &[], &body).await;
    assert_hit(&again);
    assert_eq!(again.text(), answer);
}
