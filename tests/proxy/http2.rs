//! Clients that speak HTTP/2 over plain TCP; the upstream still gets HTTP/1.1.

use crate::support::*;
use h2::Reason;

const CHAT: &[u8] = br#"{"model":"m"}"#;
const STREAM: &[u8] = br#"{"model":"m","stream":true}"#;
const PATH: &str = "/v1/chat/completions";

#[tokio::test]
async fn a_chat_is_answered_and_arrives_upstream_as_http_1_1() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let client = H2Client::connect(proxy.data).await;
    let mut request = h2_post(PATH);
    request.headers_mut().insert("te", "trailers".parse().unwrap());
    request.headers_mut().insert("x-mine", "kept".parse().unwrap());
    let mut call = client.call(request, CHAT.to_vec()).await;
    assert_eq!(call.status(), 200);
    for name in ["x-trace-id", "x-request-id", "server-timing"] {
        assert!(call.head.headers().contains_key(name), "{name}: {:?}", call.head);
    }
    assert_eq!(call.rest().await.unwrap(), chat_body().as_bytes());

    let received = upstream.only_request();
    assert_eq!(received.head.start, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(received.head.all("host"), [upstream.authority()]);
    assert_eq!(received.head.header("x-mine"), Some("kept"));
    assert_eq!(received.head.header("te"), None);
    assert_eq!(received.body, CHAT);
    let pseudo = received.head.headers.iter().find(|(name, _)| name.starts_with(':'));
    assert_eq!(pseudo, None);
}

#[tokio::test]
async fn cookies_that_http_2_cut_up_are_one_header_again() {
    // RFC 9113 §8.2.3.
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let client = H2Client::connect(proxy.data).await;
    let mut request = h2_post(PATH);
    for crumb in ["a=b", "c=d"] {
        request.headers_mut().append("cookie", crumb.parse().unwrap());
    }
    assert_eq!(client.call(request, CHAT.to_vec()).await.status(), 200);
    assert_eq!(upstream.only_request().head.all("cookie"), ["a=b; c=d"]);
}

#[tokio::test]
async fn a_stream_comes_event_by_event_and_ends_properly() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("one"))).await?;
        gate.pass().await;
        call.write(chunk(finish() + DONE)).await?;
        call.answer(LAST_CHUNK).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let client = H2Client::connect(proxy.data).await;
    let mut call = client.call(h2_post(PATH), STREAM.to_vec()).await;
    assert_eq!(call.head.headers()["content-type"], "text/event-stream");
    assert_eq!(call.data().await.unwrap().unwrap(), token("one"));
    gate.open();
    assert_eq!(call.rest().await.unwrap(), (finish() + DONE).as_bytes());
    assert_eq!(proxy.only_line().await.outcome(), "success");
}

#[tokio::test]
async fn a_client_that_resets_its_stream_closes_the_upstream_and_keeps_its_connection() {
    let upstream = Upstream::start(|mut call| async move {
        if call.number > 0 {
            return call.answer(chat_answer()).await;
        }
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("one"))).await?;
        call.until_closed().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let client = H2Client::connect(proxy.data).await;
    let mut call = client.call(h2_post(PATH), STREAM.to_vec()).await;
    assert!(call.data().await.unwrap().is_some());
    call.sender.send_reset(Reason::CANCEL);
    upstream.saw_closed(1).await;
    assert_eq!(proxy.only_line().await.outcome(), "client_cancelled");
    let mut next = client.call(h2_post(PATH), CHAT.to_vec()).await;
    assert_eq!(next.rest().await.unwrap(), chat_body().as_bytes());
}

#[tokio::test]
async fn a_client_that_resets_its_stream_before_the_answer_closes_the_upstream() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.until_closed().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let client = H2Client::connect(proxy.data).await;
    let (_answer, mut sender) = client.send(h2_post(PATH), CHAT.to_vec()).await;
    upstream.got(1).await;
    sender.send_reset(Reason::CANCEL);
    upstream.saw_closed(1).await;
    assert_eq!(proxy.only_line().await.outcome(), "client_cancelled");
}

#[tokio::test]
async fn a_truncated_stream_is_reset_after_its_error_event() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("one"))).await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let client = H2Client::connect(proxy.data).await;
    let mut call = client.call(h2_post(PATH), STREAM.to_vec()).await;
    let mut seen = Vec::new();
    let broken = loop {
        match call.data().await {
            Ok(Some(data)) => seen.extend_from_slice(&data),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    let seen = String::from_utf8(seen).unwrap();
    assert!(broken, "a proper end would be a lie: {seen}");
    assert!(seen.contains("stream_truncated") && !seen.contains("[DONE]"), "{seen}");
    assert_eq!(proxy.only_line().await.outcome(), "stream_truncated");
}

#[tokio::test]
async fn streams_of_one_connection_do_not_wait_for_each_other() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        if call.body().await? == STREAM {
            return call.answer(chat_answer()).await;
        }
        gate.pass().await;
        call.answer(chat_answer()).await
    });
    let proxy = Setup::to([upstream.url()]).with("include_usage = false").start().await;
    let client = H2Client::connect(proxy.data).await;
    let (slow, _sender) = client.send(h2_post(PATH), CHAT.to_vec()).await;
    upstream.got(1).await;
    assert_eq!(client.call(h2_post(PATH), STREAM.to_vec()).await.status(), 200);
    gate.open();
    assert_eq!(within("the slow answer", slow).await.unwrap().status(), 200);
    proxy.settled(2).await;
}

#[tokio::test]
async fn a_large_body_crosses_flow_control_both_ways() {
    let upstream = Upstream::start(|mut call| async move {
        let body = call.body().await?;
        call.write(
            answer(200, "Content-Type: application/json\r\n", "")
                .replace("Length: 0", &format!("Length: {}", body.len())),
        )
        .await?;
        call.answer(body).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let client = H2Client::connect(proxy.data).await;
    let body = format!(r#"{{"model":"m","x":"{}"}}"#, "y".repeat(3_000_000)).into_bytes();
    let mut call = client.call(h2_post(PATH), body.clone()).await;
    assert_eq!(call.status(), 200);
    assert!(call.rest().await.unwrap() == body, "another body came back");
}

#[tokio::test]
async fn other_paths_pass_through_from_http_2() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.answer(answer(201, "X-There: yes\r\n", "made")).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let client = H2Client::connect(proxy.data).await;
    let mut call = client.call(h2_post("/files?a=1"), b"content".to_vec()).await;
    assert_eq!(call.status(), 201);
    assert_eq!(call.head.headers()["x-there"], "yes");
    assert_eq!(call.rest().await.unwrap(), b"made");
    let received = upstream.only_request();
    assert_eq!(received.head.start, "POST /files?a=1 HTTP/1.1");
    assert_eq!(received.head.all("host"), [upstream.authority()]);
    assert_eq!(received.body, b"content");
}

#[tokio::test]
async fn refusals_reach_an_http_2_client_and_leave_its_connection() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).server("max_body = \"1KiB\"").start().await;
    let client = H2Client::connect(proxy.data).await;
    for (body, status) in [(vec![b'x'; 1025], 413), (b"{".to_vec(), 400), (CHAT.to_vec(), 200)] {
        assert_eq!(client.call(h2_post(PATH), body).await.status(), status);
    }
    proxy.settled(3).await;
}
