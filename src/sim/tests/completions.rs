//! Chat and text completions: their shapes, words, counts and limits.

use super::client::{BodyEnd, TestServer, quick};
use super::{CHAT, chat, streamed, with};
use crate::sim::SimSettings;
use serde_json::{Value, json};

#[tokio::test]
async fn a_chat_streams_its_role_then_tokens_then_its_end() {
    let server = TestServer::start(quick()).await;
    let reply = server.post(CHAT, &streamed(chat())).await;
    assert_eq!((reply.status, reply.end), (200, BodyEnd::Whole));
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(reply.data().last(), Some(&"[DONE]"));

    let events = reply.events();
    assert_eq!(events.len(), 1 + 8 + 1);
    assert_eq!(events[0]["choices"][0]["delta"], json!({ "role": "assistant", "content": "" }));
    let last = &events[9]["choices"][0];
    assert_eq!((&last["delta"], &last["finish_reason"]), (&json!({}), &json!("stop")));
    for event in &events {
        assert_eq!(event["object"], "chat.completion.chunk");
        assert_eq!((&event["id"], &event["model"]), (&events[0]["id"], &json!("sim-small")));
        assert_eq!(event.get("usage"), None);
    }
    assert!(events[..9].iter().all(|event| event["choices"][0]["finish_reason"].is_null()));
}

#[tokio::test]
async fn usage_ends_a_stream_that_asks_for_it_and_is_null_before() {
    let server = TestServer::start(quick()).await;
    let ask = with(streamed(chat()), "stream_options", json!({ "include_usage": true }));
    let mut events = server.post(CHAT, &ask).await.events();
    let last = events.pop().unwrap();
    assert_eq!(last["choices"], json!([]));
    let usage = json!({ "prompt_tokens": 6, "completion_tokens": 8, "total_tokens": 14 });
    assert_eq!(last["usage"], usage);
    assert!(events.iter().all(|event| event.get("usage") == Some(&Value::Null)));
}

#[tokio::test]
async fn a_whole_answer_has_the_words_and_counts_of_the_streamed_one() {
    let server = TestServer::start(quick()).await;
    let whole = server.post(CHAT, &chat()).await;
    assert_eq!(whole.header("content-type"), Some("application/json"));
    let whole = whole.json();
    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(text.split_whitespace().count(), 8);
    assert_eq!(whole["usage"]["completion_tokens"], 8);

    let tokens = server.post(CHAT, &streamed(chat())).await.tokens();
    assert_eq!(tokens.len(), 8);
    assert_eq!(tokens.concat(), text);
}

#[tokio::test]
async fn a_text_completion_has_its_own_shape() {
    let server = TestServer::start(quick()).await;
    let ask = json!({ "model": "sim-small", "prompt": "Once upon a time" });
    let whole = server.post("/v1/completions", &ask).await.json();
    assert_eq!(whole["object"], "text_completion");
    assert_eq!(whole["usage"]["prompt_tokens"], 4);

    let reply = server.post("/v1/completions", &streamed(ask)).await;
    assert_eq!(reply.tokens().concat(), whole["choices"][0]["text"].as_str().unwrap());
    let events = reply.events();
    assert_eq!(events.len(), 8 + 1);
    assert_eq!(events[8]["choices"][0]["text"], "");
    assert_eq!(events[8]["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn token_ids_count_themselves() {
    let server = TestServer::start(quick()).await;
    for prompt in [json!([5, 6, 7]), json!([[5, 6, 7]])] {
        let ask = json!({ "model": "sim-small", "prompt": prompt });
        let usage = server.post("/v1/completions", &ask).await.json()["usage"].clone();
        assert_eq!(usage["prompt_tokens"], 3);
    }
}

#[tokio::test]
async fn a_limit_cuts_the_answer_and_says_so() {
    let server = TestServer::start(quick()).await;
    for field in ["max_tokens", "max_completion_tokens"] {
        let cut = server.post(CHAT, &with(chat(), field, 3)).await.json();
        assert_eq!(cut["choices"][0]["finish_reason"], "length");
        assert_eq!(cut["usage"]["completion_tokens"], 3);
        let reply = server.post(CHAT, &streamed(with(chat(), field, 3))).await;
        assert_eq!(reply.tokens().len(), 3);
        assert_eq!(reply.events()[4]["choices"][0]["finish_reason"], "length");
        let uncut = server.post(CHAT, &with(chat(), field, 8)).await.json();
        assert_eq!(uncut["choices"][0]["finish_reason"], "stop");
    }
}

#[tokio::test]
async fn a_seed_settles_the_answer_whatever_else_the_request_says() {
    let varied = |seed| SimSettings { tokens: "5..500".parse().unwrap(), seed, ..quick() };
    let (first, same) = (TestServer::start(varied(1)).await, TestServer::start(varied(1)).await);
    let other = TestServer::start(varied(2)).await;
    let words = async |server: &TestServer, ask: Value| {
        server.post(CHAT, &streamed(ask)).await.tokens().concat()
    };

    let answer = words(&first, chat()).await;
    assert_eq!(words(&first, chat()).await, answer, "asked again");
    assert_eq!(words(&same, with(chat(), "temperature", 1.5)).await, answer, "asked elsewhere");
    assert_ne!(words(&other, chat()).await, answer, "another seed");
    let model = with(chat(), "model", "org/sim-large");
    assert_ne!(words(&first, model).await, answer, "another model");
}

#[tokio::test]
async fn headers_set_length_and_latency_for_one_request() {
    let server = TestServer::start(quick()).await;
    let slow = [("x-sim-ttft-ms", "30"), ("x-sim-itl-ms", "10"), ("x-sim-tokens", "4")];
    for ask in [chat(), streamed(chat())] {
        let started = std::time::Instant::now();
        let reply = server.post_with(CHAT, &slow, &ask).await;
        assert!(started.elapsed().as_millis() >= 60, "{:?}", started.elapsed());
        assert_eq!(reply.status, 200);
    }
    assert_eq!(server.figures("chat", |_| true).await["tokens_out"], 4 + 4);
}

#[tokio::test]
async fn the_role_comes_before_the_first_token_is_due() {
    let server = TestServer::start(quick()).await;
    let hour = [("x-sim-ttft-ms", "3600000")];
    let request = super::client::post(CHAT, &hour, &streamed(chat()).to_string());
    let mut stream = server.open(&request).await;
    super::client::read_until(&mut stream, r#""role":"assistant""#).await;
}
