//! When the first token was there: generated output counts, nothing else does.

use crate::support::*;
use serde_json::json;
use std::time::Duration;

const STREAM: &str = r#"{"model":"m","stream":true}"#;
const THINKING: Duration = Duration::from_millis(60);

/// The time to the first token, in milliseconds, of a stream whose events before `THINKING`
/// are `early` and after it `late`.
async fn ttft_ms(early: String, late: String) -> Option<f64> {
    let upstream = Upstream::sharing(&(early, late), |(early, late), mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(early)).await?;
        call.delay(THINKING).await;
        call.answer([chunk(late + &finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    assert!(proxy.chat(STREAM).await.whole);
    let line = proxy.only_line().await;
    let metrics = proxy.metrics().await;
    let counted = metrics.sum("gen_ai_server_time_to_first_token_seconds_count", &[]);
    let ttft = line.0["ttft_ms"].as_f64();
    assert_eq!(counted, f64::from(u8::from(ttft.is_some())), "metric and log agree");
    assert!(ttft.is_none_or(|ttft| ttft > 0.0 && ttft <= line.number("duration_ms")), "{line:?}");
    ttft
}

#[tokio::test]
async fn frames_without_output_do_not_count_as_the_first_token() {
    let nothing = role() + &token("") + ": ping\n\n" + &event(json!({}), None);
    let ttft = ttft_ms(nothing, token("one")).await.unwrap();
    assert!(ttft >= THINKING.as_secs_f64() * 1e3, "{ttft}");
}

#[tokio::test]
async fn a_stream_without_output_has_no_first_token() {
    assert_eq!(ttft_ms(role(), event(json!({}), None)).await, None);
}

#[tokio::test]
async fn reasoning_and_tool_calls_are_output() {
    let tool = json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{" } }] });
    for delta in [json!({ "reasoning_content": "hm" }), json!({ "reasoning": "hm" }), tool] {
        let first = role() + &event(delta.clone(), None);
        let ttft = ttft_ms(first, token("one")).await.unwrap();
        let duration_at_least = THINKING.as_secs_f64() * 1e3;
        assert!(ttft < duration_at_least, "{delta}: {ttft}");
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
    let thinking = THINKING.as_secs_f64() * 1e3;
    assert!(line.number("duration_ms") >= thinking, "{line:?}");
    let own = line.number("overhead_ms");
    assert!(own > 0.0 && own <= line.number("duration_ms") - thinking + 1.0, "{line:?}");
}
