//! Streamed answers: byte for byte, at once.

use crate::recordings::recording;
use crate::support::*;
use futures_util::future::join_all;

const ASKED: &str = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;
const NOT_ASKED: &str = r#"{"model":"m","stream":true}"#;

/// Sends the recording in two writes, cut where the header `x-cut` says; the second one
/// when the gate opens.
async fn send_cut(gate: Gate, mut call: Call) -> std::io::Result<After> {
    call.body().await?;
    let bytes = recording().whole().into_bytes();
    let cut: usize = call.head.header("x-cut").unwrap().parse().unwrap();
    call.write([STREAM_HEAD.as_bytes(), &chunk(&bytes[..cut])].concat()).await?;
    gate.pass().await;
    call.write(chunk(&bytes[cut..])).await?;
    call.answer(LAST_CHUNK).await
}

/// What a caller has got for sure once `cut` bytes of the recording are through, if events
/// are passed on when they end and the usage event is left out.
fn passed_on(cut: usize) -> usize {
    let recording = recording();
    let begun = &recording.whole().into_bytes()[..cut];
    let ends = |end: &[u8]| {
        begun.windows(end.len()).rposition(|w| w == end).map_or(0, |at| at + end.len())
    };
    let whole = ends(b"\n\n").max(ends(b"\r\n\r\n"));
    let usage = recording.before.len()..recording.before.len() + recording.usage.len();
    if whole >= usage.end { whole - usage.len() } else { whole.min(usage.start) }
}

#[tokio::test]
async fn every_cut_of_a_stream_leaves_the_same_bytes_when_all_is_passed_on() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, send_cut);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let expected = recording().whole();
    for cut in 1..expected.len() {
        let headers = [("x-cut", &*cut.to_string())];
        client.post("/v1/chat/completions", &headers, ASKED.as_bytes()).await;
        let head = client.head().await;
        let mut seen = client.body_bytes(cut).await;
        assert_eq!(seen.len(), cut, "what came is passed on at once");
        gate.open();
        let rest = client.rest("POST", vec![], head).await;
        seen.extend_from_slice(&rest.body);
        assert!(rest.whole && seen == expected.as_bytes(), "cut at {cut}: {seen:?}");
    }
    let lines = proxy.settled(expected.len() - 1).await;
    assert!(lines.iter().all(|line| line.outcome() == "success"));
    let tokens = |line: &LogLine| (line.count("tokens_in"), line.count("tokens_out"));
    assert!(lines.iter().all(|line| tokens(line) == (PROMPT_TOKENS, COMPLETION_TOKENS)));
}

#[tokio::test]
async fn every_cut_of_a_stream_leaves_the_same_bytes_when_usage_is_left_out() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, send_cut);
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    let expected = recording().without_usage();
    for cut in 1..recording().whole().len() {
        let headers = [("x-cut", &*cut.to_string())];
        client.post("/v1/chat/completions", &headers, NOT_ASKED.as_bytes()).await;
        let head = client.head().await;
        let mut seen = client.body_bytes(passed_on(cut)).await;
        gate.open();
        let rest = client.rest("POST", vec![], head).await;
        seen.extend_from_slice(&rest.body);
        assert!(rest.whole && seen == expected.as_bytes(), "cut at {cut}: {seen:?}");
    }
    let lines = proxy.settled(recording().whole().len() - 1).await;
    assert!(lines.iter().all(|line| line.outcome() == "success"));
    let tokens = |line: &LogLine| (line.count("tokens_in"), line.count("tokens_out"));
    assert!(lines.iter().all(|line| tokens(line) == (PROMPT_TOKENS, COMPLETION_TOKENS)));
}

#[tokio::test]
async fn a_stream_of_one_byte_a_write_arrives_whole() {
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        for byte in recording().whole().into_bytes() {
            // Size, byte and line end on their own, too.
            for piece in [&b"1\r\n"[..], &[byte], b"\r", b"\n"] {
                call.write(piece).await?;
            }
            tokio::task::yield_now().await;
        }
        call.answer(LAST_CHUNK).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let asked = proxy.chat(ASKED).await;
    assert!(asked.whole);
    assert_eq!(asked.text(), recording().whole());
    let not_asked = proxy.chat(NOT_ASKED).await;
    assert_eq!(not_asked.text(), recording().without_usage());
    for line in proxy.settled(2).await {
        assert_eq!((line.outcome(), line.count("tokens_out")), ("success", COMPLETION_TOKENS));
        assert_eq!(line.text("model_answered"), "µ-7b");
    }
}

#[tokio::test]
async fn the_first_event_is_there_before_the_second_is_sent() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        for event in [role(), token("a"), token("b"), finish() + DONE] {
            call.write(chunk(event)).await?;
            gate.pass().await;
        }
        call.answer(LAST_CHUNK).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    for body in [ASKED, NOT_ASKED] {
        let mut client = proxy.client().await;
        client.post("/v1/chat/completions", &[], body.as_bytes()).await;
        let head = client.head().await;
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        assert!(head.is_chunked() && head.length().is_none(), "{head:?}");
        for event in [role(), token("a"), token("b"), finish() + DONE] {
            assert_eq!(client.body_bytes(event.len()).await, event.as_bytes());
            gate.open();
        }
        assert_eq!(client.chunk().await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_head_of_a_stream_is_there_before_its_first_event() {
    let gate = Gate::shut();
    let upstream = Upstream::sharing(&gate, |gate, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        gate.pass().await;
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], NOT_ASKED.as_bytes()).await;
    let head = client.head().await;
    let open = proxy.metrics().await.sum("transom_open_streams", &[("model", "m")]);
    assert_eq!(open, 1.0);
    gate.open();
    assert!(client.rest("POST", vec![], head).await.whole);
    proxy.settled(1).await;
}

#[tokio::test]
async fn headers_of_an_answer_are_passed_on_but_those_of_one_hop() {
    let upstream = Upstream::start(|call| async move {
        let headers = "Content-Type: application/json\r\nX-Custom: one\r\nX-Custom: two\r\n\
                       Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nKeep-Alive: timeout=5\r\n\
                       Connection: X-Private\r\nX-Private: hop\r\nServer: vllm\r\n";
        call.answer(answer(200, headers, &chat_body())).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let response = proxy.chat(r#"{"model":"m"}"#).await;
    assert_eq!(response.head.all("x-custom"), ["one", "two"]);
    assert_eq!(response.head.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(response.header("server"), Some("vllm"));
    assert_eq!((response.header("x-private"), response.header("keep-alive")), (None, None));
}

#[tokio::test]
async fn many_streams_at_once_keep_their_events_apart_and_in_order() {
    const STREAMS: usize = 100;
    let upstream = Upstream::start(|mut call| async move {
        let name = call.head.header("x-name").unwrap().to_owned();
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        for number in 0..20 {
            call.write(chunk(token(&format!("{name}-{number}")))).await?;
            tokio::task::yield_now().await;
        }
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    let streams = (0..STREAMS).map(|name| {
        let proxy = &proxy;
        async move {
            let mut client = proxy.client().await;
            let headers = [("x-name", &*name.to_string())];
            client.post("/v1/chat/completions", &headers, NOT_ASKED.as_bytes()).await;
            let response = client.response().await;
            let events = (0..20).map(|number| token(&format!("{name}-{number}")));
            assert_eq!(response.text(), events.collect::<String>() + &finish() + DONE);
        }
    });
    join_all(streams).await;
    proxy.settled(STREAMS).await;
}

#[tokio::test]
async fn an_event_too_long_to_be_kept_is_passed_on_whole() {
    let long = token(&"x".repeat(3_000_000));
    let upstream = Upstream::sharing(&long, |long, mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(long)).await?;
        call.answer([chunk(finish() + DONE), LAST_CHUNK.into()].concat()).await
    });
    let proxy = Setup::to([upstream.url()]).start().await;
    for body in [ASKED, NOT_ASKED] {
        let response = proxy.chat(body).await;
        assert!(response.whole && response.body.len() == (long.clone() + &finish() + DONE).len());
        assert!(response.text().starts_with(&long) && response.text().ends_with(DONE));
    }
}
