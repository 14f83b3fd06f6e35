//! Requests that are answered with an error status.

use super::client::{Reply, TestServer, post, quick};
use super::{CHAT, chat, streamed, with};
use crate::sim::SimSettings;
use serde_json::{Value, json};

fn error(reply: &Reply) -> Value {
    let error = reply.json()["error"].clone();
    let names: Vec<_> = error.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["code", "message", "param", "type"]);
    error
}

#[tokio::test]
async fn an_unknown_model_is_404_by_its_name() {
    let server = TestServer::start(quick()).await;
    for (path, ask) in [
        (CHAT, with(chat(), "model", "gpt-9")),
        ("/v1/completions", json!({ "model": "gpt-9", "prompt": "x" })),
        ("/v1/embeddings", json!({ "model": "gpt-9", "input": "x" })),
    ] {
        let reply = server.post(path, &ask).await;
        assert_eq!(reply.status, 404);
        assert_eq!(error(&reply)["code"], "model_not_found");
        assert!(error(&reply)["message"].as_str().unwrap().contains("`gpt-9`"));
    }
}

#[tokio::test]
async fn what_is_no_request_is_400_and_says_why() {
    let server = TestServer::start(quick()).await;
    for (bad, param) in [
        (json!([]), Value::Null),
        (with(chat(), "stream", "yes"), Value::Null),
        (with(chat(), "max_tokens", -1), Value::Null),
        (with(chat(), "model", Value::Null), json!("model")),
        (with(chat(), "messages", Value::Null), json!("messages")),
        (with(chat(), "messages", json!([])), json!("messages")),
        (with(chat(), "messages", json!([{ "content": "no role" }])), json!("messages")),
        (with(chat(), "messages", json!([{ "role": "user", "content": 7 }])), json!("messages")),
        (with(chat(), "max_tokens", 0), json!("max_tokens")),
        (with(chat(), "n", 2), json!("n")),
        (with(chat(), "stream_options", json!({})), json!("stream_options")),
    ] {
        let reply = server.post(CHAT, &bad).await;
        assert_eq!((reply.status, &error(&reply)["param"]), (400, &param), "{bad}");
        assert_eq!(error(&reply)["type"], "invalid_request_error");
    }
    let reply = server.send(&post(CHAT, &[], r#"{"model": "#)).await;
    assert_eq!(reply.status, 400);
    assert!(error(&reply)["message"].as_str().unwrap().contains("could not parse the JSON"));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_the_same_form() {
    let server = TestServer::start(quick()).await;
    let reply = server.post("/v1/anything-else", &json!({})).await;
    assert_eq!(reply.status, 404);
    assert_eq!(error(&reply)["message"], "Invalid URL (POST /v1/anything-else)");
    let reply = server.get(CHAT).await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("post")));
    error(&reply);
    assert_eq!(server.figures("pass_through", |_| true).await["refused"], 2);
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_400_by_its_name() {
    let server = TestServer::start(quick()).await;
    for (name, value) in [
        ("x-sim-ttft-ms", "soon"),
        ("x-sim-itl-ms", "-1"),
        ("x-sim-tokens", "0"),
        ("x-sim-fault", "explode"),
        ("x-sim-error-event", "0"),
        ("x-sim-status", "200"),
    ] {
        let reply = server.post_with(CHAT, &[(name, value)], &chat()).await;
        assert_eq!((reply.status, &error(&reply)["param"]), (400, &json!(name)));
    }
}

#[tokio::test]
async fn a_header_sets_the_status_of_one_request() {
    let server = TestServer::start(quick()).await;
    let reply = server.post_with(CHAT, &[("x-sim-status", "503")], &streamed(chat())).await;
    assert_eq!((reply.status, &error(&reply)["type"]), (503, &json!("server_error")));
    assert_eq!(server.post(CHAT, &chat()).await.status, 200);
}

#[tokio::test]
async fn the_error_rate_strikes_the_same_requests_for_the_same_seed() {
    let settings = SimSettings { error_rate: "50".parse().unwrap(), ..quick() };
    let statuses = async || {
        let server = TestServer::start(settings.clone()).await;
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(server.post(CHAT, &chat()).await.status);
        }
        statuses
    };
    let first = statuses().await;
    assert!(first.contains(&200) && first.contains(&500), "{first:?}");
    assert_eq!(statuses().await, first);
}

#[tokio::test]
async fn past_the_rate_limit_comes_429_with_retry_after() {
    let server =
        TestServer::start(SimSettings { rate_limit: Some("1".parse().unwrap()), ..quick() }).await;
    assert_eq!(server.post(CHAT, &chat()).await.status, 200);
    let reply = server.post(CHAT, &chat()).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")));
    assert_eq!(error(&reply)["code"], "rate_limit_exceeded");
}

#[tokio::test]
async fn a_body_past_the_limit_is_413() {
    let server = TestServer::start(quick()).await;
    let long = "x".repeat(crate::sim::routes::BODY_LIMIT + 1);
    let reply = server.send(&post(CHAT, &[], &long)).await;
    assert_eq!(reply.status, 413);
    error(&reply);
}
