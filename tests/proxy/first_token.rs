//! When the first token was there: generated output counts, nothing else does.

use crate::support::*;
use serde_json::json;
use std::time::Duration;

const STREAM: &str = r#"{"model":"m","stream":true}"#;
const THINKING: Duration = Duration::from_millis(60);

/// The log line of a stream whose events `early` reach the caller, which then makes the
/// model think for `THINKING` and send `late`.
async fn log_of(early: String, late: String) -> LogLine {
    let gate = Gate::shut();
    let shared = (gate.clone(), early.clone(), late);
    let upstream = Upstream::sharing(&shared, |(gate, early, late), mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(early)).await?;
        gate.pass().await;
        call.delay(THINKING).await;
        call.answer([chunk(late + &finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    let head = client.head().await;
    client.body_bytes(early.len()).await;
    gate.open();
    assert!(client.rest("POST", vec![], head).await.whole);
    let line = proxy.only_line().await;
    let metrics = proxy.metrics().await;
    let counted = metrics.sum("gen_ai_server_time_to_first_token_seconds_count", &[]);
    let ttft = line.0["ttft_ms"].as_f64();
    assert_eq!(counted, f64::from(u8::from(ttft.is_some())), "metric and log agree");
    assert!(ttft.is_none_or(|ttft| ttft > 0.0 && ttft <= line.number("duration_ms")), "{line:?}");
    line
}

fn thinking_ms() -> f64 {
    THINKING.as_secs_f64() * 1e3
}

#[tokio::test]
async fn frames_without_output_do_not_count_as_the_first_token() {
    let nothing = role() + &token("") + ": ping\n\n" + &event(json!({}), None);
    let line = log_of(nothing, token("one")).await;
    assert!(line.number("ttft_ms") >= thinking_ms(), "{line:?}");
}

#[tokio::test]
async fn a_stream_without_output_has_no_first_token() {
    let line = log_of(role(), event(json!({}), None)).await;
    assert!(line.0["ttft_ms"].is_null(), "{line:?}");
}

#[tokio::test]
async fn reasoning_and_tool_calls_are_output() {
    let tool = json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{" } }] });
    let text = json!({ "content": "one" });
    for delta in [text, json!({ "reasoning_content": "hm" }), json!({ "reasoning": "hm" }), tool] {
        let line = log_of(role() + &event(delta, None), token("two")).await;
        let after = line.number("duration_ms") - line.number("ttft_ms");
        assert!(after >= thinking_ms(), "{line:?}");
    }
}

#[tokio::test]
async fn a_plain_answer_has_no_first_token() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    assert_eq!(proxy.chat(r#"{"model":"m"}"#).await.status, 200);
    assert!(proxy.only_line().await.0["ttft_ms"].is_null());
}

#[tokio::test]
async fn waiting_for_the_model_is_not_the_proxys_own_time() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.delay(THINKING).await;
        call.answer(chat_answer()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    proxy.chat(r#"{"model":"m"}"#).await;
    let line = proxy.only_line().await;
    let thinking = thinking_ms();
    assert!(line.number("duration_ms") >= thinking, "{line:?}");
    let own = line.number("overhead_ms");
    assert!(own > 0.0 && own <= line.number("duration_ms") - thinking + 1.0, "{line:?}");
}
