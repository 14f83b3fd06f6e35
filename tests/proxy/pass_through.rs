//! Paths that Transom does not understand go to the first upstream as they are.

use crate::support::*;
use std::time::Duration;

#[tokio::test]
async fn an_unknown_path_is_forwarded_with_its_body_both_ways() {
    let sent: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let upstream = Upstream::start(|mut call| async move {
        let body: Vec<u8> = call.body().await?.iter().rev().copied().collect();
        let head = format!(
            "HTTP/1.1 207 Odd\r\nContent-Length: {}\r\nX-There: a\r\nX-There: b\r\n\r\n",
            body.len()
        );
        call.write(head).await?;
        call.answer(body).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let headers = [
        ("X-Mine", "1"),
        ("X-Mine", "2"),
        ("Accept-Encoding", "gzip"),
        ("Content-Length", "100000"),
    ];
    client.request("PUT", "/api/thing%20one?x=1&y=%2F", &headers).await;
    client.send(&sent).await;
    let response = client.response_to("PUT").await;
    assert_eq!((response.status, response.head.all("x-there")), (207, vec!["a", "b"]));
    response.trace_id();
    let reversed: Vec<u8> = sent.iter().rev().copied().collect();
    assert!(response.body == reversed, "another body came back");
    let received = upstream.only_request();
    assert_eq!(received.head.start, "PUT /api/thing%20one?x=1&y=%2F HTTP/1.1");
    assert_eq!(received.head.all("x-mine"), ["1", "2"]);
    assert_eq!(received.head.header("accept-encoding"), Some("gzip"));
    assert_eq!(received.head.all("host"), [upstream.authority()]);
    assert!(received.body == sent, "another body arrived");
    let line = proxy.only_line().await;
    assert_eq!((line.text("route"), line.text("operation")), ("pass_through", "pass_through"));
    assert!(line.0["overhead_ms"].is_null(), "not known, so not claimed: {line:?}");
    assert_eq!(
        (line.outcome(), line.count("bytes_in"), line.count("bytes_out")),
        ("success", 100_000, 100_000)
    );
}

#[tokio::test]
async fn a_stream_that_is_not_understood_passes_unbuffered() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk("one")).await?;
        gate.pass().await;
        call.answer([chunk("two"), LAST_CHUNK.into()].concat()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/api/chat", &[], b"{}").await;
    let head = client.head().await;
    assert_eq!(client.body_bytes(3).await, b"one");
    gate.open();
    let rest = client.rest("POST", vec![], head).await;
    assert!(rest.whole && rest.body == b"two", "{rest:?}");
}

#[tokio::test]
async fn a_large_upload_streams_through_without_being_held() {
    const MIB: usize = 1024 * 1024;
    let upstream = Upstream::start(|mut call| async move {
        let count = call.discard_body().await?;
        call.answer(answer(200, "", &count.to_string())).await
    });
    let proxy = Setup::to([upstream.url()]).server("max_body = \"1MiB\"").start().await;
    let mut client = proxy.client().await;
    // The first request of a process is not typical of its memory.
    client.post("/warm-up", &[], b"x").await;
    client.response().await;
    let before = proxy.resident_bytes();
    let mut most = before;
    let headers = [("Content-Length", &*(64 * MIB).to_string())];
    client.request("POST", "/files", &headers).await;
    let piece = vec![b'x'; MIB];
    for _ in 0..64 {
        client.send(&piece).await;
        most = most.max(proxy.resident_bytes());
    }
    let response = client.response().await;
    assert_eq!(response.text(), (64 * MIB).to_string());
    assert!(most < before + 16 * MIB, "{} MiB more", (most - before) / MIB);
    assert_eq!(proxy.settled(2).await[1].count("bytes_in"), 64 * MIB as u64);
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let upstream = Upstream::start(|mut call| async move {
        call.raw(10).await?;
        call.write(answer(403, "Connection: close\r\n", "no")).await?;
        call.until_closed().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.request("POST", "/files", &[("Content-Length", "1000000")]).await;
    client.send([b'x'; 1000]).await;
    let response = client.response().await;
    assert_eq!((response.status, response.text()), (403, "no"));
}

#[tokio::test]
async fn an_upstream_that_is_away_is_a_bad_gateway_in_the_callers_dialect() {
    let gone = Refusing::new();
    let proxy = Setup::to([gone.url()]).start().await;
    let generic = proxy.post("/predict", "{}").await;
    assert_eq!(generic.status, 502);
    let body = generic.json();
    assert_eq!(body["code"], 502);
    assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    assert_eq!(body["data"]["trace_id"], generic.trace_id());
    assert!(!generic.text().contains("127.0.0.1"), "addresses are nobody's business");

    let openai = proxy.post("/v1/responses", "{}").await;
    assert_eq!((openai.status, &openai.openai_error()["code"]), (502, &"connect_refused".into()));
    for line in proxy.settled(2).await {
        assert_eq!((line.outcome(), line.error_type()), ("upstream_error", "connect_refused"));
    }
}

#[tokio::test]
async fn a_dead_endpoint_is_passed_by() {
    let (gone, upstream) = (Refusing::new(), Upstream::start(serve_well));
    let setup = Setup::to([gone.url(), upstream.url()]).with("balance = \"round_robin\"");
    let proxy = setup.start().await;
    for _ in 0..10 {
        assert_eq!(proxy.get("/other").await.status, 200);
    }
    assert!(proxy.settled(10).await.iter().all(|line| line.outcome() == "success"));
}

#[tokio::test]
async fn an_upstream_that_resets_is_a_bad_gateway() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.reset()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.post("/predict", "{}").await;
    assert_eq!((response.status, &response.json()["code"]), (502, &502.into()));
    response.trace_id();
    assert_eq!(upstream.count(), 1);
    assert_eq!(proxy.only_line().await.error_type(), "upstream_reset");
}

#[tokio::test]
async fn an_upstream_that_is_silent_is_a_gateway_timeout() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.until_closed().await
    });
    let setup = Setup::to([upstream.url()]).with("timeouts = { first_byte = \"200ms\" }");
    let proxy = setup.start().await;
    let response = proxy.post("/predict", "{}").await;
    assert_eq!((response.status, &response.json()["code"]), (504, &504.into()));
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("timeout", "timeout_first_byte"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_made_to_look_whole() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart").await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.post("/predict", "{}").await;
    assert_eq!((response.status, response.whole, response.text()), (200, false, "part"));
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.number("status")), ("stream_truncated", 200.0));
}

#[tokio::test]
async fn a_client_that_leaves_closes_the_upstream() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
        while call.write(chunk("more")).await.is_ok() {
            call.delay(Duration::from_millis(5)).await;
        }
        call.until_closed().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/api/chat", &[], b"{}").await;
    client.head().await;
    client.body_bytes(4).await;
    drop(client);
    upstream.saw_closed(1).await;
    assert_eq!(proxy.only_line().await.outcome(), "client_cancelled");
}
