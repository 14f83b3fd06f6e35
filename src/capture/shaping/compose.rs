//! Requests made up from shapes, for replays and exports.
//!
//! Owns what stands in the place of what is not known. Must not know: how shapes are made.

use crate::capture::shaping::form::Form;
use crate::capture::shaping::words::text;
use crate::capture::{BLOCK, Content, Exchange, MessageShape, Shape};
use crate::protocol::StreamMode;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Parameters that make no sense without tools.
const OF_TOOLS: [&str; 3] = ["max_tool_calls", "parallel_tool_calls", "tool_choice"];
/// And those of a stream.
const OF_STREAMS: [&str; 1] = ["stream_options"];
const SYSTEM: &str = "system";
/// Anthropic wants a limit. This one stands where a shape has none.
const MAX_TOKENS: u64 = 4096;

/// A body made up from the shape of a request, for the model that its caller asked for; `None`
/// where its shape was not captured, or says nothing but its length.
pub fn composed(exchange: &Exchange) -> Option<Bytes> {
    let Content::Shape(shape) = &exchange.request.body else { return None };
    let call = &exchange.call;
    let mode = if call.streamed == Some(true) { StreamMode::Streamed } else { StreamMode::Whole };
    let model = call.model_asked.as_deref().or(call.model.as_deref()).unwrap_or_default();
    shape.compose(Form::of(&call.path)?, model, mode).map(Bytes::from)
}

impl Shape {
    /// A request body of that form, for that model: messages as long as they were, of words
    /// that have nothing to do with what they said. Equal blocks have equal texts, so what
    /// began as another request did begins as that one does. `None` for a shape without
    /// messages, of which nothing is known but its length.
    ///
    /// A message that a tool or an unknown role said is one of the user's here, for servers
    /// want calls that results belong to; images are left out.
    pub fn compose(&self, form: Form, model: &str, mode: StreamMode) -> Option<Vec<u8>> {
        if self.messages.is_empty() {
            return None;
        }
        let mut body = Map::new();
        body.insert("model".to_owned(), model.into());
        let tools = self.tools(form);
        for (name, value) in &self.parameters {
            let is_lost = (OF_TOOLS.contains(&name.as_str()) && tools.is_none())
                || (OF_STREAMS.contains(&name.as_str()) && mode == StreamMode::Whole);
            if name != "stream" && !is_lost {
                body.insert(name.clone(), value.clone());
            }
        }
        if mode == StreamMode::Streamed {
            body.insert("stream".to_owned(), true.into());
        }
        body.extend(tools.map(|tools| ("tools".to_owned(), tools)));
        self.fill(form, &mut body);
        serde_json::to_vec(&Value::Object(body)).ok()
    }

    fn fill(&self, form: Form, body: &mut Map<String, Value>) {
        let texts: Vec<String> = self.messages.iter().enumerate().map(message_text).collect();
        let said = || self.messages.iter().map(role).zip(&texts);
        let turn = |(role, text): (&str, &String)| json!({"role": role, "content": text});
        let mut fill = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        match form {
            Form::Chat => fill("messages", said().map(turn).collect()),
            Form::Responses => fill("input", said().map(turn).collect()),
            Form::Messages => {
                let (system, rest): (Vec<_>, Vec<_>) =
                    said().partition(|(role, _)| *role == SYSTEM);
                if !system.is_empty() {
                    let system: String =
                        system.into_iter().map(|(_, text)| text.as_str()).collect();
                    fill("system", system.into());
                }
                fill("messages", rest.into_iter().map(turn).collect());
                body.entry("max_tokens").or_insert(MAX_TOKENS.into());
            }
            Form::Completion => fill("prompt", one_or_all(texts)),
            Form::Embeddings => fill("input", one_or_all(texts)),
        }
    }

    /// Tools of as many bytes, if so many are enough for one.
    fn tools(&self, form: Form) -> Option<Value> {
        let tools = |description: &str| match form {
            Form::Chat => {
                let parameters = json!({"type": "object", "properties": {}});
                let function =
                    json!({"name": "tool", "description": description, "parameters": parameters});
                Some(json!([{"type": "function", "function": function}]))
            }
            Form::Responses => {
                let parameters = json!({"type": "object", "properties": {}});
                Some(
                    json!([{"type": "function", "name": "tool", "description": description, "parameters": parameters}]),
                )
            }
            Form::Messages => {
                let schema = json!({"type": "object", "properties": {}});
                Some(json!([{"name": "tool", "description": description, "input_schema": schema}]))
            }
            Form::Completion | Form::Embeddings => None,
        };
        let least = tools("")?.to_string().len();
        let length = usize::try_from(self.tools).ok()?.checked_sub(least)?;
        tools(&text(self.tools, length))
    }
}

/// The text that stands for a message.
fn message_text((index, message): (usize, &MessageShape)) -> String {
    let length = usize::try_from(message.length).unwrap_or(0);
    if message.blocks.is_empty() {
        // Nobody knows what it had in common with others.
        return text(message.length ^ (index as u64) << 32, length);
    }
    // Other captures have longer blocks.
    let size = (1..)
        .map(|times| times * BLOCK)
        .find(|size| length.div_ceil(*size) <= message.blocks.len());
    let size = size.unwrap_or(BLOCK);
    let mut made = String::with_capacity(length);
    for block in &message.blocks {
        made.push_str(&text(*block, size.min(length - made.len())));
    }
    made
}

fn role(message: &MessageShape) -> &'static str {
    match message.role.as_str() {
        "system" | "developer" => SYSTEM,
        "assistant" => "assistant",
        _ => "user",
    }
}

fn one_or_all(mut texts: Vec<String>) -> Value {
    match texts.len() {
        1 => texts.remove(0).into(),
        _ => texts.into(),
    }
}
