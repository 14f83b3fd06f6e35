//! Connections to upstreams that were used before and may have died since.

use crate::support::*;

const CHAT: &[u8] = br#"{"model":"m"}"#;

#[tokio::test]
async fn an_upstream_that_closed_its_idle_connection_is_asked_on_a_new_one() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(chat_answer()).await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    for number in 1..=5 {
        client.post("/v1/chat/completions", &[], CHAT).await;
        assert_eq!(client.response().await.status, 200, "request {number}");
    }
    let lines = proxy.settled(5).await;
    assert!(lines.iter().all(|line| line.outcome() == "success"), "{lines:?}");
    assert_eq!(upstream.count(), 5, "each request was answered once");
}

#[tokio::test]
async fn an_idle_connection_that_is_half_closed_is_not_used_again() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(chat_answer()).await?;
        call.half_close().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    for number in 1..=5 {
        assert_eq!(proxy.chat(r#"{"model":"m"}"#).await.status, 200, "request {number}");
    }
    upstream.saw_closed(4).await;
    assert!(proxy.settled(5).await.iter().all(|line| line.outcome() == "success"));
}

/// Answers well once per connection, then resets it as soon as a second request comes.
async fn serve_once_a_connection(mut call: Call) -> std::io::Result<After> {
    call.body().await?;
    if call.connection == 0 && call.number > 0 {
        return call.reset();
    }
    call.answer(chat_answer()).await
}

#[tokio::test]
async fn a_reused_connection_that_is_reset_before_the_first_byte_is_made_good_once() {
    let upstream = Upstream::start(serve_once_a_connection);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    for _ in 0..2 {
        client.post("/v1/chat/completions", &[], CHAT).await;
        assert_eq!(client.response().await.text(), chat_body());
    }
    let connections: Vec<_> = upstream.requests().iter().map(|r| r.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
    let lines = proxy.settled(2).await;
    let attempts: Vec<_> = lines.iter().map(|line| line.count("attempts")).collect();
    assert_eq!(attempts, [1, 2]);
    let metrics = proxy.metrics().await;
    let retries = |reason| metrics.sum("transom_retries_total", &[("upstream", "u"), reason]);
    assert_eq!(retries(("reason", "upstream_reset")), 1.0);
    assert_eq!(metrics.sum("transom_retries_total", &[]), 1.0);
    assert_eq!(metrics.sum("request_errors_total", &[]), 0.0);
}

#[tokio::test]
async fn a_new_connection_that_is_reset_is_not_retried() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.reset()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(r#"{"model":"m"}"#).await;
    assert_eq!(
        (response.status, &response.openai_error()["code"]),
        (502, &"upstream_reset".into())
    );
    assert_eq!(upstream.count(), 1, "the model may have begun its work");
    assert_eq!(proxy.only_line().await.error_type(), "upstream_reset");
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_a_reset_too() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(r#"{"model":"m"}"#).await;
    assert_eq!(
        (response.status, &response.openai_error()["code"]),
        (502, &"upstream_reset".into())
    );
    assert_eq!(upstream.count(), 1);
}

#[tokio::test]
async fn a_retry_that_fails_too_is_the_end() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        if call.number > 0 {
            return call.reset();
        }
        call.answer(chat_answer()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    assert_eq!(proxy.chat(r#"{"model":"m"}"#).await.status, 200);
    // Finished, so that its connection is at hand for the next.
    proxy.settled(1).await;
    assert_eq!(proxy.chat(r#"{"model":"m"}"#).await.status, 502);
    assert_eq!(upstream.count(), 3);
    let lines = proxy.settled(2).await;
    assert_eq!(lines[1].count("attempts"), 2);
    assert_eq!(lines[1].error_type(), "upstream_reset");
}

#[tokio::test]
async fn an_answer_that_broke_off_takes_its_connection_along() {
    let upstream = Upstream::start(|mut call| async move {
        if call.number > 0 {
            return call.answer(chat_answer()).await;
        }
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write("not a chunk size\r\n").await?;
        call.until_closed().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    assert!(!proxy.chat(r#"{"model":"m","stream":true}"#).await.whole);
    upstream.saw_closed(1).await;
    assert_eq!(proxy.chat(r#"{"model":"m"}"#).await.status, 200);
    assert_eq!(upstream.requests()[1].connection, 1);
}
