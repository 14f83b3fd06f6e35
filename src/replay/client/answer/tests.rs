//! What answers say.

use super::*;

fn outgoing(operation: Operation) -> Outgoing {
    let body = Bytes::from_static(b"{\"model\":\"m\",\"messages\":[]}");
    let path = http::uri::PathAndQuery::from_static("/v1/chat/completions");
    let (method, headers) = (http::Method::POST, http::HeaderMap::new());
    Outgoing { method, path, headers, body, operation, streamed: true }
}

/// What an answer in these chunks says.
fn said(kind: &'static str, chunks: &[&str], end: BodyEnd) -> Said {
    let mut reader = AnswerReader::new(&outgoing(Operation::Chat), KeepAnswers::Yes);
    let head = http::Response::builder().header(CONTENT_TYPE, kind).body(()).unwrap();
    reader.on_head(&head.into_parts().0);
    for chunk in chunks {
        reader.feed(Bytes::copy_from_slice(chunk.as_bytes()));
    }
    reader.finish(Some(200), end)
}

fn stream(chunks: &[&str], end: BodyEnd) -> Said {
    said("text/event-stream; charset=utf-8", chunks, end)
}

const HELLO: [&str; 4] = [
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"del",
    "ta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n",
];

#[test]
fn a_stream_is_read_whatever_chunks_it_comes_in() {
    let said = stream(&[&HELLO[..], &["data: [DONE]\n\n"]].concat(), BodyEnd::Proper);
    assert_eq!(said.failure, None);
    assert_eq!(said.tokens, Some((5, 2, CountedBy::Target)));
    let answer = said.answer.unwrap();
    assert_eq!((&*answer.text, answer.finish.as_deref()), ("Hello", Some("stop")));
    let document =
        "{\"choices\":[{\"message\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}";
    let document = self::said("application/json", &[document], BodyEnd::Proper);
    assert_eq!(document.tokens, Some((7, 2, CountedBy::Guess)));
    assert_eq!(document.answer, Some(answer), "however it came");
}

#[test]
fn tool_calls_of_a_stream_and_of_a_document_are_the_same() {
    let parts = [
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\"\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}},{\"index\":1,\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
        "data: [DONE]\n\n",
    ];
    let streamed = stream(&parts, BodyEnd::Proper).answer.unwrap();
    let tools = [("f".to_owned(), "{\"x\":1}".to_owned()), ("g".to_owned(), "{}".to_owned())];
    assert_eq!(streamed.tools, tools);
    let document = "{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}},{\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}";
    let plain = said("application/json", &[document], BodyEnd::Proper).answer;
    assert_eq!(plain, Some(streamed));
}

#[test]
fn a_digest_tells_answers_apart_that_the_kept_text_does_not() {
    let long = "é".repeat(40_000);
    let of = |last: &str| {
        let event = |text: &str| {
            format!(
                "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}]}}\n\n"
            )
        };
        stream(&[&event(&long), &event(last)], BodyEnd::Proper).answer.unwrap()
    };
    let (a, b) = (of("x"), of("y"));
    assert_eq!(a.text.len(), 64 * 1024);
    assert_eq!(a.text, b.text);
    assert_ne!(a.digest, b.digest);
}

#[test]
fn ends_are_told_apart() {
    let error = ["data: {\"error\":{\"message\":\"no\"}}\n\n"];
    let cases: [(&[&str], BodyEnd, Option<Failure>); 7] = [
        (&HELLO, BodyEnd::Proper, None),
        (&HELLO, BodyEnd::Broken, Some(Failure::Truncated)),
        (&HELLO[..2], BodyEnd::Proper, Some(Failure::Truncated)),
        (&HELLO[..2], BodyEnd::GivenUp(Failure::Timeout), Some(Failure::Timeout)),
        (&HELLO[..2], BodyEnd::GivenUp(Failure::Cancelled), Some(Failure::Cancelled)),
        (&["data: [DONE]\n\n"], BodyEnd::GivenUp(Failure::Cancelled), None),
        (&error, BodyEnd::Proper, Some(Failure::StreamError)),
    ];
    for (chunks, end, expected) in cases {
        assert_eq!(stream(chunks, end).failure, expected, "{chunks:?} {end:?}");
    }
    let plain = |body, end| said("application/json", &[body], end).failure;
    assert_eq!(plain("{\"choices\":[]}", BodyEnd::Proper), None);
    assert_eq!(plain("{\"choices\":[", BodyEnd::Proper), Some(Failure::Broken));
    assert_eq!(plain("{\"choices\":[]}", BodyEnd::Broken), Some(Failure::Broken));
    assert_eq!(plain("{\"error\":{}}", BodyEnd::Proper), Some(Failure::ServerError));
}

#[test]
fn a_status_counts_before_all_else() {
    let failure = |status, end| {
        AnswerReader::new(&outgoing(Operation::Chat), KeepAnswers::No).finish(status, end).failure
    };
    for (status, expected) in [
        (200, None),
        (302, Some(Failure::ClientError)),
        (400, Some(Failure::ClientError)),
        (429, Some(Failure::RateLimited)),
        (503, Some(Failure::ServerError)),
    ] {
        assert_eq!(failure(Some(status), BodyEnd::Proper), expected, "{status}");
    }
    assert_eq!(failure(None, BodyEnd::Broken), Some(Failure::Broken));
    assert_eq!(failure(None, BodyEnd::GivenUp(Failure::Timeout)), Some(Failure::Timeout));
    assert_eq!(failure(Some(503), BodyEnd::Broken), Some(Failure::ServerError));
}

#[test]
fn embeddings_are_compared_by_their_bytes() {
    let of = |body: &str| {
        let texts = Texts::of_document(Operation::Embeddings, body.as_bytes());
        (texts.bytes(), texts.finish().digest)
    };
    assert_eq!(of("{\"data\":[]}"), of("{\"data\":[]}"));
    assert_ne!(of("{\"data\":[]}").1, of("{\"data\":[1]}").1);
    assert_eq!(of("{}").0, 0);
}
