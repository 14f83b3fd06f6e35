//! The server as its callers see it, through real sockets.

mod client;
mod completions;
mod embeddings;
mod faults;
mod life;
mod refusals;

use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

/// A chat of six words.
fn chat() -> Value {
    json!({
        "model": "sim-small",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "text", "text": "Where is\n the harbour?" }] },
            { "role": "assistant", "content": null },
        ],
    })
}

/// `body` as a stream.
fn streamed(mut body: Value) -> Value {
    body["stream"] = true.into();
    body
}

/// `body` with one more field.
fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}
