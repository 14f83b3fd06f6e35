//! What a body looks like without what it says: enough to load a server as the original did.
//!
//! A prompt becomes the ids of its blocks. Equal beginnings have equal ids, so a replay can
//! make up a text of its own that a prefix cache treats as it would have treated the
//! original, as in the traces of Mooncake (Qin et al., FAST 2025). Must not know: JSON, or
//! how ids are made.

use serde::{Deserialize, Serialize};

/// What a body looks like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Its bytes.
    pub length: u64,
    /// The messages of a conversation, in order; the prompt of a completion and each input of
    /// an embedding are one message each. Of an answer: its choices.
    pub messages: Vec<MessageShape>,
    /// Bytes of the tools it may use, or has used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tools: u64,
    /// Parameters with numbers, truth values or one of a few known words, by their names:
    /// `max_tokens`, `temperature`, `stream`, `n`, `seed`, `reasoning_effort` …
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub parameters: serde_json::Map<String, serde_json::Value>,
}

/// What a message looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageShape {
    /// `system`, `user`, `assistant`, `tool`, `developer`; `other` for any other word.
    pub role: String,
    /// Bytes of its text.
    pub length: u64,
    /// A keyed id of every [`BLOCK`] bytes of text, each of which also stands for all text of
    /// the conversation before it. The last one may be shorter.
    pub blocks: Vec<u64>,
}

/// Bytes of text with one id.
pub const BLOCK: usize = 1024;

fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}
