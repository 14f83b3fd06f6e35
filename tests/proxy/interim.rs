//! What may come before and after an answer: `100 Continue`, other 1xx, trailers.

use crate::support::*;

const CHAT: &[u8] = br#"{"model":"m"}"#;

#[tokio::test]
async fn a_client_that_expects_to_be_asked_for_its_body_is_asked_and_the_upstream_never_knows() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let expect = [("Expect", "100-continue")];
    client.send(request_head("POST", "/v1/chat/completions", &expect, Some(CHAT.len()))).await;
    assert_eq!(client.head().await.word(1), "100");
    assert_eq!(upstream.count(), 0);
    client.send(CHAT).await;
    let response = client.response().await;
    assert_eq!((response.status, response.interim.len()), (200, 0));
    assert_eq!(upstream.only_request().head.header("expect"), None);
    assert_eq!(upstream.only_request().body, CHAT);
    // The connection is still good.
    client.post("/v1/chat/completions", &[], CHAT).await;
    assert_eq!(client.response().await.status, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_instead_of_being_asked_for() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).server("max_body = \"1KiB\"").start().await;
    let mut client = proxy.client().await;
    let expect = [("Expect", "100-continue")];
    client.send(request_head("POST", "/v1/chat/completions", &expect, Some(4096))).await;
    let response = client.response().await;
    assert_eq!((response.status, response.interim.len()), (413, 0));
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn informational_answers_of_the_upstream_are_not_taken_for_the_answer() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n").await?;
        call.write("HTTP/1.1 102 Processing\r\n\r\n").await?;
        call.answer(chat_answer()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    for _ in 0..2 {
        client.post("/v1/chat/completions", &[], CHAT).await;
        let response = client.response().await;
        assert_eq!((response.status, response.interim.len()), (200, 0));
        assert_eq!(response.text(), chat_body());
    }
    proxy.settled(2).await;
}

#[tokio::test]
async fn trailers_end_an_answer_and_leave_both_connections_in_step() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                    Trailer: X-Checksum\r\nTransfer-Encoding: chunked\r\n\r\n";
        call.write(head).await?;
        call.write(chunk(chat_body())).await?;
        call.answer("0\r\nX-Checksum: abc\r\nX-Other: def\r\n\r\n").await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    for _ in 0..3 {
        client.post("/v1/chat/completions", &[], CHAT).await;
        let response = client.response().await;
        assert!(response.whole, "{response:?}");
        assert_eq!((response.status, response.text()), (200, chat_body().as_str()));
    }
    let lines = proxy.settled(3).await;
    assert!(lines.iter().all(|line| line.outcome() == "success"), "{lines:?}");
}
