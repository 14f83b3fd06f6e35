//! What a well-behaved backend says, in bytes.
//!
//! Must not know: connections.

use super::upstream::{After, Call};
use serde_json::{Value, json};
use std::io::Result;

/// Tokens that every answer here reports.
pub const PROMPT_TOKENS: u64 = 7;
/// Tokens that every answer here reports.
pub const COMPLETION_TOKENS: u64 = 3;

/// The head of a streamed answer.
pub const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
     Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
/// The end of a chunked body.
pub const LAST_CHUNK: &str = "0\r\n\r\n";
/// OpenAI's terminator.
pub const DONE: &str = "data: [DONE]\n\n";

/// A whole answer with a length.
pub fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Word\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// A whole JSON answer.
pub fn json_answer(status: u16, body: &str) -> String {
    answer(status, "Content-Type: application/json\r\n", body)
}

/// The body of a plain chat answer.
pub fn chat_body() -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "served-model",
        "choices": [{ "index": 0, "finish_reason": "stop",
                      "message": { "role": "assistant", "content": "Hello, world" } }],
        "usage": usage(),
    })
    .to_string()
}

/// A plain chat answer.
pub fn chat_answer() -> String {
    json_answer(200, &chat_body())
}

/// `bytes` as one chunk of the chunked coding.
pub fn chunk(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The first event of a stream: a role and nothing said.
pub fn role() -> String {
    event(json!({ "role": "assistant", "content": "" }), None)
}

/// An event with generated text.
pub fn token(text: &str) -> String {
    event(json!({ "content": text }), None)
}

/// The event with the finish reason.
pub fn finish() -> String {
    event(json!({}), Some("stop"))
}

/// The event with usage and no choice.
pub fn usage_event() -> String {
    let event = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
        "model": "served-model", "choices": [], "usage": usage(),
    });
    format!("data: {event}\n\n")
}

/// An event with this delta.
pub fn event(delta: Value, finish_reason: Option<&str>) -> String {
    let event = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
        "model": "served-model",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }],
    });
    format!("data: {event}\n\n")
}

/// The events of a good stream, with the usage event if `body` asks for it.
pub fn events_for(body: &[u8]) -> Vec<String> {
    let request: Value = serde_json::from_slice(body).expect("the proxy sends JSON");
    let mut events = vec![role(), token("Hel"), token("lo, "), token("world"), finish()];
    if request["stream_options"]["include_usage"] == true {
        events.push(usage_event());
    }
    events.push(DONE.to_owned());
    events
}

/// Serves as a good backend does: a stream to who asks for one, else a plain answer.
pub async fn serve_well(mut call: Call) -> Result<After> {
    let body = call.body().await?;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if request["stream"] != true {
        return call.answer(chat_answer()).await;
    }
    call.write(STREAM_HEAD).await?;
    for event in events_for(&body) {
        call.write(chunk(event)).await?;
    }
    call.answer(LAST_CHUNK).await
}

fn usage() -> Value {
    json!({
        "prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS,
        "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
    })
}
