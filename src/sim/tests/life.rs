//! Models, health, statistics, leaving clients, and the stop.

use super::client::{BodyEnd, TestServer, post, quick, read_until, within};
use super::{CHAT, chat, streamed};
use serde_json::{Value, json};
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Stops the server, and fails unless it ends well before the grace does.
pub(super) async fn stopped_soon(mut server: TestServer) {
    let started = Instant::now();
    server.stop.cancel();
    within(server.task.join_next()).await.unwrap().unwrap().unwrap();
    assert!(started.elapsed().as_secs() < 4, "{:?}", started.elapsed());
    assert!(TcpStream::connect(server.address).await.is_err());
}

fn hour_between_tokens() -> String {
    post(CHAT, &[("x-sim-itl-ms", "3600000")], &streamed(chat()).to_string())
}

#[tokio::test]
async fn models_are_listed_and_described() {
    let server = TestServer::start(quick()).await;
    let list = server.get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    let ids: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|m| &m["id"]).collect();
    assert_eq!(ids, ["sim-small", "org/sim-large"]);
    assert_eq!(server.get("/v1/models/org/sim-large").await.json()["object"], "model");
    assert_eq!(server.get("/v1/models/gpt-9").await.status, 404);
    assert_eq!(server.get("/health").await.json(), json!({ "status": "ok" }));
}

#[tokio::test]
async fn statistics_account_for_every_request_and_token() {
    let server = TestServer::start(quick()).await;
    let reply = server.post(CHAT, &streamed(chat())).await;
    server.post(CHAT, &chat()).await;
    server.post_with(CHAT, &[("x-sim-fault", "malformed")], &streamed(chat())).await;
    server.post(CHAT, &json!({})).await;
    server.get("/health").await;

    let stats = server.get("/sim/stats").await.json();
    let chat = &stats["requests"]["chat"];
    assert_eq!(
        *chat,
        json!({
            "received": 4, "open": 0, "finished": 2, "refused": 1, "broken": 1, "left": 0,
            "tokens_in": 3 * 6, "tokens_out": reply.tokens().len() + 8 + 4,
        })
    );
    assert_eq!(stats["probes"], 1);
    assert_eq!(stats["requests"]["embeddings"]["received"], 0);
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_at_every_stage() {
    let server = TestServer::start(quick()).await;
    let talking = server.open(&hour_between_tokens()).await;
    server.figures("chat", |chat| chat["tokens_out"] == 1).await;
    let waiting =
        server.open(&post(CHAT, &[("x-sim-ttft-ms", "3600000")], &chat().to_string())).await;
    let upload = format!("POST {CHAT} HTTP/1.1\r\nhost: sim\r\ncontent-length: 99\r\n\r\n{{");
    let uploading = server.open(&upload).await;
    server.figures("chat", |chat| chat["open"] == 3).await;
    drop((talking, waiting, uploading));
    let figures = server.figures("chat", |chat| chat["open"] == 0).await;
    assert_eq!((&figures["left"], &figures["received"]), (&3.into(), &3.into()));
    assert_eq!(figures["tokens_out"], 1);
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let server = TestServer::start(quick()).await;
    let request =
        post(CHAT, &[], &streamed(chat()).to_string()).replace("connection: close\r\n", "");
    let mut stream = server.open(&request).await;
    for _ in 0..3 {
        read_until(&mut stream, "\r\n0\r\n\r\n").await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    }
    server.figures("chat", |chat| chat["finished"] == 4).await;
}

#[tokio::test]
async fn a_stop_lets_an_answer_under_way_finish() {
    let server = TestServer::start(quick()).await;
    let headers = [("x-sim-ttft-ms", "100")];
    let mut stream = server.open(&post(CHAT, &headers, &streamed(chat()).to_string())).await;
    let begun = read_until(&mut stream, "assistant").await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    stopped_soon(server).await;
    let mut rest = String::new();
    within(stream.read_to_string(&mut rest)).await.unwrap();
    assert!((begun + &rest).ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"), "{rest}");
    drop(idle);
}

#[tokio::test]
async fn dropping_the_server_cuts_its_connections() {
    let mut server = TestServer::start(quick()).await;
    let mut stream = server.open(&hour_between_tokens()).await;
    read_until(&mut stream, "assistant").await;
    server.task.shutdown().await;
    let mut rest = Vec::new();
    // Cut, not ended: no last chunk follows.
    within(stream.read_to_end(&mut rest)).await.unwrap();
    assert!(!rest.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn a_long_answer_without_latency_arrives_whole() {
    let server = TestServer::start(quick()).await;
    let headers = [("x-sim-tokens", "20000")];
    let reply = server.post_with(CHAT, &headers, &streamed(chat())).await;
    assert_eq!((reply.end, reply.tokens().len()), (BodyEnd::Whole, 20_000));
}
