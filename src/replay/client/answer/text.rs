//! The texts and tool calls of an answer, put together from its parts.
//!
//! All of it goes into a digest, the beginning of choice 0 is kept as text. Bounded: 128
//! choices, 128 tool calls each, 64 KiB of a text. Must not know: usage, failures or the time.

use crate::protocol::{PieceKind, SseEvent, SseSplitter};
use crate::replay::AnswerText;
use crate::types::Operation;
use serde::Deserialize;
use std::borrow::Cow;

/// Bytes that are kept of a text.
const MAX_TEXT: usize = 64 * 1024;
/// Choices, and tool calls of each, that are told apart.
const MAX_PARTS: usize = 128;

/// Texts and tool calls so far.
#[derive(Default)]
pub(super) struct Texts {
    splitter: SseSplitter,
    choices: Vec<Choice>,
    bytes: u64,
}

#[derive(Default)]
struct Choice {
    text: Text,
    tools: Vec<Tool>,
    finish: Option<String>,
}

#[derive(Default)]
struct Tool {
    name: String,
    arguments: Text,
}

/// A text of any length: its beginning, and the digest of all of it.
#[derive(Default)]
struct Text {
    kept: String,
    digest: blake3::Hasher,
}

/// A chunk of a stream, or a document.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    choices: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(default)]
    index: usize,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "message")]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Content<'a>>,
    #[serde(borrow)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolPart<'a>>>,
    #[serde(borrow)]
    function_call: Option<Function<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Parts(#[serde(borrow)] Vec<ContentPart<'a>>),
}

#[derive(Deserialize)]
struct ContentPart<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ToolPart<'a> {
    index: Option<usize>,
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<Cow<'a, str>>,
}

impl Texts {
    /// Reads a document. One that is neither a chat's nor a completion's, embeddings for one,
    /// has no text; its digest is that of its bytes.
    pub(super) fn of_document(operation: Operation, body: &[u8]) -> Self {
        let mut texts = Self::default();
        match operation {
            Operation::Chat | Operation::TextCompletion => texts.read(body),
            _ => {
                let mut choice = Choice::default();
                choice.text.digest.update(body);
                texts.choices.push(choice);
            }
        }
        texts
    }

    /// Reads the next chunk of a stream.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.split(chunk, |piece| {
            if piece.kind == PieceKind::Event {
                let lines = piece.joined.as_deref().unwrap_or(&chunk[piece.place]);
                self.read(&SseEvent::read(lines).data);
            }
        });
        self.splitter = splitter;
    }

    /// Bytes of text and arguments.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was said. The digest is that of each choice's text and tool calls, each by its own
    /// digest, in order.
    pub(super) fn finish(mut self) -> AnswerText {
        // An event without its empty line is whole for many servers.
        let rest = self.splitter.take_unfinished();
        self.read(&SseEvent::read(&rest).data);
        let mut all = blake3::Hasher::new();
        for choice in &self.choices {
            all.update(choice.text.digest.finalize().as_bytes());
            for tool in &choice.tools {
                all.update(blake3::hash(tool.name.as_bytes()).as_bytes());
                all.update(tool.arguments.digest.finalize().as_bytes());
            }
        }
        let first = self.choices.into_iter().next().unwrap_or_default();
        let tools = first.tools.into_iter();
        AnswerText {
            text: first.text.kept,
            tools: tools.map(|tool| (tool.name, tool.arguments.kept)).collect(),
            finish: first.finish,
            digest: all.finalize().to_hex().to_string(),
        }
    }

    /// Reads a JSON document; what is none says nothing.
    fn read(&mut self, json: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(json) else { return };
        for part in answer.choices.into_iter().filter(|part| part.index < MAX_PARTS) {
            let choice = at(&mut self.choices, part.index);
            self.bytes += choice.read(part);
        }
    }
}

impl Choice {
    /// Adds a part; the bytes of its text.
    fn read(&mut self, part: Part<'_>) -> u64 {
        let mut bytes = part.text.map_or(0, |text| self.text.push(&text));
        if let Some(reason) = part.finish_reason.filter(|reason| !reason.is_empty()) {
            self.finish = Some(cut(&reason, MAX_TEXT).to_owned());
        }
        let Some(delta) = part.delta else { return bytes };
        bytes += match delta.content {
            Some(Content::Text(text)) => self.text.push(&text),
            Some(Content::Parts(parts)) => {
                parts.into_iter().filter_map(|part| part.text).map(|t| self.text.push(&t)).sum()
            }
            None => 0,
        };
        bytes += delta.refusal.map_or(0, |text| self.text.push(&text));
        let calls = delta.tool_calls.unwrap_or_default().into_iter();
        // In a document calls have no index, but an order.
        let calls = calls.enumerate().map(|(at, call)| (call.index.unwrap_or(at), call.function));
        let old = delta.function_call.map(|function| (0, Some(function)));
        for (index, function) in calls.chain(old) {
            if let (Some(function), true) = (function, index < MAX_PARTS) {
                bytes += at(&mut self.tools, index).read(&function);
            }
        }
        bytes
    }
}

impl Tool {
    fn read(&mut self, function: &Function<'_>) -> u64 {
        if let Some(name) = &function.name {
            let room = MAX_TEXT.saturating_sub(self.name.len());
            self.name.push_str(cut(name, room));
        }
        function.arguments.as_ref().map_or(0, |arguments| self.arguments.push(arguments))
    }
}

impl Text {
    /// Adds more; its bytes.
    fn push(&mut self, more: &str) -> u64 {
        self.digest.update(more.as_bytes());
        let room = MAX_TEXT.saturating_sub(self.kept.len());
        self.kept.push_str(cut(more, room));
        more.len() as u64
    }
}

/// The element at `index`, which is below [`MAX_PARTS`].
fn at<T: Default>(list: &mut Vec<T>, index: usize) -> &mut T {
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}

/// As much of the beginning of `text` as fits into `bytes`, in whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
