//! What makes a shape out of a body, and a body out of a shape.
//!
//! | file | owns |
//! |---|---|
//! | `form` | which form a body has |
//! | `conversation`, `answer` | what is said in a request and in an answer, and by whom |
//! | `parameters` | which parameters are part of a shape |
//! | `node` | a JSON document as a tree |
//! | `compose`, `words` | requests made up from shapes |
//!
//! Must not know: which exchanges are captured so, or where they go.

mod answer;
mod compose;
mod conversation;
mod form;
mod node;
mod parameters;
#[cfg(test)]
mod tests;
mod words;

pub use compose::composed;
pub(in crate::capture) use conversation::{Conversation, Role};
pub use form::Form;
pub(in crate::capture) use node::{Members, Node};

use crate::capture::{BLOCK, MessageShape, Shape};
use answer::Answered;

/// Sets ids apart from everything else that is made with the same key.
const CONTEXT: &str = "transom capture block ids v1";

/// Makes shapes. Ids are only equal where the key is.
#[derive(Clone)]
pub struct Shaper {
    key: [u8; 32],
}

impl Shaper {
    /// With the key of an installation, from which one of its own is derived.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: blake3::derive_key(CONTEXT, &key) }
    }

    /// The shape of a request body, by the path it was sent to. Of what has no known form
    /// there is only the length.
    pub fn request(&self, path: &str, body: &[u8]) -> Shape {
        let length = body.len() as u64;
        let (Some(form), Some(members)) = (Form::of(path), Members::read(body)) else {
            return Shape { length, ..Shape::default() };
        };
        let tools = members.raw("tools").or_else(|| members.raw("functions")).unwrap_or_default();
        let begin = if tools.is_empty() { 0 } else { self.id(0, "tools", tools.as_bytes()) };
        let mut last = begin;
        let conversation = Conversation::read(form, &members);
        let messages = conversation.messages.into_iter().map(|said| {
            if !form.is_conversation() {
                last = begin;
            }
            let message = self.message(last, said.role, &said.text);
            last = message.blocks.last().copied().unwrap_or(last);
            message
        });
        Shape {
            length,
            messages: messages.collect(),
            tools: tools.len() as u64,
            parameters: parameters::read(&members),
        }
    }

    /// The shape of the answer to a request of that shape. The same words in a later request
    /// have the same ids.
    pub fn answer(&self, request: &Shape, body: &[u8]) -> Shape {
        let answered = Answered::read(body);
        let last = request.messages.iter().rev().find_map(|message| message.blocks.last());
        let last = last.copied().unwrap_or(0);
        let choices = answered.choices.into_values();
        Shape {
            length: body.len() as u64,
            messages: choices.map(|text| self.message(last, Role::Assistant, &text)).collect(),
            tools: answered.tools,
            parameters: serde_json::Map::new(),
        }
    }

    /// A message that comes after the block `last`.
    fn message(&self, mut last: u64, role: Role, text: &[u8]) -> MessageShape {
        let blocks = text.chunks(BLOCK).enumerate().map(|(index, block)| {
            // Where a message begins is part of what the blocks after it stand for.
            last = self.id(last, if index == 0 { role.word() } else { "" }, block);
            last
        });
        let blocks = blocks.collect();
        MessageShape { role: role.word().to_owned(), length: text.len() as u64, blocks }
    }

    fn id(&self, last: u64, kind: &str, block: &[u8]) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&last.to_le_bytes());
        hasher.update(&(kind.len() as u64).to_le_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(block);
        let mut id = [0; 8];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(id)
    }
}
