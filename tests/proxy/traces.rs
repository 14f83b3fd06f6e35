//! Spans as an OTLP receiver gets them.

use crate::support::*;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const STREAM: &str = r#"{"model":"m","stream":true}"#;

/// The server's span and those of attempts.
fn tree(spans: &[Span]) -> (&Span, Vec<&Span>) {
    let of = |kind: SpanKind| spans.iter().filter(move |span| span.kind == kind as i32);
    let servers: Vec<&Span> = of(SpanKind::Server).collect();
    assert_eq!(servers.len(), 1, "{spans:?}");
    let clients: Vec<&Span> = of(SpanKind::Client).collect();
    assert_eq!(clients.len() + 1, spans.len(), "{spans:?}");
    for client in &clients {
        assert_eq!(client.parent_span_id, servers[0].span_id);
        assert!(client.start_time_unix_nano >= servers[0].start_time_unix_nano);
        assert!(client.end_time_unix_nano <= servers[0].end_time_unix_nano);
    }
    (servers[0], clients)
}

#[tokio::test]
async fn a_request_is_a_tree_whose_attempt_is_the_upstream_s_parent() {
    let (upstream, collector) = (Upstream::start(serve_well), Collector::start());
    let proxy = Setup::to([upstream.url()]).tables(&collector.table("")).start().await;
    let mut client = proxy.client().await;
    let incoming = format!("00-{TRACE}-{PARENT}-01");
    client.post("/v1/chat/completions", &[("traceparent", &incoming)], STREAM.as_bytes()).await;
    client.response().await;
    let spans = collector.trace(TRACE, 2).await;
    let (server, attempts) = tree(&spans);
    assert_eq!(server.name, "POST /v1/chat/completions");
    assert_eq!(hex(&server.parent_span_id), PARENT);
    assert_eq!(hex(&server.span_id), proxy.only_line().await.text("span_id"));
    let [attempt] = attempts.as_slice() else { panic!("{attempts:?}") };
    assert_eq!(attempt.name, "chat m");
    let head = upstream.only_request().head;
    let sent = head.header("traceparent").unwrap();
    assert!(sent.contains(&hex(&attempt.span_id)), "{sent}");
    for (key, value) in [
        ("http.route", "/v1/chat/completions"),
        ("http.response.status_code", "200"),
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "m"),
        ("gen_ai.response.model", "served-model"),
        ("transom.outcome", "success"),
    ] {
        assert_eq!(attribute(&server.attributes, key), value, "{key}");
    }
    let events: Vec<&str> = server.events.iter().map(|event| event.name.as_str()).collect();
    assert!(events.contains(&"gen_ai.first_token"), "{events:?}");
}

#[tokio::test]
async fn a_caller_that_is_not_trusted_begins_a_new_trace_with_a_link() {
    let (upstream, collector) = (Upstream::start(serve_well), Collector::start());
    let tables = collector.table("trust = [\"10.0.0.0/8\"]");
    let proxy = Setup::to([upstream.url()]).tables(&tables).start().await;
    let mut client = proxy.client().await;
    let incoming = format!("00-{TRACE}-{PARENT}-01");
    let headers = [("traceparent", &*incoming), ("tracestate", "a=b"), ("X-Trace-ID", TRACE)];
    client.post("/v1/chat/completions", &headers, STREAM.as_bytes()).await;
    let response = client.response().await;
    assert_ne!(response.trace_id(), TRACE);
    assert_eq!(upstream.only_request().head.header("tracestate"), None);
    let spans = collector.trace(response.trace_id(), 2).await;
    let (server, _) = tree(&spans);
    assert!(server.parent_span_id.is_empty(), "{server:?}");
    let [link] = server.links.as_slice() else { panic!("{server:?}") };
    assert_eq!((hex(&link.trace_id), hex(&link.span_id)), (TRACE.into(), PARENT.into()));
}

#[tokio::test]
async fn each_attempt_has_a_span_and_a_failure_is_always_kept() {
    let (upstream, away) = (Upstream::start(serve_well), Refusing::new());
    let collector = Collector::start();
    let sparse =
        "target_traces_per_minute = 0\nfloor = { low = \"0%\", medium = \"0%\", high = \"0%\" }";
    let proxy = Setup::to([away.url()])
        .upstream("away", [away.url(), upstream.url()])
        .with("balance = \"round_robin\"")
        .models(
            "[[model]]\nname = \"m\"\ntargets = [{ upstream = \"u\" }]\n\
             [[model]]\nname = \"twice\"\ntargets = [{ upstream = \"away\" }]\n",
        )
        .tables(&collector.table(sparse))
        .start()
        .await;
    let failed = proxy.chat(r#"{"model":"m"}"#).await;
    assert_eq!(failed.status, 502);
    let spans = collector.trace(failed.trace_id(), 2).await;
    let (server, attempts) = tree(&spans);
    assert_eq!(attribute(&server.attributes, "error.type"), "connect_refused");
    assert_eq!(attribute(&attempts[0].attributes, "error.type"), "connect_refused");

    let mut retried = Vec::new();
    for _ in 0..4 {
        let response = proxy.chat(r#"{"model":"twice"}"#).await;
        assert_eq!(response.status, 200);
        retried.push(response.trace_id().to_owned());
    }
    let lines = proxy.settled(5).await;
    let twice: Vec<_> = lines.iter().filter(|line| line.count("attempts") == 2).collect();
    assert!(!twice.is_empty(), "{lines:?}");
    for line in &twice {
        let spans = collector.trace(line.text("trace_id"), 3).await;
        let (_, attempts) = tree(&spans);
        assert_eq!(attempts.len(), 2);
    }
    // Those without a second attempt were unremarkable, but may be the first of their kind.
    let kept = collector.spans();
    assert!(kept.iter().all(|span| !attribute(&span.attributes, "transom.outcome").is_empty()
        || span.kind == SpanKind::Client as i32));
}

#[tokio::test]
async fn baggage_stays_with_one_s_own_hosts() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[("baggage", "user=ada")], STREAM.as_bytes()).await;
    client.response().await;
    assert_eq!(upstream.only_request().head.header("baggage"), Some("user=ada"));
}

#[tokio::test]
async fn a_collector_that_hangs_moves_nothing() {
    let (upstream, hanging) = (Upstream::start(serve_well), Upstream::start(Call::until_closed));
    let table = format!("[tracing]\notlp = \"{}\"\n", hanging.url());
    let mut proxy = Setup::to([upstream.url()]).tables(&table).start().await;
    let mut client = proxy.client().await;
    for _ in 0..200 {
        client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
        assert_eq!(client.response().await.status, 200);
    }
    assert_eq!(proxy.settled(200).await.len(), 200);
    proxy.terminate();
    assert!(proxy.exited().await.success());
}
