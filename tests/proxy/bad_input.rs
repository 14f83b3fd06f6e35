//! Requests that cannot be served: the right status, in the caller's dialect, with the
//! trace id, counted once; the upstream is not touched.

use crate::support::*;
use serde_json::Value;

/// The error that `body` leads to, after checking everything that all of them share.
async fn refused(body: &str, status: u16) -> Value {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(body).await;
    assert_eq!(response.status, status, "{response:?}");
    let error = response.openai_error();
    assert_eq!(error["type"], "invalid_request_error");
    assert!(response.header("server-timing").unwrap().starts_with("transom;dur="), "{response:?}");
    assert_eq!(upstream.count(), 0, "{body}");
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("client_error", &*status.to_string()));
    assert_eq!(line.text("trace_id"), response.trace_id());
    error
}

#[tokio::test]
async fn malformed_json_is_refused_with_its_place() {
    let error = refused("{\"model\":\"m\",\n  \"messages\": [}", 400).await;
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("line 2 column 16"), "{message}");
    assert!(error["param"].is_null(), "{error}");
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    for body in ["", "[]", "7", "\"m\"", "null"] {
        refused(body, 400).await;
    }
}

#[tokio::test]
async fn a_missing_model_is_refused_and_named() {
    for body in [r#"{"messages":[]}"#, r#"{"model":null}"#, r#"{"model":""}"#, r#"{"model":7}"#] {
        assert_eq!(refused(body, 400).await["param"], "model", "{body}");
    }
}

#[tokio::test]
async fn a_stream_flag_of_another_type_is_refused_and_named() {
    assert_eq!(refused(r#"{"model":"m","stream":"yes"}"#, 400).await["param"], "stream");
}

#[tokio::test]
async fn an_unknown_model_is_not_found() {
    let error = refused(r#"{"model":"unheard-of"}"#, 404).await;
    assert_eq!((&error["code"], &error["param"]), (&"model_not_found".into(), &"model".into()));
    assert!(error["message"].as_str().unwrap().contains("unheard-of"), "{error}");
}

#[tokio::test]
async fn nesting_without_end_is_refused() {
    refused(&format!(r#"{{"model":"m","x":{}"#, "[".repeat(500_000)), 400).await;
}

#[tokio::test]
async fn too_many_or_too_large_headers_are_refused() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let names: Vec<_> = (0..101).map(|n| format!("x-{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let large = "x".repeat(33 * 1024);
    for headers in [&many[..], &[("x-large", large.as_str())]] {
        let mut client = proxy.client().await;
        client.post("/v1/chat/completions", headers, br#"{"model":"m"}"#).await;
        let response = client.response().await;
        assert_eq!(response.status, 431);
        response.openai_error();
    }
    assert_eq!(upstream.count(), 0);
    assert!(proxy.settled(2).await.iter().all(|line| line.outcome() == "client_error"));
}

#[tokio::test]
async fn the_upstreams_own_refusal_is_passed_on_as_it_is() {
    let upstream = Upstream::start(|call| async move {
        call.answer(json_answer(422, r#"{"detail":"no such voice"}"#)).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(r#"{"model":"m"}"#).await;
    assert_eq!((response.status, response.text()), (422, r#"{"detail":"no such voice"}"#));
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("client_error", "422"));
}
