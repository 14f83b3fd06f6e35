//! Stopping: readiness fails first, what is open may finish, nothing is lost.

use crate::support::*;
use std::os::unix::process::ExitStatusExt;

const STREAM: &[u8] = br#"{"model":"m","stream":true}"#;

async fn send_gated(gate: Gate, mut call: Call) -> std::io::Result<After> {
    call.body().await?;
    call.write(STREAM_HEAD).await?;
    call.write(chunk(token("one"))).await?;
    gate.pass().await;
    call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
}

#[tokio::test]
async fn an_open_stream_finishes_after_the_signal() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, send_gated);
    let mut proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM).await;
    let head = client.head().await;
    client.body_bytes(token("one").len()).await;

    proxy.terminate();
    let mut readiness = proxy.readiness().await;
    while readiness == Some(200) {
        readiness = proxy.readiness().await;
    }
    assert_eq!(readiness, Some(503), "says so while it drains");
    gate.open();
    let rest = client.rest("POST", vec![], head).await;
    assert!(rest.whole && rest.text().ends_with(DONE), "{rest:?}");

    let status = proxy.exited().await;
    assert_eq!(status.code(), Some(0), "{status}: {}", proxy.diagnostics());
    let log = proxy.log();
    assert_eq!((log.len(), log[0].outcome()), (1, "success"));
}

#[tokio::test]
async fn a_stream_that_outlasts_the_drain_is_cut_and_still_recorded() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, send_gated);
    let mut proxy = Setup::to([upstream.url()]).server("drain = \"200ms\"").start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM).await;
    let head = client.head().await;
    client.body_bytes(token("one").len()).await;
    proxy.terminate();
    assert!(!client.rest("POST", vec![], head).await.whole);
    let status = proxy.exited().await;
    assert_eq!(status.signal(), None, "{status}");
    let log = proxy.log();
    assert_eq!(log.len(), 1, "{log:?}: {}", proxy.diagnostics());
    assert_ne!(log[0].outcome(), "success");
}

#[tokio::test]
async fn an_idle_proxy_stops_at_once_with_its_log_written() {
    let upstream = Upstream::start(serve_well);
    let mut proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    for _ in 0..20 {
        client.post("/v1/chat/completions", &[], br#"{"model":"m"}"#).await;
        client.response().await;
    }
    // A connection that is kept alive is no reason to wait.
    let asked = std::time::Instant::now();
    proxy.terminate();
    let status = proxy.exited().await;
    assert_eq!(status.code(), Some(0), "{status}: {}", proxy.diagnostics());
    assert!(asked.elapsed().as_secs() < 3, "{:?}", asked.elapsed());
    assert_eq!(proxy.log().len(), 20);
}
