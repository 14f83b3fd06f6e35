//! Where messages end: answers without a body, pipelining, connections kept open.

use crate::support::*;

const CHAT: &[u8] = br#"{"model":"m"}"#;

#[tokio::test]
async fn the_answer_to_head_has_its_length_and_no_body() {
    let upstream = Upstream::start(|mut call| async move {
        if call.head.word(0) == "HEAD" {
            call.write("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n").await?;
            return call.reuse();
        }
        call.answer(answer(200, "", "next")).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.request("HEAD", "/files/1", &[]).await;
    let response = client.response_to("HEAD").await;
    assert_eq!((response.status, response.head.length()), (200, Some(1234)));
    response.trace_id();
    client.request("GET", "/files/1", &[]).await;
    assert_eq!(client.response_to("GET").await.text(), "next");
}

#[tokio::test]
async fn the_model_list_answers_head_without_a_body() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.request("HEAD", "/v1/models", &[]).await;
    let head = client.response_to("HEAD").await;
    client.request("GET", "/v1/models", &[]).await;
    let get = client.response_to("GET").await;
    assert_eq!((head.status, head.head.length()), (200, Some(get.body.len())));
}

#[tokio::test]
async fn a_chat_answered_with_204_has_no_body_and_no_framing() {
    let upstream = Upstream::start(|mut call| async move {
        if call.number == 0 {
            call.body().await?;
            call.write("HTTP/1.1 204 No Content\r\nX-Reason: none\r\n\r\n").await?;
            return call.reuse();
        }
        call.answer(chat_answer()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], CHAT).await;
    let response = client.response().await;
    assert_eq!((response.status, response.header("x-reason")), (204, Some("none")));
    // RFC 9110 §8.6 and RFC 9112 §6.1 forbid both.
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.header("transfer-encoding"), None);
    client.post("/v1/chat/completions", &[], CHAT).await;
    assert_eq!(client.response().await.text(), chat_body());
    let lines = proxy.settled(2).await;
    assert!(lines.iter().all(|line| line.outcome() == "success"), "{lines:?}");
}

#[tokio::test]
async fn a_304_has_no_body_even_if_it_names_a_length() {
    let upstream = Upstream::start(|mut call| async move {
        if call.number == 0 {
            call.write("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 99\r\n\r\n")
                .await?;
            return call.reuse();
        }
        call.answer(answer(200, "", "next")).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.request("GET", "/page", &[("If-None-Match", "\"a\"")]).await;
    let response = client.response_to("GET").await;
    assert_eq!((response.status, response.header("etag")), (304, Some("\"a\"")));
    client.request("GET", "/page", &[]).await;
    assert_eq!(client.response_to("GET").await.text(), "next");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let upstream = Upstream::start(|mut call| async move {
        let body = call.body().await?;
        call.answer(answer(
            200,
            "Content-Type: application/json\r\n",
            std::str::from_utf8(&body).unwrap(),
        ))
        .await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let bodies: Vec<_> = (0..5).map(|n| format!(r#"{{"model":"m","n":{n}}}"#)).collect();
    let request =
        |body: &String| request_head("POST", "/v1/chat/completions", &[], Some(body.len())) + body;
    let all: String = bodies.iter().map(request).collect();
    client.send(all).await;
    for body in &bodies {
        assert_eq!(client.response().await.text(), body);
    }
    proxy.settled(5).await;
}

#[tokio::test]
async fn requests_behind_a_stream_wait_for_its_end() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let stream = r#"{"model":"m","stream":true}"#;
    let first = request_head("POST", "/v1/chat/completions", &[], Some(stream.len())) + stream;
    client.send(first + &request_head("GET", "/v1/models", &[], None)).await;
    let response = client.response().await;
    assert!(response.whole && response.text().ends_with(DONE), "{response:?}");
    assert!(client.response_to("GET").await.text().contains("\"m\""));
}

#[tokio::test]
async fn connections_are_kept_open_on_both_sides() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    for body in [CHAT, br#"{"model":"m","stream":true}"#].repeat(3) {
        client.post("/v1/chat/completions", &[], body).await;
        let response = client.response().await;
        assert_eq!((response.status, response.whole), (200, true));
    }
    assert_eq!(upstream.count(), 6);
    assert!(upstream.requests().iter().all(|request| request.connection == 0));
}

#[tokio::test]
async fn an_answer_of_our_own_keeps_the_connection_open() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    for body in [&b"{"[..], br#"{"model":"unknown"}"#, CHAT] {
        client.post("/v1/chat/completions", &[], body).await;
        client.response().await.trace_id();
    }
    proxy.settled(3).await;
}

#[tokio::test]
async fn a_client_that_asks_to_close_gets_its_answer_and_the_end() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[("Connection", "close")], CHAT).await;
    assert_eq!(client.response().await.text(), chat_body());
    assert!(client.is_closed().await);
    assert_eq!(upstream.only_request().head.header("connection"), None, "it is between two hops");
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_the_upstreams_connection() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n").await?;
        call.write(chat_body()).await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(r#"{"model":"m"}"#).await;
    assert!(response.whole && response.head.is_chunked(), "{response:?}");
    assert_eq!(response.text(), chat_body());
    assert_eq!(proxy.only_line().await.outcome(), "success");
}

#[tokio::test]
async fn an_http_1_0_client_gets_a_stream_that_ends_with_the_connection() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let body = r#"{"model":"m","stream":true}"#;
    let head =
        format!("POST /v1/chat/completions HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
    client.send(head + body).await;
    let response = client.response().await;
    assert_eq!(response.header("transfer-encoding"), None);
    assert!(response.text().ends_with(DONE), "{response:?}");
}
