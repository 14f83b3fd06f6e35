//! The JSON of chat and text completions, whole and as stream events.
//!
//! The forms, and the order of their fields, are those of
//! <https://platform.openai.com/docs/api-reference/chat>. Must not know: timing, faults, sockets.

use super::refusal::HALF_WAY;
use super::request::StreamUsage;
use super::text::Text;
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;

/// One answer of the model.
#[derive(Debug)]
pub(super) struct Completion {
    pub(super) form: Form,
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) prompt_tokens: u64,
    /// Length of the answer.
    pub(super) tokens: u64,
    pub(super) finish: Finish,
    pub(super) text: Text,
}

/// Which of OpenAI's two shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Chat,
    Text,
}

/// Why the answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// The model had no more to say.
    Stop,
    /// The caller's limit cut it.
    Length,
}

/// The pieces of a streamed answer, rendered once; a token stands between two of them.
#[derive(Debug)]
pub(super) struct Events {
    /// What comes before the first token: the role, in a chat.
    pub(super) opening: Option<Bytes>,
    before_token: Bytes,
    after_token: Bytes,
    /// Finish reason, usage if asked for, `[DONE]`.
    pub(super) closing: Bytes,
    /// An event whose JSON breaks off.
    pub(super) malformed: Bytes,
    /// An event that says the model failed.
    pub(super) error: Bytes,
    buffer: BytesMut,
}

impl Finish {
    const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}

impl Completion {
    /// The answer as one JSON object.
    pub(super) fn whole(&self) -> Bytes {
        let (finish, usage) = (self.finish.name(), self.usage());
        let (object, before, after) = match self.form {
            Form::Chat => (
                "chat.completion",
                r#""message":{"role":"assistant","content":""#,
                r#"","refusal":null}"#,
            ),
            Form::Text => ("text_completion", r#""text":""#, r#"""#),
        };
        let (head, text) = (self.head(object), self.text.prefix(self.tokens));
        Bytes::from(format!(
            r#"{head}{{"index":0,{before}{text}{after},"logprobs":null,"finish_reason":"{finish}"}}],"usage":{usage}}}"#
        ))
    }

    /// The answer as stream events.
    ///
    /// With usage asked for, every event says `"usage":null` save one after the last choice,
    /// which has the figures and no choices.
    pub(super) fn events(&self, usage: StreamUsage) -> Events {
        let (object, content, end) = match self.form {
            Form::Chat => ("chat.completion.chunk", r#""delta":{"content":""#, r#""}"#),
            Form::Text => ("text_completion", r#""text":""#, r#"""#),
        };
        let head = format!("data: {}", self.head(object));
        let tail = match usage {
            StreamUsage::Left => "]}\n\n",
            StreamUsage::Asked => "],\"usage\":null}\n\n",
        };
        let before_token = format!(r#"{head}{{"index":0,{content}"#);
        let after_token = format!(r#"{end},"logprobs":null,"finish_reason":null}}{tail}"#);
        let event = |delta: &str, finish: Value| {
            format!(r#"{head}{{"index":0,{delta},"logprobs":null,"finish_reason":{finish}}}{tail}"#)
        };
        let (opening, last) = match self.form {
            Form::Chat => (
                Some(event(r#""delta":{"role":"assistant","content":""}"#, Value::Null)),
                event(r#""delta":{}"#, self.finish.name().into()),
            ),
            Form::Text => (None, event(r#""text":"""#, self.finish.name().into())),
        };
        let usage = match usage {
            StreamUsage::Left => String::new(),
            StreamUsage::Asked => format!("{head}],\"usage\":{}}}\n\n", self.usage()),
        };
        Events {
            opening: opening.map(Bytes::from),
            closing: Bytes::from(format!("{last}{usage}data: [DONE]\n\n")),
            malformed: Bytes::from(format!("{before_token}\n\n")),
            error: Bytes::from(format!("data: {HALF_WAY}\n\n")),
            before_token: Bytes::from(before_token),
            after_token: Bytes::from(after_token),
            buffer: BytesMut::new(),
        }
    }

    /// What every object of this answer begins with, up to its first choice.
    fn head(&self, object: &str) -> String {
        let (id, created) = (&self.id, self.created);
        let model = Value::from(self.model.as_str());
        format!(
            r#"{{"id":"{id}","object":"{object}","created":{created},"model":{model},"system_fingerprint":"sim","choices":["#
        )
    }

    fn usage(&self) -> String {
        let (prompt, completion) = (self.prompt_tokens, self.tokens);
        let total = prompt + completion;
        format!(
            r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{total}}}"#
        )
    }
}

impl Events {
    /// The event of one token. The buffer is used again once its earlier events are sent, so
    /// that most events allocate nothing.
    pub(super) fn token(&mut self, parts: [&str; 3]) -> Bytes {
        let frame = self.before_token.len() + self.after_token.len();
        self.buffer.reserve(frame + parts.map(str::len).iter().sum::<usize>());
        self.buffer.put_slice(&self.before_token);
        for part in parts {
            self.buffer.put_slice(part.as_bytes());
        }
        self.buffer.put_slice(&self.after_token);
        self.buffer.split().freeze()
    }
}
