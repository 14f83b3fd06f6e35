//! Sending a request while the other side does something else: reads nothing, answers
//! early, leaves.

use crate::support::*;
use std::time::{Duration, Instant};

const LARGE: usize = 5 * 1024 * 1024;

fn large_chat() -> Vec<u8> {
    let start = br#"{"model":"m","messages":[{"role":"user","content":""#;
    [&start[..], &vec![b'x'; LARGE], b"\"}]}"].concat()
}

#[tokio::test]
async fn a_client_that_leaves_while_the_upstream_reads_nothing_frees_everything() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, call| async move {
        gate.pass().await;
        call.until_closed().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], &large_chat()).await;
    upstream.got(1).await;
    proxy
        .metrics_when("the request is in flight", |m| {
            m.sum("transom_in_flight_requests", &[("model", "m")]) == 1.0
        })
        .await;

    drop(client);
    let left = Instant::now();
    let line = proxy.only_line().await;
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    assert_eq!((line.outcome(), line.number("status")), ("client_cancelled", 499.0));
    // What was under way can be read by now; had the proxy gone on, all of it would come.
    gate.open();
    upstream.saw_closed(1).await;
    assert!(upstream.drained() < LARGE, "{}", upstream.drained());
}

#[tokio::test]
async fn an_upstream_that_answers_and_closes_while_it_is_sent_to_is_heard() {
    let upstream = Upstream::start(|mut call| async move {
        call.write(json_answer(413, r#"{"error":{"message":"too long for me"}}"#)).await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], &large_chat()).await;
    let response = client.response().await;
    assert_eq!(
        (response.status, response.text()),
        (413, r#"{"error":{"message":"too long for me"}}"#)
    );
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("client_error", "413"));
    assert_eq!(upstream.count(), 1, "a request that was answered is not repeated");
}

#[tokio::test]
async fn an_upstream_that_answers_and_reads_no_further_is_heard_at_once() {
    let upstream = Upstream::start(|mut call| async move {
        call.write(json_answer(413, "{}")).await?;
        // Neither reads nor closes until the test is over.
        std::future::pending().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], &large_chat()).await;
    assert_eq!(client.response().await.status, 413);
    assert_eq!(proxy.only_line().await.error_type(), "413");
}

#[tokio::test]
async fn a_connection_whose_request_was_not_read_is_not_used_again() {
    let upstream = Upstream::start(|mut call| async move {
        if call.number > 0 {
            return call.answer(chat_answer()).await;
        }
        call.write(json_answer(413, "{}")).await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], &large_chat()).await;
    assert_eq!(client.response().await.status, 413);
    client.post("/v1/chat/completions", &[], br#"{"model":"m"}"#).await;
    assert_eq!(client.response().await.status, 200);
    let connections: Vec<_> = upstream.requests().iter().map(|r| r.connection).collect();
    assert_eq!(connections, [0, 1]);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_closes_the_upstream() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.until_closed().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], br#"{"model":"m"}"#).await;
    upstream.got(1).await;
    drop(client);
    let left = Instant::now();
    upstream.saw_closed(1).await;
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    assert_eq!(proxy.only_line().await.outcome(), "client_cancelled");
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("request_errors_total", &[]), 0.0, "nobody's error");
}

#[tokio::test]
async fn a_client_that_leaves_within_its_body_is_counted_and_nobody_is_asked() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.send(request_head("POST", "/v1/chat/completions", &[], Some(1000))).await;
    client.send(br#"{"model":"m","#).await;
    drop(client);
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.text("upstream")), ("client_cancelled", ""));
    assert_eq!(upstream.count(), 0);
}
