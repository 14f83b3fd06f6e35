//! Requests about whose end two readers could disagree: refused, and what follows them on
//! the connection is never served.

use crate::support::*;

/// What a smuggler wants to get through.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";

/// Sends `head` and a body that some readers take for a second request.
async fn assert_refused(head: &str, body: &str) {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    assert_refused_by(&proxy, head, body).await;
    assert_eq!(upstream.count(), 0, "{head:?}");
    assert!(proxy.log().iter().all(|line| line.outcome() == "client_error"), "{head:?}");
}

async fn assert_refused_by(proxy: &Proxy, head: &str, body: &str) -> Response {
    let mut client = proxy.client().await;
    client.send(format!("{head}{body}{HIDDEN}")).await;
    let response = client.response().await;
    assert!(matches!(response.status, 400 | 501), "{head:?}: {response:?}");
    assert!(client.is_closed().await, "{head:?}: the connection must go");
    response
}

fn post(headers: &str) -> String {
    format!("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_length_beside_a_transfer_encoding_is_refused() {
    assert_refused(&post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "0\r\n\r\n").await;
    assert_refused(&post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "0\r\n\r\n").await;
}

#[tokio::test]
async fn a_length_beside_a_transfer_encoding_is_refused_on_other_paths_too() {
    let head = post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
    assert_refused(&head.replace("/v1/chat/completions", "/other"), "0\r\n\r\n").await;
}

#[tokio::test]
async fn a_refused_request_is_answered_with_its_trace_and_counted() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let head = post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
    assert_refused_by(&proxy, &head, "0\r\n\r\n").await.openai_error();
    assert_eq!(proxy.only_line().await.error_type(), "400");
}

#[tokio::test]
async fn two_different_lengths_are_refused() {
    assert_refused(&post("Content-Length: 5\r\nContent-Length: 6\r\n"), "hello").await;
    assert_refused(&post("Content-Length: 5, 6\r\n"), "hello").await;
}

#[tokio::test]
async fn a_length_that_is_no_number_is_refused() {
    for length in ["+5", "-5", "0x5", "5 5", "5;", "", "99999999999999999999999"] {
        assert_refused(&post(&format!("Content-Length: {length}\r\n")), "hello").await;
    }
}

#[tokio::test]
async fn transfer_encodings_other_than_chunked_are_refused() {
    for coding in [
        "identity",
        "gzip",
        "chunked, identity",
        "chunked, chunked",
        "gzip, chunked",
        "xchunked",
        "\"chunked\"",
        "chunked;q=1",
    ] {
        assert_refused(&post(&format!("Transfer-Encoding: {coding}\r\n")), "0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn two_transfer_encodings_are_refused() {
    let head = post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n");
    assert_refused(&head, "0\r\n\r\n").await;
}

#[tokio::test]
async fn a_header_name_with_a_space_before_its_colon_is_refused() {
    assert_refused(&post("Content-Length : 5\r\n"), "hello").await;
    assert_refused(&post("Transfer-Encoding : chunked\r\n"), "0\r\n\r\n").await;
}

#[tokio::test]
async fn folded_headers_are_refused() {
    assert_refused(&post("X-Folded: a\r\n b\r\nContent-Length: 5\r\n"), "hello").await;
    assert_refused(&post("Transfer-Encoding:\r\n chunked\r\n"), "0\r\n\r\n").await;
}

#[tokio::test]
async fn chunks_that_break_http_are_refused() {
    let head = post("Transfer-Encoding: chunked\r\n");
    for chunks in [
        "zz\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
    ] {
        assert_refused(&head, chunks).await;
    }
}

#[tokio::test]
async fn http_1_0_with_a_transfer_encoding_is_refused() {
    let head = post("Transfer-Encoding: chunked\r\n").replace("HTTP/1.1", "HTTP/1.0");
    assert_refused(&head, "0\r\n\r\n").await;
}

#[tokio::test]
async fn what_is_no_http_at_all_gets_no_service() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    for garbage in [
        "\0\0\0\0\r\n\r\n",
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
    ] {
        let mut client = proxy.client().await;
        client.send(garbage).await;
        client.half_close().await;
        // Refused in words or by closing; either way the connection ends.
        let mut answered = Vec::new();
        while let Some(bytes) = client.some().await {
            answered.extend_from_slice(&bytes);
        }
        let answer = String::from_utf8_lossy(&answered);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{garbage:?}: {answer}");
    }
    assert_eq!(upstream.count(), 0);
    assert_eq!(proxy.chat(r#"{"model":"m"}"#).await.status, 200, "others are served on");
}
