//! Recorded requests, made ready.

use super::*;
use crate::capture::{CallNote, CallerNote, Message, Shape, Times};
use std::collections::BTreeMap;

pub(crate) fn exchange(path: &str, body: Content) -> Exchange {
    let call = CallNote { method: Method::POST, path: path.to_owned(), ..CallNote::default() };
    Exchange {
        request_id: None,
        trace_id: None,
        session: None,
        caller: CallerNote::default(),
        call,
        request: Message { headers: HeaderMap::new(), body },
        answer: None,
        attempts: Vec::new(),
        times: Times::default(),
        usage: None,
        cost: None,
        outcome: None,
        error: None,
        cache: None,
        redactions: BTreeMap::new(),
    }
}

const CHAT: &str = "/v1/chat/completions";

fn whole(body: &'static str) -> Content {
    Content::Whole(Bytes::from_static(body.as_bytes()))
}

fn made(exchange: &Exchange, options: &RequestOptions) -> Result<Outgoing, NotReplayable> {
    prepare(exchange, options, &|_| Ok(Bytes::from_static(b"{\"model\":\"made up\"}")))
}

#[test]
fn a_body_goes_as_it_was_but_for_what_the_operator_asks() {
    let body = "{\"model\":\"a\", \"stream\":true,\"messages\":[]}";
    let exchange = exchange(CHAT, whole(body));
    let plain = made(&exchange, &RequestOptions::default()).unwrap();
    assert_eq!(plain.body, body);
    assert!(plain.streamed);
    assert_eq!(plain.operation, Operation::Chat);
    let options = RequestOptions { model: Some("b\"c".into()), ask_usage: AskUsage::Yes };
    let changed = made(&exchange, &options).unwrap();
    let expected = "{\"stream_options\":{\"include_usage\":true},\"model\":\"b\\\"c\", \"stream\":true,\"messages\":[]}";
    assert_eq!(changed.body, expected);
}

#[test]
fn what_cannot_be_sent_truly_is_refused() {
    let cut = Content::Cut { kept: Bytes::new(), length: 9, digest: [0; 32] };
    let no_change = RequestOptions::default();
    let refused = |exchange: &Exchange, options| made(exchange, options).unwrap_err();
    assert_eq!(refused(&exchange(CHAT, cut), &no_change), NotReplayable::Cut);
    assert_eq!(refused(&exchange(CHAT, Content::Unknown), &no_change), NotReplayable::NoBody);
    assert_eq!(refused(&exchange("no path", whole("{}")), &no_change), NotReplayable::Path);
    let mut deletes = exchange("/v1/files/1", whole(""));
    deletes.call.method = Method::DELETE;
    assert_eq!(refused(&deletes, &no_change), NotReplayable::Method(Method::DELETE));
    let renamed = RequestOptions { model: Some("b".into()), ..RequestOptions::default() };
    assert!(matches!(refused(&exchange(CHAT, whole("{}")), &renamed), NotReplayable::Model(_)));
    assert_eq!(made(&exchange(CHAT, whole("no JSON")), &no_change).unwrap().body, "no JSON");
}

#[test]
fn a_shape_is_composed_and_then_changed_as_any_body() {
    let exchange = exchange(CHAT, Content::Shape(Box::<Shape>::default()));
    let renamed = RequestOptions { model: Some("b".into()), ..RequestOptions::default() };
    assert_eq!(made(&exchange, &renamed).unwrap().body, "{\"model\":\"b\"}");
}

#[test]
fn headers_that_belong_to_a_sender_or_a_moment_stay_behind() {
    let mut exchange = exchange(CHAT, whole("{}"));
    let names = ["authorization", "cookie", "x-api-key", "traceparent", "x-request-id", "host"];
    for name in names.into_iter().chain(["accept-encoding", "x-transom-replay", "connection"]) {
        exchange.request.headers.insert(name, HeaderValue::from_static("canary"));
    }
    let kept = [("openai-beta", "a=b"), ("x-session-id", "s"), ("content-type", "text/json")];
    for (name, value) in kept {
        exchange.request.headers.insert(name, HeaderValue::from_static(value));
    }
    let outgoing = made(&exchange, &RequestOptions::default()).unwrap();
    assert!(outgoing.headers.values().all(|value| value != "canary"), "{:?}", outgoing.headers);
    for (name, value) in kept {
        assert_eq!(outgoing.headers[name], value);
    }
    assert_eq!(outgoing.headers[USER_AGENT], AGENT);
    exchange.request.headers.clear();
    let outgoing = made(&exchange, &RequestOptions::default()).unwrap();
    assert_eq!(outgoing.headers[CONTENT_TYPE], "application/json");
}

#[test]
fn a_get_has_no_body() {
    let mut models = exchange("/v1/models", Content::Unknown);
    models.call.method = Method::GET;
    let outgoing = made(&models, &RequestOptions::default()).unwrap();
    assert!(outgoing.body.is_empty() && !outgoing.headers.contains_key(CONTENT_TYPE));
    assert_eq!(outgoing.operation, Operation::Models);
}
