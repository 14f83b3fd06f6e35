//! What machines ask the admin listener for: exposition formats, exemplars, the level of
//! logs, profiles.

use crate::support::*;

const CHAT: &str = r#"{"model":"m","stream":true}"#;
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";

async fn admin(proxy: &Proxy, method: &str, path: &str, accept: &str) -> Response {
    let mut client = Client::admin(proxy.admin).await;
    client.request(method, path, &[("Accept", accept), ("Connection", "close")]).await;
    client.response_to(method).await
}

#[tokio::test]
async fn exemplars_lead_to_kept_traces_and_go_out_in_openmetrics_only() {
    let (upstream, collector) = (Upstream::start(serve_well), Collector::start());
    let proxy = Setup::to([upstream.url()]).tables(&collector.table("")).start().await;
    let trace_id = proxy.chat(CHAT).await.trace_id().to_owned();
    collector.trace(&trace_id, 2).await;

    let open = admin(&proxy, "GET", "/metrics", OPEN_METRICS).await;
    assert!(open.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(open.text().ends_with("# EOF\n"));
    let exemplar = format!("# {{trace_id=\"{trace_id}\"");
    let first_token = open
        .text()
        .lines()
        .find(|line| {
            line.starts_with("gen_ai_server_time_to_first_token_seconds_bucket")
                && line.contains(&exemplar)
        })
        .unwrap_or_else(|| panic!("no exemplar in {}", open.text()));
    assert!(first_token.contains("gen_ai_request_model=\"m\""), "{first_token}");

    let plain = admin(&proxy, "GET", "/metrics", "text/plain").await;
    assert!(plain.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(!plain.text().contains(&trace_id) && !plain.text().contains("# EOF"));
}

#[tokio::test]
async fn without_a_receiver_there_are_no_exemplars() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    proxy.chat(CHAT).await;
    proxy.settled(1).await;
    let open = admin(&proxy, "GET", "/metrics", OPEN_METRICS).await;
    assert!(!open.text().contains("trace_id"));
}

#[tokio::test]
async fn the_level_of_logs_can_be_changed_while_it_runs() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let put = async |body: &str, kind: &str| {
        let mut client = Client::admin(proxy.admin).await;
        let headers = format!(
            "PUT /api/v1/log HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.send(headers).await;
        client.response_to("PUT").await
    };
    assert_eq!(proxy.admin_get("/api/v1/log").await.json()["level"], "info");
    assert_eq!(put(r#"{"level":"warn"}"#, "application/json").await.json()["level"], "warn");
    proxy.chat(CHAT).await;
    proxy.metrics_when("counted", |m| m.sum("transom_requests_total", &[]) == 1.0).await;
    assert_eq!(put(r#"{"level":"info"}"#, "application/json").await.status, 200);
    let second = proxy.chat(CHAT).await;
    // Were the first one's line still to come, it would come first.
    until("a line", || !proxy.log().is_empty()).await;
    assert_eq!(proxy.log()[0].text("trace_id"), second.trace_id());
    // A page of another site can only send a form.
    assert_eq!(put(r#"{"level":"error"}"#, "text/plain").await.status, 415);
    assert_eq!(put(r#"{"level":"loud"}"#, "application/json").await.status, 400);
}

#[tokio::test]
async fn a_profile_of_the_processor_comes_as_pprof() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let profile = proxy.admin_get("/debug/pprof/profile?seconds=1").await;
    assert_eq!(profile.status, 200);
    assert!(!profile.body.is_empty());
    assert_eq!(proxy.admin_get("/debug/pprof/profile?seconds=0").await.status, 400);
}

#[tokio::test]
async fn nothing_is_recorded_when_recording_is_off() {
    let upstream = Upstream::start(serve_well);
    let home = Home::new();
    let file = Setup::to([upstream.url()]).file(0, 0);
    home.write("transom.toml", &file);
    let proxy = Proxy::run(home, &["--config", "transom.toml", "--no-telemetry"], &[]).await;
    let response = proxy.chat(CHAT).await;
    assert_eq!(response.status, 200);
    response.trace_id();
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("transom_requests_total", &[]), 0.0);
    assert_eq!(metrics.sum("transom_in_flight_requests", &[]), 0.0);
    assert!(proxy.log().is_empty());
}
