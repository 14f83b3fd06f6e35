//! Which trace a request belongs to, on both sides and in every answer.

use crate::support::*;

const CHAT: &[u8] = br#"{"model":"m"}"#;
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

struct Seen {
    response: Response,
    upstream: Head,
    line: LogLine,
}

/// A chat with these headers, as seen from all sides.
async fn chat_with(headers: &[(&str, &str)]) -> Seen {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", headers, CHAT).await;
    let response = client.response().await;
    assert_eq!(response.status, 200);
    let line = proxy.only_line().await;
    assert_eq!(line.text("trace_id"), response.trace_id());
    assert_eq!(line.text("request_id"), response.header("x-request-id").unwrap());
    let head = upstream.only_request().head;
    assert_eq!(head.header("x-trace-id"), response.header("x-trace-id"));
    assert_eq!(head.header("x-request-id"), response.header("x-request-id"));
    Seen { response, upstream: head, line }
}

/// Trace and parent of the only `traceparent`.
fn traceparent(head: &Head) -> (String, String) {
    let all = head.all("traceparent");
    assert_eq!(all.len(), 1, "{head:?}");
    let fields: Vec<_> = all[0].split('-').collect();
    assert_eq!((fields.len(), fields[0], fields[2].len()), (4, "00", 16), "{all:?}");
    (fields[1].to_owned(), fields[2].to_owned())
}

#[tokio::test]
async fn a_trace_is_continued_and_the_upstream_gets_a_parent_of_its_own() {
    let incoming = format!("00-{TRACE}-{PARENT}-01");
    let headers = [("traceparent", &*incoming), ("tracestate", "vendor=a,other=b")];
    let seen = chat_with(&headers).await;
    assert_eq!(seen.response.trace_id(), TRACE);
    let (trace, parent) = traceparent(&seen.upstream);
    assert_eq!(trace, TRACE);
    assert!(parent != PARENT && parent != seen.line.text("span_id"), "the attempt's own span");
    assert!(seen.upstream.header("traceparent").unwrap().ends_with("-01"), "still sampled");
    assert_eq!(seen.upstream.all("tracestate"), ["vendor=a,other=b"]);
}

#[tokio::test]
async fn an_invalid_trace_is_replaced_and_its_state_dropped() {
    let invalid = [
        format!("00-{}-{PARENT}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("ff-{TRACE}-{PARENT}-01"),
        format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{PARENT}"),
        format!("00-{TRACE}-{PARENT}-01-more"),
        format!("00-{}-{PARENT}-01", &TRACE[1..]),
        "nonsense".to_owned(),
    ];
    for incoming in &invalid {
        let seen = chat_with(&[("traceparent", incoming), ("tracestate", "vendor=a")]).await;
        assert_ne!(seen.response.trace_id().to_lowercase(), TRACE, "{incoming}");
        assert_eq!(traceparent(&seen.upstream).0, seen.response.trace_id(), "{incoming}");
        assert_eq!(seen.upstream.header("tracestate"), None, "{incoming}");
    }
}

#[tokio::test]
async fn two_traces_are_none() {
    let one = format!("00-{TRACE}-{PARENT}-01");
    let two = format!("00-{}-{PARENT}-01", TRACE.replace('4', "5"));
    let seen = chat_with(&[("traceparent", &one), ("traceparent", &two)]).await;
    assert!(!one.contains(seen.response.trace_id()) && !two.contains(seen.response.trace_id()));
    traceparent(&seen.upstream);
}

#[tokio::test]
async fn a_later_version_is_read_as_far_as_it_is_known() {
    let incoming = format!("cc-{TRACE}-{PARENT}-01-what-is-to-come");
    let seen = chat_with(&[("traceparent", &incoming)]).await;
    assert_eq!(traceparent(&seen.upstream).0, TRACE);
}

#[tokio::test]
async fn ids_of_the_caller_are_kept_when_they_are_well_formed() {
    let uuid = "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736";
    for given in [TRACE, uuid] {
        let seen = chat_with(&[("X-Trace-ID", given), ("X-Request-ID", "job-7:a/b=c+d.e_f")]).await;
        assert_eq!(seen.response.trace_id(), TRACE);
        assert_eq!(seen.response.header("x-request-id"), Some("job-7:a/b=c+d.e_f"));
        assert_eq!(traceparent(&seen.upstream).0, TRACE);
    }
}

#[tokio::test]
async fn a_traceparent_outranks_an_x_trace_id() {
    let incoming = format!("00-{TRACE}-{PARENT}-00");
    let other = "a".repeat(32);
    let seen = chat_with(&[("X-Trace-ID", &other), ("traceparent", &incoming)]).await;
    assert_eq!(seen.response.trace_id(), TRACE);
}

#[tokio::test]
async fn ids_of_the_caller_are_replaced_when_they_could_do_harm() {
    let long = "x".repeat(129);
    for bad in ["a b", "<script>", "\"quoted\"", &*long, "caf\u{e9}", ""] {
        let seen = chat_with(&[("X-Request-ID", bad), ("X-Trace-ID", bad)]).await;
        let id = seen.response.header("x-request-id").unwrap();
        assert!(id != bad && id.len() > 8, "{bad}: {id}");
        assert_eq!(seen.response.head.all("x-request-id").len(), 1);
    }
}

#[tokio::test]
async fn every_request_gets_ids_of_its_own() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        client.post("/v1/chat/completions", &[], CHAT).await;
        let response = client.response().await;
        assert!(seen.insert(response.trace_id().to_owned()));
        assert!(seen.insert(response.header("x-request-id").unwrap().to_owned()));
    }
}

#[tokio::test]
async fn the_upstreams_own_request_id_is_kept_under_another_name() {
    let upstream = Upstream::start(|call| async move {
        let headers =
            "Content-Type: application/json\r\nX-Request-ID: theirs\r\nX-Trace-ID: theirs\r\n";
        call.answer(answer(200, headers, &chat_body())).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    for response in [proxy.chat(r#"{"model":"m"}"#).await, proxy.get("/other").await] {
        assert_eq!(response.header("x-upstream-request-id"), Some("theirs"));
        assert_eq!(response.head.all("x-request-id").len(), 1);
        assert_eq!(response.head.all("x-trace-id"), [response.trace_id()]);
    }
}

#[tokio::test]
async fn what_passes_through_is_traced_too() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let incoming = format!("00-{TRACE}-{PARENT}-01");
    client.request("GET", "/other", &[("traceparent", &incoming)]).await;
    assert_eq!(client.response_to("GET").await.trace_id(), TRACE);
    let (trace, parent) = traceparent(&upstream.only_request().head);
    assert!(trace == TRACE && parent != PARENT);
    assert_eq!(proxy.only_line().await.text("trace_id"), TRACE);
}

#[tokio::test]
async fn headers_that_only_we_may_set_are_taken_off() {
    let seen = chat_with(&[("X-Transom-Cache", "off"), ("X-Transom-Anything", "1")]).await;
    assert!(!format!("{:?}", seen.upstream).to_lowercase().contains("x-transom-"));
}
