//! What is said in an answer, whatever its form, in one piece or streamed.
//!
//! Must not know: what is done with it.

use crate::capture::shaping::conversation::add_text;
use crate::capture::shaping::node::Node;
use crate::protocol::{PieceKind, SseEvent, SseSplitter};
use std::collections::BTreeMap;

/// Choices beyond that are not told apart.
const MAX_CHOICES: u64 = 128;

/// The texts of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answered {
    /// By choice.
    pub(super) choices: BTreeMap<u64, Vec<u8>>,
    /// Bytes of them that call tools.
    pub(super) tools: u64,
}

impl Answered {
    /// Reads a body, whichever of the known forms it has.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut answered = Self::default();
        match body.trim_ascii_start().first() {
            Some(b'{') => {
                if let Some(document) = Node::read(body) {
                    answered.whole(&document);
                }
            }
            _ => answered.stream(body),
        }
        answered
    }

    /// The end of a stream may be missing.
    fn stream(&mut self, body: &[u8]) {
        let mut splitter = SseSplitter::default();
        splitter.split(body, |piece| {
            if piece.kind == PieceKind::Event {
                let event = SseEvent::read(&body[piece.place]);
                if let Some(event) = Node::read(&event.data) {
                    self.event(&event);
                }
            }
        });
    }

    fn whole(&mut self, document: &Node<'_>) {
        for (position, choice) in list(document, "choices").iter().enumerate() {
            let index = index(choice, position);
            match (choice.get("message"), choice.get("text")) {
                (Some(message), _) => self.message(index, message),
                (None, Some(text)) => self.add(index, text, Use::Text),
                _ => {}
            }
        }
        // Anthropic's messages, and OpenAI's responses.
        for part in list(document, "content").iter().chain(list(document, "output")) {
            let kind = part.text_of("type").unwrap_or_default();
            let calls = kind == "tool_use" || kind.ends_with("_call");
            self.add(0, part, if calls { Use::Tool } else { Use::Text });
        }
    }

    fn event(&mut self, event: &Node<'_>) {
        for (position, choice) in list(event, "choices").iter().enumerate() {
            let index = index(choice, position);
            match (choice.get("delta"), choice.get("text")) {
                (Some(delta), _) => self.message(index, delta),
                (None, Some(text)) => self.add(index, text, Use::Text),
                _ => {}
            }
        }
        let kind = event.text_of("type").unwrap_or_default();
        match event.get("delta") {
            // OpenAI's responses.
            Some(text @ Node::Text(_)) if kind.contains("arguments") => {
                self.add(0, text, Use::Tool);
            }
            Some(text @ Node::Text(_)) if kind.ends_with(".delta") => self.add(0, text, Use::Text),
            // Anthropic's messages.
            Some(delta @ Node::Object(_)) => match delta.get("partial_json") {
                Some(json) => self.add(0, json, Use::Tool),
                None => self.add(0, delta, Use::Text),
            },
            _ => {}
        }
    }

    /// A message of a chat, or a part of one.
    fn message(&mut self, index: u64, message: &Node<'_>) {
        let names = ["reasoning_content", "reasoning", "content", "refusal"];
        // Some servers send the same text under both of its names.
        let repeats = message.get("reasoning_content").is_some();
        for name in names.into_iter().filter(|name| !(repeats && *name == "reasoning")) {
            if let Some(text) = message.get(name) {
                self.add(index, text, Use::Text);
            }
        }
        for call in list(message, "tool_calls").iter().chain(message.get("function_call")) {
            self.add(index, call, Use::Tool);
        }
    }

    fn add(&mut self, index: u64, node: &Node<'_>, used: Use) {
        let text = self.choices.entry(index.min(MAX_CHOICES)).or_default();
        let before = text.len();
        add_text(node, text);
        if used == Use::Tool {
            self.tools += (text.len() - before) as u64;
        }
    }
}

/// What a text is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Text,
    Tool,
}

fn list<'n, 'a>(node: &'n Node<'a>, name: &str) -> &'n [Node<'a>] {
    node.get(name).map_or(&[], Node::elements)
}

fn index(choice: &Node<'_>, position: usize) -> u64 {
    choice.get("index").and_then(Node::count).unwrap_or(position as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(body: &str) -> (Vec<String>, u64) {
        let answered = Answered::read(body.as_bytes());
        let texts = answered.choices.into_values().map(|text| String::from_utf8(text).unwrap());
        (texts.collect(), answered.tools)
    }

    fn stream(events: &[Value]) -> String {
        let events = events.iter().map(|event| format!("data: {event}\n\n"));
        events.chain(["data: [DONE]\n\n".to_owned()]).collect()
    }

    #[test]
    fn a_plain_answer_is_read_in_each_form() {
        let call = json!({"id": "c", "function": {"name": "f", "arguments": "{}"}});
        let chat = json!({"choices": [
            {"index": 1, "message": {"role": "assistant", "content": "b"}},
            {"index": 0, "message": {"content": "a", "reasoning_content": "r", "reasoning": "r", "tool_calls": [call]}},
        ]});
        assert_eq!(read(&chat.to_string()), (vec!["ra{}".into(), "b".into()], 2));
        let completion = json!({"choices": [{"text": "a"}, {"text": "b"}]});
        assert_eq!(read(&completion.to_string()), (vec!["a".into(), "b".into()], 0));
        let messages = json!({"role": "assistant", "content": [{"type": "text", "text": "a"},
            {"type": "tool_use", "name": "f", "input": {"q": "b"}}]});
        assert_eq!(read(&messages.to_string()), (vec!["aqb".into()], 2));
        let responses = json!({"output": [
            {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call", "name": "f", "arguments": "{}"}]});
        assert_eq!(read(&responses.to_string()), (vec!["a{}".into()], 2));
        assert_eq!(read("{\"data\":[]}"), (vec![], 0));
        assert_eq!(read("no answer"), (vec![], 0));
    }

    #[test]
    fn a_stream_is_joined_in_each_form() {
        let delta =
            |index: u64, delta: Value| json!({"choices": [{"index": index, "delta": delta}]});
        let chat = stream(&[
            delta(0, json!({"role": "assistant", "content": ""})),
            delta(1, json!({"content": "x"})),
            delta(0, json!({"content": "a"})),
            delta(
                0,
                json!({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]}),
            ),
            delta(0, json!({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]})),
        ]);
        assert_eq!(read(&chat), (vec!["a{}".into(), "x".into()], 2));
        let block =
            |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
        let messages = stream(&[
            block(json!({"type": "text_delta", "text": "a"})),
            block(json!({"type": "thinking_delta", "thinking": "b"})),
            block(json!({"type": "input_json_delta", "partial_json": "{}"})),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        ]);
        assert_eq!(read(&messages), (vec!["ab{}".into()], 2));
        let responses = stream(&[
            json!({"type": "response.output_text.delta", "delta": "a"}),
            json!({"type": "response.function_call_arguments.delta", "delta": "{}"}),
            json!({"type": "response.output_text.done", "text": "a"}),
        ]);
        assert_eq!(read(&responses), (vec!["a{}".into()], 2));
    }
}
