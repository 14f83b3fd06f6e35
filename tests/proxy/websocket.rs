//! WebSocket upgrades pass through, frames and all.

use crate::support::*;
use futures_util::future::join_all;

const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
     Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// "Hello", masked by the client (RFC 6455 §5.7) and plain from the server.
const MASKED: &[u8] = &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
const PLAIN: &[u8] = &[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];

#[tokio::test]
async fn frames_pass_both_ways_until_one_side_closes() {
    let upstream = Upstream::start(|mut call| async move {
        call.write(SWITCHED).await?;
        call.write(PLAIN).await?;
        call.echo().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.request("GET", "/v1/realtime?model=m", &UPGRADE).await;
    let head = client.head().await;
    assert_eq!(head.word(1), "101");
    assert_eq!(head.header("upgrade").map(str::to_lowercase).as_deref(), Some("websocket"));
    assert_eq!(head.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(&client.raw(PLAIN.len()).await[..], PLAIN, "the server spoke first");
    for _ in 0..3 {
        client.send(MASKED).await;
        assert_eq!(&client.raw(MASKED.len()).await[..], MASKED);
    }
    let received = upstream.only_request().head;
    assert_eq!(received.header("sec-websocket-key"), Some(UPGRADE[3].1));
    assert_eq!(received.header("upgrade"), Some("websocket"));
    drop(client);
    upstream.saw_closed(1).await;
    let line = proxy.only_line().await;
    assert_eq!((line.number("status"), line.text("operation")), (101.0, "pass_through"));
}

#[tokio::test]
async fn an_upgrade_that_is_answered_at_once_stays_open() {
    let upstream = Upstream::start(|mut call| async move {
        call.write(SWITCHED).await?;
        call.echo().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let sockets = (0..8).map(|_| async {
        for _ in 0..40 {
            let mut client = proxy.client().await;
            client.request("GET", "/v1/realtime", &UPGRADE).await;
            assert_eq!(client.head().await.word(1), "101");
            client.send(MASKED).await;
            assert_eq!(&client.raw(MASKED.len()).await[..], MASKED);
        }
    });
    join_all(sockets).await;
    proxy.settled(8 * 40).await;
}

#[tokio::test]
async fn a_server_that_closes_ends_it_for_the_client() {
    let upstream = Upstream::start(|mut call| async move {
        call.write(SWITCHED).await?;
        call.raw(MASKED.len()).await?;
        call.write(PLAIN).await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.request("GET", "/v1/realtime", &UPGRADE).await;
    client.head().await;
    client.send(MASKED).await;
    assert_eq!(&client.raw(PLAIN.len()).await[..], PLAIN);
    assert!(client.is_closed().await);
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.number("status")), ("success", 101.0));
}

#[tokio::test]
async fn an_upgrade_that_is_refused_is_an_ordinary_answer() {
    let upstream =
        Upstream::start(|call| async move { call.answer(answer(426, "", "not here")).await });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.request("GET", "/v1/realtime", &UPGRADE).await;
    let response = client.response_to("GET").await;
    assert_eq!((response.status, response.text()), (426, "not here"));
    response.trace_id();
    assert_eq!(proxy.only_line().await.outcome(), "client_error");
}
