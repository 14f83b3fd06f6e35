//! Which model a name means, and what its upstream is told.

use crate::support::*;

const MODELS: &str = r#"
[[model]]
name = "chat-large"
aliases = ["gpt-4o", "llama-3*", "mi?tral"]
targets = [{ upstream = "u", model = "vendor/Large \"70B\"" }]

[[model]]
name = "chat-small"
targets = [{ upstream = "u" }]
"#;

/// Odd but legal JSON around the model's name.
fn body_for(model: &str) -> String {
    format!(
        "\t{{ \"a\" : 1.50e+3, \"model\"\n:\"{model}\" ,\"messages\":[{{\"role\":\"user\",\
         \"content\":\"\\u00e9 \\/ \\\"model\\\": 東京\"}}], \"a\":{{\"model\":\"inner\"}}}} \n"
    )
}

#[tokio::test]
async fn a_renamed_model_reaches_its_upstream_with_every_other_byte_as_it_was() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).models(MODELS).start().await;
    for (number, asked) in ["chat-large", "gpt-4o", "llama-3.3-70b", "mixtral"].iter().enumerate() {
        assert_eq!(proxy.chat(&body_for(asked)).await.status, 200, "{asked}");
        let received = &upstream.requests()[number];
        let expected = body_for(r#"vendor/Large \"70B\""#);
        assert_eq!(String::from_utf8_lossy(&received.body), expected, "{asked}");
        assert_eq!(received.head.length(), Some(expected.len()));
    }
    let lines = proxy.settled(4).await;
    assert!(lines.iter().all(|line| line.text("model") == "chat-large"), "one label: {lines:?}");
    assert!(lines.iter().any(|line| line.text("model_asked") == "llama-3.3-70b"), "{lines:?}");
}

#[tokio::test]
async fn a_model_that_keeps_its_name_is_not_touched() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).models(MODELS).start().await;
    let body = body_for("chat-small");
    assert_eq!(proxy.chat(&body).await.status, 200);
    assert_eq!(upstream.only_request().body, body.as_bytes());
}

#[tokio::test]
async fn names_match_exactly_but_for_patterns() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).models(MODELS).start().await;
    for unknown in ["Chat-Large", "chat-large ", "gpt-4o-mini", "llama-2", "mitral", "miistral"] {
        let response = proxy.chat(&format!(r#"{{"model":"{unknown}"}}"#)).await;
        assert_eq!(response.status, 404, "{unknown}");
    }
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn targets_share_the_traffic_by_their_weights() {
    let (large, small, drained) =
        (Upstream::start(serve_well), Upstream::start(serve_well), Upstream::start(serve_well));
    let proxy = Setup::to([large.url()])
        .upstream("v", [small.url()])
        .upstream("w", [drained.url()])
        .models(
            "[[model]]\nname = \"m\"\ntargets = [{ upstream = \"u\", weight = 90 }, \
             { upstream = \"v\", weight = 10 }, { upstream = \"w\", weight = 0 }]\n",
        )
        .start()
        .await;
    let mut client = proxy.client().await;
    for _ in 0..400 {
        client.post("/v1/chat/completions", &[], br#"{"model":"m"}"#).await;
        assert_eq!(client.response().await.status, 200);
    }
    // 40 expected; 10 and 90 are more than five standard deviations away.
    assert!((10..=90).contains(&small.count()), "{}", small.count());
    assert_eq!((large.count() + small.count(), drained.count()), (400, 0));
}

#[tokio::test]
async fn paths_queries_and_prefixes_are_kept() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url() + "/base"]).start().await;
    assert_eq!(proxy.post("/v1/chat/completions?a=1&b=%2F", r#"{"model":"m"}"#).await.status, 200);
    proxy.get("/other?x=%20y").await;
    let targets: Vec<_> =
        upstream.requests().iter().map(|request| request.head.word(1).to_owned()).collect();
    assert_eq!(targets, ["/base/v1/chat/completions?a=1&b=%2F", "/base/other?x=%20y"]);
}

#[tokio::test]
async fn the_model_list_is_answered_here() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).models(MODELS).start().await;
    let list = proxy.get("/v1/models").await;
    list.trace_id();
    let list = list.json();
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!(
        (&list["object"], ids),
        (&"list".into(), vec!["chat-large".into(), "gpt-4o".into(), "chat-small".into()])
    );
    assert_eq!(proxy.get("/v1/models/chat-small").await.json()["id"], "chat-small");
    let unknown = proxy.get("/v1/models/unknown").await;
    assert_eq!((unknown.status, &unknown.openai_error()["code"]), (404, &"model_not_found".into()));
    assert_eq!(upstream.count(), 0);
    let lines = proxy.settled(3).await;
    assert!(lines.iter().all(|line| line.text("operation") == "models"), "{lines:?}");
}

#[tokio::test]
async fn without_configured_models_those_of_the_upstream_are_there_by_their_own_names() {
    let traits = Traits { models: &["found-a", "org/found-b"], ..Traits::default() };
    let upstream = Upstream::with(traits, serve_well);
    let proxy = Setup::to([upstream.url()]).models("").start().await;
    assert_eq!(proxy.chat(r#"{"model":"org/found-b"}"#).await.status, 200);
    assert_eq!(proxy.chat(r#"{"model":"m"}"#).await.status, 404);
    assert!(proxy.get("/v1/models").await.text().contains("org/found-b"));
    proxy.settled(3).await;
    let metrics = proxy.metrics().await;
    let requests = |model| metrics.sum("transom_requests_total", &[("model", model)]);
    assert_eq!((requests("org/found-b"), requests("found-a")), (1.0, 0.0));
    assert!(metrics.has("transom_requests_total", &[("model", "found-a")]), "there from the start");
}

#[tokio::test]
async fn without_any_backend_a_caller_is_told_to_come_back() {
    let refusing = Refusing::new();
    let proxy = Setup::to([refusing.url()]).models("").start().await;
    let response = proxy.chat(r#"{"model":"any"}"#).await;
    assert_eq!(
        (response.status, &response.openai_error()["code"]),
        (503, &"no_healthy_upstream".into())
    );
    assert!(response.header("retry-after").is_some());
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("transom_upstream_up", &[("upstream", "u")]), 0.0);
}
