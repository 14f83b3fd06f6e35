//! Token counts: asked for on the caller's behalf, and taken out again.

use crate::support::*;
use serde_json::Value;

async fn chat_seen_by(upstream: &Upstream, setup: Setup, body: &str) -> (Response, Value, LogLine) {
    let proxy = setup.start().await;
    let response = proxy.chat(body).await;
    let seen = serde_json::from_slice(&upstream.only_request().body).unwrap();
    (response, seen, proxy.only_line().await)
}

#[tokio::test]
async fn usage_is_asked_for_and_its_event_stripped_when_the_caller_did_not_ask() {
    let upstream = Upstream::start(serve_well);
    let setup = Setup::to([upstream.url()]);
    let (response, seen, line) =
        chat_seen_by(&upstream, setup, r#"{"model":"m","stream":true}"#).await;
    assert_eq!(seen["stream_options"]["include_usage"], true);
    let expected: String =
        [role(), token("Hel"), token("lo, "), token("world"), finish(), DONE.into()].concat();
    assert_eq!(response.text(), expected);
    assert_eq!(line.count("tokens_in"), PROMPT_TOKENS);
    assert_eq!(line.count("tokens_out"), COMPLETION_TOKENS);
    assert_eq!(line.0["tokens_estimated"], false);
}

#[tokio::test]
async fn the_usage_event_is_kept_when_the_caller_asked_for_it() {
    let upstream = Upstream::start(serve_well);
    let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;
    let (response, _, line) = chat_seen_by(&upstream, Setup::to([upstream.url()]), body).await;
    assert_eq!(upstream.only_request().body, body.as_bytes(), "nothing to change");
    assert!(response.text().contains(&usage_event()), "{}", response.text());
    assert_eq!(line.count("tokens_out"), COMPLETION_TOKENS);
}

#[tokio::test]
async fn a_stream_is_forwarded_as_sent_when_the_operator_wants_it_so() {
    let upstream = Upstream::start(serve_well);
    let setup = Setup::to([upstream.url()]).with("include_usage = false");
    let body = r#"{ "model": "m",  "stream" : true }"#;
    let (response, _, line) = chat_seen_by(&upstream, setup, body).await;
    assert_eq!(upstream.only_request().body, body.as_bytes());
    assert!(response.text().ends_with(DONE));
    assert_eq!(line.0["tokens_estimated"], true, "nobody counted");
}

#[tokio::test]
async fn an_upstream_that_ignores_the_wish_leaves_an_estimate() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token(&"x".repeat(400)) + &finish() + DONE)).await?;
        call.answer(LAST_CHUNK).await
    });
    let setup = Setup::to([upstream.url()]);
    let (_, _, line) = chat_seen_by(&upstream, setup, r#"{"model":"m","stream":true}"#).await;
    assert_eq!(line.0["tokens_estimated"], true);
    assert!((50..=200).contains(&line.count("tokens_out")), "{line:?}");
}

#[tokio::test]
async fn plain_answers_are_counted_and_neither_side_is_changed() {
    let upstream = Upstream::start(serve_well);
    let body = "{\"model\":\"m\",\n\t\"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9\"}] , \"odd\" : 1e2}";
    let (response, _, line) = chat_seen_by(&upstream, Setup::to([upstream.url()]), body).await;
    assert_eq!(upstream.only_request().body, body.as_bytes());
    assert_eq!(response.text(), chat_body());
    assert_eq!(
        (line.count("tokens_in"), line.count("tokens_out")),
        (PROMPT_TOKENS, COMPLETION_TOKENS)
    );
    assert_eq!(line.text("model_answered"), "served-model");
}

#[tokio::test]
async fn completions_and_embeddings_are_counted_too() {
    let upstream = Upstream::start(|call| async move {
        let usage = r#"{"data":[],"model":"e","usage":{"prompt_tokens":5,"total_tokens":5}}"#;
        call.answer(json_answer(200, usage)).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    for (path, operation) in
        [("/v1/completions", "text_completion"), ("/v1/embeddings", "embeddings")]
    {
        assert_eq!(proxy.post(path, r#"{"model":"m","input":"x"}"#).await.status, 200);
        let metrics = proxy.metrics_when("it is counted", |m| {
            m.sum("transom_requests_total", &[("operation", operation)]) == 1.0
        });
        let metrics = metrics.await;
        let tokens = [("gen_ai_operation_name", operation), ("gen_ai_token_type", "input")];
        assert_eq!(metrics.sum("gen_ai_client_token_usage_sum", &tokens), 5.0);
    }
    let metrics = proxy.metrics().await;
    let input = [("model", "m"), ("direction", "input"), ("source", "upstream")];
    let total = metrics.sum("transom_tokens_total", &input);
    assert_eq!(total, 10.0, "{metrics:#?}");
}

#[tokio::test]
async fn compressed_answers_are_not_asked_for_since_they_could_not_be_counted() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let headers = [("Accept-Encoding", "gzip, br")];
    client.post("/v1/chat/completions", &headers, br#"{"model":"m"}"#).await;
    assert_eq!(client.response().await.status, 200);
    assert_eq!(upstream.only_request().head.header("accept-encoding"), None);
}
