//! Answers that begin well and end badly: the caller can tell, and so can the operator.

use crate::support::*;

const STREAM: &str = r#"{"model":"m","stream":true}"#;

/// Begins a stream with two events.
async fn begin(call: &mut Call) -> std::io::Result<()> {
    call.body().await?;
    call.write(STREAM_HEAD).await?;
    call.write(chunk(role())).await?;
    call.write(chunk(token("one"))).await
}

/// What the caller must see of a stream that was cut: the events as sent, an error event,
/// no terminator and no proper end.
fn assert_cut(response: &Response, code: &str) {
    assert_eq!(response.status, 200);
    assert!(!response.whole, "a proper end would be a lie: {response:?}");
    let text = response.text();
    let rest = text.strip_prefix(&(role() + &token("one"))).unwrap_or_else(|| panic!("{text}"));
    assert!(!text.contains("[DONE]"), "{text}");
    let event = rest.trim_start_matches('\n').strip_prefix("data: ").expect("an error event");
    let event: serde_json::Value = serde_json::from_str(event.trim_end()).expect("JSON");
    assert_eq!(event["error"]["code"], code, "{text}");
    assert_eq!(event["error"]["trace_id"], response.trace_id());
}

#[tokio::test]
async fn a_stream_cut_by_the_upstream_ends_with_an_error_event() {
    let upstream = Upstream::start(|mut call| async move {
        begin(&mut call).await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    assert_cut(&proxy.chat(STREAM).await, "stream_truncated");
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("stream_truncated", "stream_truncated"));
    assert_eq!(line.number("status"), 200.0);
    assert_eq!(upstream.count(), 1, "never repeated after a byte has gone out");
}

#[tokio::test]
async fn a_stream_cut_within_an_event_still_ends_with_an_event_of_its_own() {
    for asked in ["false", "true"] {
        let upstream = Upstream::start(|mut call| async move {
            begin(&mut call).await?;
            call.write(chunk("data: {\"choices\":[{\"del")).await?;
            call.close()
        });
        let proxy = Setup::to([upstream.url()]).start().await;
        let body = format!(
            r#"{{"model":"m","stream":true,"stream_options":{{"include_usage":{asked}}}}}"#
        );
        let response = proxy.chat(&body).await;
        let last = response.text().trim_end().rsplit("\n\n").next().unwrap();
        assert!(last.starts_with("data: {\"error\":"), "{}", response.text());
        assert!(!response.whole);
        assert_eq!(proxy.only_line().await.outcome(), "stream_truncated");
    }
}

#[tokio::test]
async fn a_stream_reset_by_the_upstream_is_truncated_too() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        begin(&mut call).await?;
        gate.pass().await;
        call.reset()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    let head = client.head().await;
    // A reset may overtake what was not read yet; these two events were.
    let mut seen = client.body_bytes(role().len() + token("one").len()).await;
    gate.open();
    let mut response = client.rest("POST", vec![], head).await;
    seen.append(&mut response.body);
    response.body = seen;
    assert_cut(&response, "stream_truncated");
    assert_eq!(proxy.only_line().await.outcome(), "stream_truncated");
}

#[tokio::test]
async fn a_stream_that_ends_politely_without_its_terminator_is_truncated() {
    let upstream = Upstream::start(|mut call| async move {
        begin(&mut call).await?;
        call.answer(LAST_CHUNK).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    assert_cut(&proxy.chat(STREAM).await, "stream_truncated");
    assert_eq!(proxy.only_line().await.outcome(), "stream_truncated");
}

#[tokio::test]
async fn a_finish_reason_and_a_proper_end_make_a_whole_stream() {
    let upstream = Upstream::start(|mut call| async move {
        begin(&mut call).await?;
        call.write(chunk(finish())).await?;
        call.answer(LAST_CHUNK).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(STREAM).await;
    assert!(response.whole && response.text().ends_with(&finish()), "{response:?}");
    assert_eq!(proxy.only_line().await.outcome(), "success");
}

#[tokio::test]
async fn an_error_event_within_a_stream_is_passed_on_and_counted() {
    let error = "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n";
    let upstream = Upstream::start(move |mut call| async move {
        begin(&mut call).await?;
        call.write(chunk(error)).await?;
        call.answer([chunk(DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(STREAM).await;
    assert_eq!(response.text(), role() + &token("one") + error + DONE, "as sent, nothing added");
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("stream_error_event", "stream_error_event"));
    assert_eq!(line.number("status"), 200.0);
}

#[tokio::test]
async fn chunks_that_break_http_are_a_decode_error() {
    for garbage in ["zz\r\nabc\r\n", "-5\r\n", "3\r\nabcdef\r\n", "ffffffffffffffffff\r\n"] {
        let upstream = Upstream::start(move |mut call| async move {
            begin(&mut call).await?;
            call.write(garbage).await?;
            call.until_closed().await
        });
        let proxy = Setup::to([upstream.url()]).start().await;
        let response = proxy.chat(STREAM).await;
        assert!(!response.whole && !response.text().contains("[DONE]"), "{garbage:?}");
        upstream.saw_closed(1).await;
        let line = proxy.only_line().await;
        let ended = (line.outcome(), line.error_type());
        assert_eq!(ended, ("upstream_error", "decode_error"), "{garbage:?}");
    }
}

#[tokio::test]
async fn heads_that_break_http_are_a_bad_gateway() {
    let heads = [
        "garbage\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    ];
    for head in heads {
        let upstream = Upstream::start(move |mut call| async move {
            call.body().await?;
            call.write(head).await?;
            call.until_closed().await
        });
        let proxy = Setup::to([upstream.url()]).start().await;
        let response = proxy.chat(STREAM).await;
        assert_eq!(response.status, 502, "{head:?}");
        assert_eq!(response.openai_error()["code"], "decode_error", "{head:?}");
        upstream.saw_closed(1).await;
        assert_eq!(proxy.only_line().await.error_type(), "decode_error", "{head:?}");
    }
}

#[tokio::test]
async fn a_plain_answer_that_is_shorter_than_promised_is_not_made_to_look_whole() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
        )
        .await?;
        call.close()
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(r#"{"model":"m"}"#).await;
    assert_eq!((response.status, response.whole, response.text()), (200, false, "{"));
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.number("status")), ("stream_truncated", 200.0));
}

#[tokio::test]
async fn a_client_that_leaves_within_a_stream_closes_the_upstream() {
    let upstream = Upstream::start(|mut call| async move {
        begin(&mut call).await?;
        call.until_closed().await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    client.head().await;
    client.body_bytes(role().len()).await;
    drop(client);
    upstream.saw_closed(1).await;
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.number("status")), ("client_cancelled", 499.0));
    let metrics = proxy.metrics().await;
    assert_eq!(metrics.sum("transom_open_streams", &[]), 0.0);
    assert_eq!(metrics.sum("request_errors_total", &[]), 0.0);
}

#[tokio::test]
async fn a_broken_stream_does_not_touch_its_neighbour() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        begin(&mut call).await?;
        if call.number == 1 {
            return call.close();
        }
        gate.pass().await;
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut neighbour = proxy.client().await;
    neighbour.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    upstream.got(1).await;
    assert_cut(&proxy.chat(STREAM).await, "stream_truncated");
    gate.open();
    let response = neighbour.response().await;
    assert!(response.whole && response.text().ends_with(DONE), "{response:?}");
    proxy.settled(2).await;
}
