//! What is said in a request, and by whom, whatever its form.
//!
//! Must not know: what is done with it.

use crate::capture::shaping::form::Form;
use crate::capture::shaping::node::{Members, Node};
use std::borrow::Cow;

/// The messages of a request, in order.
#[derive(Debug, Default)]
pub(in crate::capture) struct Conversation {
    /// The messages. Those that only hold images have no text.
    pub(in crate::capture) messages: Vec<Said>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::capture) struct Said {
    /// Who says it.
    pub(in crate::capture) role: Role,
    /// Its text, or the numbers of its tokens, four bytes each.
    pub(in crate::capture) text: Vec<u8>,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) enum Role {
    /// Whoever set up the conversation.
    System,
    /// The same, in OpenAI's newer word.
    Developer,
    /// Whoever talks to the model.
    User,
    /// The model.
    Assistant,
    /// A tool that the model called.
    Tool,
    /// Somebody else.
    Other,
}

/// Members of a part of a message that hold its text.
const TEXTS: [&str; 11] = [
    "content",
    "text",
    "thinking",
    "reasoning_content",
    "reasoning",
    "refusal",
    "output",
    "summary",
    "arguments",
    "input",
    "function",
];

impl Role {
    /// By its word.
    pub(in crate::capture) fn of(word: &str) -> Self {
        match word {
            "system" => Self::System,
            "developer" => Self::Developer,
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "tool" | "function" => Self::Tool,
            _ => Self::Other,
        }
    }

    /// Its word.
    pub(in crate::capture) const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Other => "other",
        }
    }
}

impl Conversation {
    /// Reads the body of a request. What has another form than it should has no messages.
    pub(in crate::capture) fn read(form: Form, members: &Members<'_>) -> Self {
        let mut messages = Vec::new();
        match form {
            Form::Chat => messages.extend(turns(members.get("messages"))),
            Form::Messages => {
                messages.extend(members.get("system").map(|system| said(Role::System, &system)));
                messages.extend(turns(members.get("messages")));
            }
            Form::Responses => {
                let instructions = members.get("instructions").filter(|text| text.text().is_some());
                messages.extend(instructions.map(|text| said(Role::System, &text)));
                match members.get("input") {
                    Some(text @ Node::Text(_)) => messages.push(said(Role::User, &text)),
                    items => messages.extend(turns(items)),
                }
            }
            Form::Completion => messages.extend(prompts(members.get("prompt"))),
            Form::Embeddings => messages.extend(prompts(members.get("input"))),
        }
        Self { messages }
    }

    /// How often the model has answered already, with text or by calling tools.
    pub(in crate::capture) fn turns(&self) -> u32 {
        let answers = self
            .messages
            .windows(2)
            .filter(|pair| pair[0].role == Role::Assistant && pair[1].role != Role::Assistant);
        u32::try_from(answers.count()).unwrap_or(u32::MAX)
    }
}

/// The messages of a list, or the items of OpenAI's responses.
fn turns(list: Option<Node<'_>>) -> Vec<Said> {
    let list = list.unwrap_or(Node::Word);
    let turn = |item: &Node<'_>| {
        let role = match (item.text_of("role"), item.text_of("type")) {
            (Some(role), _) => Role::of(role),
            (None, Some(kind)) if kind.ends_with("_output") => Role::Tool,
            (None, Some(kind)) if kind == "reasoning" || kind.ends_with("_call") => Role::Assistant,
            _ => Role::Other,
        };
        said(role, item)
    };
    list.elements().iter().map(turn).collect()
}

/// One prompt or several, as texts or as the numbers of tokens.
fn prompts(prompt: Option<Node<'_>>) -> Vec<Said> {
    let user = |text: Vec<u8>| Said { role: Role::User, text };
    match prompt {
        Some(Node::Text(text)) => vec![user(text.into_owned().into_bytes())],
        Some(Node::List(list)) if list.iter().any(|element| element.count().is_some()) => {
            vec![user(tokens(&list))]
        }
        Some(Node::List(list)) => {
            let one = |element: &Node<'_>| match element {
                Node::Text(text) => user(text.as_bytes().to_vec()),
                element => user(tokens(element.elements())),
            };
            list.iter().map(one).collect()
        }
        _ => Vec::new(),
    }
}

/// A token is about as many bytes of text as its number has here.
fn tokens(list: &[Node<'_>]) -> Vec<u8> {
    let number = |node: &Node<'_>| u32::try_from(node.count().unwrap_or(0)).unwrap_or(u32::MAX);
    list.iter().flat_map(|token| number(token).to_le_bytes()).collect()
}

fn said(role: Role, message: &Node<'_>) -> Said {
    let mut text = Vec::new();
    add_text(message, &mut text);
    Said { role, text }
}

/// Adds the text of a message or of a part of one. Images, names and ids are none.
pub(in crate::capture) fn add_text(node: &Node<'_>, text: &mut Vec<u8>) {
    match node {
        Node::Text(part) => text.extend_from_slice(part.as_bytes()),
        Node::List(parts) => parts.iter().for_each(|part| add_text(part, text)),
        Node::Object(members) => {
            for (name, value) in members {
                match (&**name, value) {
                    // What a tool is called with is an object of the tool's own.
                    ("input" | "arguments", Node::Object(_)) => add_everything(value, text),
                    ("tool_calls" | "function_call", _) => add_text(value, text),
                    (name, _) if TEXTS.contains(&name) => add_text(value, text),
                    _ => {}
                }
            }
        }
        Node::Word | Node::Number(_) => {}
    }
}

fn add_everything(node: &Node<'_>, text: &mut Vec<u8>) {
    let mut open = vec![(None::<&Cow<'_, str>>, node)];
    while let Some((name, node)) = open.pop() {
        text.extend(name.iter().flat_map(|name| name.bytes()));
        match node {
            Node::Text(part) => text.extend_from_slice(part.as_bytes()),
            Node::Number(number) => text.extend_from_slice(number.to_string().as_bytes()),
            Node::List(list) => open.extend(list.iter().rev().map(|element| (None, element))),
            Node::Object(members) => {
                open.extend(members.iter().rev().map(|(name, value)| (Some(name), value)));
            }
            Node::Word => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(form: Form, body: &serde_json::Value) -> (Vec<(&'static str, String)>, u32) {
        let body = body.to_string();
        let read = Conversation::read(form, &Members::read(body.as_bytes()).unwrap());
        let told =
            |said: &Said| (said.role.word(), String::from_utf8_lossy(&said.text).into_owned());
        (read.messages.iter().map(told).collect(), read.turns())
    }

    fn said(all: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        all.iter().map(|(role, text)| (*role, (*text).to_owned())).collect()
    }

    #[test]
    fn the_messages_of_a_chat_are_read() {
        let body = json!({"messages": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "Look: "},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
                "function": {"name": "f", "arguments": "{\"x\":1}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "42"},
            {"role": "narrator", "content": "hm"},
        ]});
        let expected = said(&[
            ("developer", "Be kind."),
            ("user", "Look: "),
            ("assistant", "{\"x\":1}"),
            ("tool", "42"),
            ("other", "hm"),
        ]);
        assert_eq!(read(Form::Chat, &body), (expected, 1));
    }

    #[test]
    fn the_messages_of_anthropic_are_read() {
        let body = json!({"system": [{"type": "text", "text": "Be kind."}], "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "x"},
                {"type": "text", "text": "Yes"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"q": ["a", 1]}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t",
                "content": [{"type": "text", "text": "ok"}]}]},
        ]});
        let expected = said(&[
            ("system", "Be kind."),
            ("user", "Hi"),
            ("assistant", "Hm.Yesqa1"),
            ("user", "ok"),
        ]);
        assert_eq!(read(Form::Messages, &body), (expected, 1));
    }

    #[test]
    fn the_input_of_responses_is_read() {
        let body = json!({"instructions": "Be kind.", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "function_call", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "42"},
        ]});
        let expected = said(&[
            ("system", "Be kind."),
            ("user", "Hi"),
            ("assistant", "Hm."),
            ("assistant", "{}"),
            ("tool", "42"),
        ]);
        assert_eq!(read(Form::Responses, &body), (expected, 1));
        let body = json!({"input": "Hi"});
        assert_eq!(read(Form::Responses, &body), (said(&[("user", "Hi")]), 0));
    }

    #[test]
    fn prompts_are_texts_or_tokens() {
        let texts = |prompt| read(Form::Completion, &json!({"prompt": prompt})).0;
        assert_eq!(texts(json!("a")), said(&[("user", "a")]));
        assert_eq!(texts(json!(["a", "b"])), said(&[("user", "a"), ("user", "b")]));
        let lengths = |prompt| texts(prompt).iter().map(|(_, text)| text.len()).collect::<Vec<_>>();
        assert_eq!(lengths(json!([1, 2, 3])), [12]);
        assert_eq!(lengths(json!([[1, 2], [3]])), [8, 4]);
        let input = read(Form::Embeddings, &json!({"input": ["a"]})).0;
        assert_eq!(input, said(&[("user", "a")]));
        for odd in [json!(null), json!(5), json!({"a": 1})] {
            assert!(texts(odd).is_empty());
        }
    }
}
