//! How large a request may be, and all of them together.

use crate::support::*;

fn chat_of(size: usize) -> String {
    let body = r#"{"model":"m","x":""#;
    format!("{body}{}\"}}", "x".repeat(size - body.len() - 2))
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_the_body_is_read() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).server("max_body = \"1KiB\"").start().await;
    let mut client = proxy.client().await;
    client.send(request_head("POST", "/v1/chat/completions", &[], Some(1025))).await;
    let response = client.response().await;
    assert_eq!(response.status, 413);
    let error = response.openai_error();
    assert_eq!(
        (&error["code"], &error["type"]),
        (&"request_too_large".into(), &"invalid_request_error".into())
    );
    assert_eq!(upstream.count(), 0);
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("client_error", "413"));
}

#[tokio::test]
async fn a_body_of_just_the_limit_passes() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).server("max_body = \"1KiB\"").start().await;
    assert_eq!(proxy.chat(&chat_of(1024)).await.status, 200);
    assert_eq!(upstream.only_request().body, chat_of(1024).as_bytes());
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_refused_when_it_gets_there() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).server("max_body = \"1KiB\"").start().await;
    let mut client = proxy.client().await;
    let chunked = [("Transfer-Encoding", "chunked"), ("Content-Type", "application/json")];
    client.request("POST", "/v1/chat/completions", &chunked).await;
    client.send(chunk(&chat_of(2048)[..1000])).await;
    client.send(chunk(&chat_of(2048)[1000..1100])).await;
    let response = client.response().await;
    assert_eq!(
        (response.status, &response.openai_error()["code"]),
        (413, &"request_too_large".into())
    );
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn a_chunked_body_within_the_limit_goes_upstream_with_a_length() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let chunked = [("Transfer-Encoding", "chunked"), ("Content-Type", "application/json")];
    client.request("POST", "/v1/chat/completions", &chunked).await;
    let body = chat_of(300);
    for part in body.as_bytes().chunks(7) {
        client.send(chunk(part)).await;
    }
    client.send(LAST_CHUNK).await;
    assert_eq!(client.response().await.status, 200);
    let received = upstream.only_request();
    assert_eq!(received.body, body.as_bytes());
    assert_eq!((received.head.length(), received.head.is_chunked()), (Some(300), false));
}

#[tokio::test]
async fn a_client_that_keeps_sending_gets_to_read_its_413() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).server("max_body = \"1KiB\"").start().await;
    let mut client = proxy.client().await;
    let size = 4 * 1024 * 1024;
    client.send(request_head("POST", "/v1/chat/completions", &[], Some(size))).await;
    // Writes all of it before it reads anything, as simple clients do.
    client.try_send(vec![b'x'; size]).await.expect("what is left of the body is taken");
    let response = client.response().await;
    assert_eq!((response.status, response.whole), (413, true));
    assert!(client.is_closed().await);
    assert_eq!(upstream.count(), 0);
}

fn with_small_budget(upstream: &Upstream) -> Setup {
    Setup::to([upstream.url()]).server("max_body = \"64KiB\"\nbody_budget = \"64KiB\"")
}

#[tokio::test]
async fn bodies_beyond_the_budget_are_told_to_come_back_and_small_ones_still_fit() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        if call.body().await?.len() > 40_000 {
            gate.pass().await;
        }
        call.answer(chat_answer()).await
    });
    let proxy = with_small_budget(&upstream).start().await;
    let mut first = proxy.client().await;
    first.post("/v1/chat/completions", &[], chat_of(48 * 1024).as_bytes()).await;
    upstream.got(1).await;

    let refused = proxy.chat(&chat_of(48 * 1024)).await;
    assert_eq!((refused.status, &refused.openai_error()["code"]), (503, &"overloaded".into()));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(proxy.chat(&chat_of(1024)).await.status, 200, "a small one fits");
    assert_eq!(upstream.count(), 2);

    gate.open_wide();
    assert_eq!(first.response().await.status, 200);
    proxy.settled(3).await;
    assert_eq!(proxy.chat(&chat_of(48 * 1024)).await.status, 200, "the room is free again");
    let lines = proxy.settled(4).await;
    assert_eq!(lines.iter().filter(|line| line.error_type() == "queue_full").count(), 1);
}

#[tokio::test]
async fn a_chunked_body_takes_its_room_as_it_comes() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        gate.pass().await;
        call.answer(chat_answer()).await
    });
    let proxy = with_small_budget(&upstream).start().await;
    let mut first = proxy.client().await;
    first.post("/v1/chat/completions", &[], chat_of(60 * 1024).as_bytes()).await;
    upstream.got(1).await;

    let mut second = proxy.client().await;
    second.request("POST", "/v1/chat/completions", &[("Transfer-Encoding", "chunked")]).await;
    second.send(chunk("x".repeat(16 * 1024))).await;
    assert_eq!(second.response().await.status, 503);
    gate.open_wide();
    assert_eq!(first.response().await.status, 200);
}

#[tokio::test]
async fn the_room_of_a_client_that_left_is_free_again() {
    let upstream = Upstream::start(|mut call| async move {
        if call.number == 0 {
            call.body().await?;
            return call.until_closed().await;
        }
        call.answer(chat_answer()).await
    });
    let proxy = with_small_budget(&upstream).start().await;
    let mut first = proxy.client().await;
    first.post("/v1/chat/completions", &[], chat_of(60 * 1024).as_bytes()).await;
    upstream.got(1).await;
    drop(first);
    proxy.settled(1).await;
    assert_eq!(proxy.chat(&chat_of(60 * 1024)).await.status, 200);
}
