//! Which answers are never kept, and what of a kept one is not given again.

use super::*;
use serde_json::{Value, json};

/// A backend that always answers so, in one write.
fn always(answer: String) -> Upstream {
    Upstream::sharing(&answer, |answer, call| async move { call.answer(answer).await })
}

/// A stream with these events, whatever they are.
fn stream_of(events: &[String]) -> String {
    let chunk = String::from_utf8(chunk(events.concat())).unwrap();
    [STREAM_HEAD, &chunk, LAST_CHUNK].concat()
}

/// That of two equal requests both reach an upstream that answers so, and why.
async fn assert_not_stored(answer: String, body: &str, reason: &str) {
    let upstream = always(answer.clone());
    let proxy = cached(&upstream, "true").start().await;
    assert_never_kept(&proxy, body).await;
    assert_eq!(upstream.count(), 2, "{answer}");
    let stored = |metrics: &Metrics| {
        metrics.sum("transom_cache_not_stored_total", &[("reason", reason)]) == 2.0
    };
    let metrics = proxy.metrics_when(&format!("{reason}: {answer}"), stored).await;
    assert_eq!(metrics.sum("transom_cache_not_stored_total", &[]), 2.0);
    assert_eq!(metrics.sum("transom_cache_entries", &[]), 0.0);
}

#[tokio::test]
async fn a_stream_whose_choice_did_not_finish_is_not_kept() {
    let unfinished = stream_of(&[role(), token("half"), DONE.to_owned()]);
    assert_not_stored(unfinished, STREAM, "unfinished").await;
}

#[tokio::test]
async fn a_stream_of_two_choices_of_which_one_finished_is_not_kept() {
    let other = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served",
        "choices": [{ "index": 1, "delta": { "content": "b" }, "finish_reason": null }],
    });
    let events = [role(), token("a"), format!("data: {other}\n\n"), finish(), DONE.to_owned()];
    let body = STREAM.replace("\"model\"", r#""n":2,"model""#);
    assert_not_stored(stream_of(&events), &body, "unfinished").await;
    // Nor one that lacks a choice altogether.
    let events = [role(), token("a"), finish(), DONE.to_owned()];
    assert_not_stored(stream_of(&events), &body, "unfinished").await;
}

#[tokio::test]
async fn a_plain_answer_whose_choice_did_not_finish_is_not_kept() {
    let body = chat_body().replace("\"stop\"", "null");
    assert_not_stored(json_answer(200, &body), CHAT, "unfinished").await;
    let empty = r#"{"id":"x","object":"chat.completion","choices":[]}"#;
    assert_not_stored(json_answer(200, empty), CHAT, "unfinished").await;
}

#[tokio::test]
async fn a_stream_with_an_error_event_is_not_kept() {
    let error = "data: {\"error\":{\"message\":\"out of memory\"}}\n\n".to_owned();
    assert_not_stored(stream_of(&[role(), token("a"), error.clone()]), STREAM, "error").await;
    let terminated = [role(), token("a"), error, finish(), DONE.to_owned()];
    assert_not_stored(stream_of(&terminated), STREAM, "error").await;
}

#[tokio::test]
async fn an_error_with_status_200_is_not_kept() {
    let body = r#"{"error":{"message":"overloaded"}}"#;
    assert_not_stored(json_answer(200, body), CHAT, "error").await;
}

#[tokio::test]
async fn errors_are_not_kept_unless_the_operator_says_so() {
    for status in [400, 404, 429, 500, 503] {
        assert_not_stored(json_answer(status, "{}"), CHAT, "status").await;
    }
    let upstream = always(json_answer(404, r#"{"error":{"message":"no such tool"}}"#));
    let proxy = cached(&upstream, r#"{ errors_ttl = "1h" }"#).start().await;
    for word in ["MISS", "HIT"] {
        let response = ask_again(&proxy, &[], CHAT).await;
        assert_eq!((response.status, x_cache(&response)), (404, word));
        assert!(response.text().contains("no such tool"));
    }
    assert_eq!(upstream.count(), 1);
    let lines = proxy.settled(2).await;
    assert!(lines.iter().all(|line| line.outcome() == "client_error"), "{lines:?}");
}

#[tokio::test]
async fn failures_of_the_upstream_are_never_kept_whatever_the_operator_says() {
    for status in [401, 403, 429, 500, 502, 503] {
        let upstream = always(json_answer(status, "{}"));
        let proxy = cached(&upstream, r#"{ errors_ttl = "1h" }"#).start().await;
        assert_never_kept(&proxy, CHAT).await;
        assert_eq!(upstream.count(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_plain_answer_that_ends_before_its_length_is_not_kept() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        let short = chat_answer();
        call.write(&short[..short.len() - 10]).await?;
        call.close()
    });
    let proxy = cached(&upstream, "true").start().await;
    for _ in 0..2 {
        assert!(!ask_again(&proxy, &[], CHAT).await.whole);
    }
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn a_plain_answer_that_breaks_off_inside_its_json_is_not_kept() {
    // Without a length the end of the connection is the end of the body.
    let body = chat_body();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    let cut = format!("{head}{}", &body[..body.len() - 10]);
    let upstream = Upstream::sharing(&cut, |cut, mut call| async move {
        call.body().await?;
        call.write(cut).await?;
        call.close()
    });
    let proxy = cached(&upstream, "true").start().await;
    assert_never_kept(&proxy, CHAT).await;
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn an_answer_in_a_coding_is_not_kept() {
    let gzip = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    assert_not_stored(answer(200, gzip, "not really"), CHAT, "encoded").await;
}

#[tokio::test]
async fn headers_that_were_meant_for_one_caller_are_given_to_no_other() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        let headers = format!(
            "Content-Type: application/json\r\nSet-Cookie: session=canary-{0}\r\n\
             x-ratelimit-remaining-requests: 1\r\nx-ratelimit-remaining-tokens: 1\r\n\
             retry-after: 9\r\nopenai-organization: canary-org\r\n\
             openai-processing-ms: 77\r\ncf-ray: canary-ray\r\nServer: canary\r\n\
             x-request-id: canary-{0}\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
            call.number
        );
        call.answer(answer(200, &headers, &chat_body())).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let first = ask_again(&proxy, &[], CHAT).await;
    assert_eq!(first.header("set-cookie"), Some("session=canary-0"), "the first is the upstream's");
    let again = ask_again(&proxy, &[], CHAT).await;
    assert_hit(&again);
    let shown = format!("{:?}", again.head);
    assert!(!shown.contains("canary") && !shown.contains("1970"), "{shown}");
    for name in ["set-cookie", "retry-after", "openai-processing-ms"] {
        assert_eq!(again.header(name), None, "{name}");
    }
    let names = again.head.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    assert_eq!(names.filter(|name| name.starts_with("x-ratelimit")).count(), 0, "{shown}");
    assert_eq!(again.head.all("x-request-id").len(), 1, "{shown}");
}

#[tokio::test]
async fn what_the_upstream_says_of_caching_is_no_bar() {
    // Servers of streams say so to keep proxies from holding events back.
    let headers = "Content-Type: application/json\r\nCache-Control: no-store\r\nVary: *\r\n";
    let upstream = always(answer(200, headers, &chat_body()));
    let proxy = cached(&upstream, "true").start().await;
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
    assert_hit(&ask_again(&proxy, &[], CHAT).await);
}

#[tokio::test]
async fn an_answer_too_large_to_be_kept_is_passed_on_whole() {
    let content = "x".repeat(300_000);
    let body: Value = serde_json::from_str(&chat_body().replace("Hello, world", &content)).unwrap();
    let upstream = always(json_answer(200, &body.to_string()));
    let tables = "[cache]\nmemory = \"1MiB\"\ndisk = 0";
    let proxy = cached(&upstream, "true").tables(tables).start().await;
    for _ in 0..2 {
        let response = ask_again(&proxy, &[], CHAT).await;
        assert_miss(&response);
        assert_eq!(response.json(), body);
    }
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn what_a_client_did_not_stay_for_is_not_kept() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        if call.number == 0 {
            call.body().await?;
            call.write(STREAM_HEAD).await?;
            call.write(chunk(role())).await?;
            return call.until_closed().await;
        }
        gate.pass().await;
        serve_numbered(call).await
    });
    let proxy = cached(&upstream, "true").start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    client.head().await;
    client.body_bytes(role().len()).await;
    drop(client);
    upstream.saw_closed(1).await;
    gate.open();
    let next = ask_again(&proxy, &[], STREAM).await;
    assert_miss(&next);
    assert_eq!(next.text(), numbered(STREAM, 1));
}
