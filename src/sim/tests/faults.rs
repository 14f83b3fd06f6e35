//! Answers that go wrong half-way.

use super::client::{BodyEnd, Reply, TestServer, post, quick, read_until};
use super::life::stopped_soon;
use super::{CHAT, chat, streamed};
use crate::sim::{Fault, SimSettings};
use serde_json::Value;

async fn strike(server: &TestServer, fault: &str, ask: &Value) -> Reply {
    server.post_with(CHAT, &[("x-sim-fault", fault)], ask).await
}

#[tokio::test]
async fn a_truncated_answer_closes_after_half_without_its_framing() {
    let server = TestServer::start(quick()).await;
    let reply = strike(&server, "truncate", &streamed(chat())).await;
    assert_eq!((reply.status, reply.end), (200, BodyEnd::Short));
    assert_eq!(reply.tokens().len(), 4);

    let reply = strike(&server, "truncate", &chat()).await;
    assert_eq!((reply.status, reply.end), (200, BodyEnd::Short));
    let promised: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!(reply.body.len(), promised / 2);
    assert_eq!(server.figures("chat", |_| true).await["broken"], 2);
}

#[tokio::test]
async fn a_reset_answer_ends_in_a_tcp_reset_after_half() {
    let server = TestServer::start(quick()).await;
    let reply = strike(&server, "reset", &streamed(chat())).await;
    assert_eq!((reply.status, reply.end), (200, BodyEnd::Reset));
    assert_eq!(reply.tokens().len(), 4);
    assert_eq!(strike(&server, "reset", &chat()).await.end, BodyEnd::Reset);
}

#[tokio::test]
async fn a_malformed_answer_breaks_its_json_and_ends_well() {
    let server = TestServer::start(quick()).await;
    let reply = strike(&server, "malformed", &streamed(chat())).await;
    assert_eq!(reply.end, BodyEnd::Whole);
    let data = reply.data();
    assert_eq!(data.len(), 1 + 4 + 1);
    assert!(serde_json::from_str::<Value>(data[5]).is_err(), "{}", data[5]);

    let reply = strike(&server, "malformed", &chat()).await;
    assert_eq!((reply.status, reply.end), (200, BodyEnd::Whole));
    assert!(serde_json::from_str::<Value>(&reply.body).is_err());
}

#[tokio::test]
async fn an_error_event_takes_the_place_of_the_rest() {
    let server = TestServer::start(quick()).await;
    let headers = [("x-sim-error-event", "1")];
    let reply = server.post_with(CHAT, &headers, &streamed(chat())).await;
    assert_eq!((reply.status, reply.end), (200, BodyEnd::Whole));
    assert!(!reply.body.contains("[DONE]"));
    let events = reply.events();
    assert_eq!(events.len(), 1 + 4 + 1);
    assert_eq!(events[5]["error"]["type"], "server_error");

    assert_eq!(server.post_with(CHAT, &headers, &chat()).await.status, 500);
}

#[tokio::test]
async fn a_stalled_answer_is_silent_until_the_client_leaves() {
    let server = TestServer::start(quick()).await;
    let request = post(CHAT, &[("x-sim-fault", "stall")], &streamed(chat()).to_string());
    let mut stream = server.open(&request).await;
    // Half of the tokens is out.
    server.figures("chat", |chat| chat["tokens_out"] == 4 && chat["open"] == 1).await;
    read_until(&mut stream, "assistant").await;
    drop(stream);
    let figures = server.figures("chat", |chat| chat["open"] == 0).await;
    assert_eq!((&figures["left"], &figures["broken"]), (&1.into(), &0.into()));
}

#[tokio::test]
async fn a_stalled_answer_breaks_off_when_the_server_stops() {
    let server = TestServer::start(SimSettings { fault: Fault::Stall, ..quick() }).await;
    let (whole, events) = (chat().to_string(), streamed(chat()).to_string());
    let mut whole = server.open(&post(CHAT, &[], &whole)).await;
    let mut events = server.open(&post(CHAT, &[], &events)).await;
    read_until(&mut whole, "200 OK").await;
    read_until(&mut events, "200 OK").await;
    stopped_soon(server).await;
}

#[tokio::test]
async fn one_token_strikes_before_the_first() {
    let server = TestServer::start(quick()).await;
    let headers = [("x-sim-fault", "truncate"), ("x-sim-tokens", "1")];
    let reply = server.post_with(CHAT, &headers, &streamed(chat())).await;
    assert_eq!((reply.tokens().len(), reply.end), (0, BodyEnd::Short));
}

#[tokio::test]
async fn embeddings_break_as_well() {
    let server = TestServer::start(quick()).await;
    let ask = serde_json::json!({ "model": "sim-small", "input": "text" });
    let headers = [("x-sim-fault", "truncate")];
    let reply = server.post_with("/v1/embeddings", &headers, &ask).await;
    assert_eq!((reply.status, reply.end), (200, BodyEnd::Short));
}
