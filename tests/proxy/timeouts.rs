//! Each timeout has its own name.

use crate::support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

const CHAT: &str = r#"{"model":"m"}"#;
const STREAM: &str = r#"{"model":"m","stream":true}"#;

/// A proxy whose upstream is given up on soon.
async fn impatient(url: String, timeouts: &str) -> Proxy {
    Setup::to([url]).with(&format!("timeouts = {{ {timeouts} }}")).start().await
}

async fn assert_gateway_timeout(proxy: &Proxy, response: &Response, code: &str) {
    assert_eq!((response.status, &response.openai_error()["code"]), (504, &code.into()));
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("timeout", code));
    let labels = [("model", "m"), ("error_type", code)];
    assert_eq!(proxy.metrics().await.sum("request_errors_total", &labels), 1.0);
}

async fn assert_stream_timeout(proxy: &Proxy, response: &Response, code: &str) {
    assert_eq!((response.status, response.whole), (200, false), "{response:?}");
    let last = response.text().trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("data: {\"error\":") && last.contains(code), "{last}");
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("timeout", code));
    assert_eq!(line.number("status"), 200.0);
}

#[tokio::test]
async fn a_connection_that_is_not_accepted_in_time_is_a_connect_timeout() {
    let hole = BlackHole::new().await;
    let proxy = impatient(hole.url(), r#"connect = "200ms""#).await;
    let response = proxy.chat(CHAT).await;
    assert_gateway_timeout(&proxy, &response, "timeout_connect").await;
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_a_first_byte_timeout() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.until_closed().await
    });
    let proxy = impatient(upstream.url(), r#"first_byte = "200ms""#).await;
    let response = proxy.chat(CHAT).await;
    assert_gateway_timeout(&proxy, &response, "timeout_first_byte").await;
    upstream.saw_closed(1).await;
    assert_eq!(upstream.count(), 1, "the model may be at work: not repeated");
}

#[tokio::test]
async fn a_stream_that_says_nothing_of_substance_is_a_first_token_timeout() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(role())).await?;
        call.until_closed().await
    });
    let proxy = impatient(upstream.url(), r#"first_token = "200ms""#).await;
    let response = proxy.chat(STREAM).await;
    assert_stream_timeout(&proxy, &response, "timeout_first_token").await;
    upstream.saw_closed(1).await;
}

#[tokio::test]
async fn empty_frames_do_not_put_off_the_first_token_timeout() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        loop {
            call.write(chunk(": ping\n\n")).await?;
            call.delay(Duration::from_millis(20)).await;
        }
    });
    let proxy = impatient(upstream.url(), r#"first_token = "200ms""#).await;
    let response = proxy.chat(STREAM).await;
    assert_stream_timeout(&proxy, &response, "timeout_first_token").await;
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_an_idle_timeout() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("one"))).await?;
        call.until_closed().await
    });
    let proxy = impatient(upstream.url(), r#"idle = "200ms""#).await;
    let response = proxy.chat(STREAM).await;
    assert_stream_timeout(&proxy, &response, "timeout_idle").await;
    upstream.saw_closed(1).await;
}

#[tokio::test]
async fn a_stream_that_never_ends_is_a_total_timeout() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        loop {
            call.write(chunk(token("more"))).await?;
            call.delay(Duration::from_millis(20)).await;
        }
    });
    let proxy = impatient(upstream.url(), r#"total = "300ms""#).await;
    let response = proxy.chat(STREAM).await;
    assert_stream_timeout(&proxy, &response, "timeout_total").await;
}

#[tokio::test]
async fn the_total_counts_before_the_answer_too() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.until_closed().await
    });
    let proxy = impatient(upstream.url(), r#"total = "200ms""#).await;
    let response = proxy.chat(CHAT).await;
    assert_gateway_timeout(&proxy, &response, "timeout_total").await;
}

#[tokio::test]
async fn a_slow_stream_that_keeps_within_its_limits_is_left_alone() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        for _ in 0..6 {
            call.delay(Duration::from_millis(100)).await;
            call.write(chunk(token("more"))).await?;
        }
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let limits = r#"first_byte = "400ms", first_token = "400ms", idle = "400ms""#;
    let proxy = impatient(upstream.url(), limits).await;
    let response = proxy.chat(STREAM).await;
    assert!(response.whole && response.text().ends_with(DONE), "{response:?}");
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_let_go() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        while call.write(chunk(token(&"x".repeat(60_000)))).await.is_ok() {}
        call.until_closed().await
    });
    let proxy = impatient(upstream.url(), r#"idle = "300ms""#).await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    client.head().await;
    upstream.saw_closed(1).await;
    assert_eq!(proxy.only_line().await.outcome(), "client_cancelled");
}

#[tokio::test]
async fn a_client_that_reads_slowly_holds_the_upstream_back() {
    const EVENTS: usize = 256;
    let event = chunk(token(&"x".repeat(64 * 1024)));
    let written = Arc::new(AtomicUsize::new(0));
    let upstream =
        Upstream::sharing(&(event, written.clone()), |(event, written), mut call| async move {
            call.body().await?;
            call.write(STREAM_HEAD).await?;
            for _ in 0..EVENTS {
                call.write(&event).await?;
                written.fetch_add(1, SeqCst);
            }
            call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
        });
    let proxy = Setup::to([upstream.url()]).start().await;
    assert_eq!(proxy.get("/v1/models").await.status, 200);
    let before = proxy.resident_bytes();
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    let head = client.head().await;
    let mut last = (0, Instant::now());
    until("the upstream has to wait", || {
        let now = written.load(SeqCst);
        if now != last.0 {
            last = (now, Instant::now());
        }
        last.1.elapsed() > Duration::from_millis(200)
    })
    .await;
    assert!(last.0 < EVENTS, "16 MiB went into nobody's hands");
    let more = proxy.resident_bytes().saturating_sub(before);
    assert!(more < 8 << 20, "{more} bytes more");
    let response = client.rest("POST", vec![], head).await;
    assert!(response.whole && response.text().ends_with(DONE));
    assert!(response.body.len() > EVENTS * 64 * 1024);
}
