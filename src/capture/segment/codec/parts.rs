//! The parts of a head: a struct here for each of an exchange's, and the way there and back.
//!
//! What is written has its name here, so that a value can be renamed without a word of the
//! format changing. Must not know: how the parts make a head.

use super::words;
use crate::capture::segment::hex;
use crate::capture::{
    AnswerNote, AttemptNote, CallNote, CallerNote, ChunkNote, Content, Message, Session, Shape,
    Times,
};
use crate::types::{Micros, Usage};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

pub(super) type Text<'a> = Cow<'a, str>;

#[derive(Serialize, Deserialize)]
pub(super) struct SessionHead<'a> {
    pub(super) id: Text<'a>,
    pub(super) turn: u32,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct CallerHead<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) credential: Option<Text<'a>>,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct CallHead<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<Text<'a>>,
    #[serde(default)]
    pub(super) path: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dialect: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) streamed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model_asked: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model_sent: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model_answered: Option<Text<'a>>,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct MessageHead<'a> {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(super) body: BodyHead<'a>,
}

/// Nothing: unknown. `kept`: whole. `kept`, `length` and `digest`: cut. `shape`: its shape.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct BodyHead<'a> {
    /// Bytes in the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shape: Option<Cow<'a, Shape>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AnswerHead<'a> {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) message: MessageHead<'a>,
    /// Bytes of the packed chunks in the record.
    #[serde(default)]
    pub(super) chunks: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AttemptHead<'a> {
    pub(super) upstream: Text<'a>,
    pub(super) endpoint: Text<'a>,
    pub(super) began: Micros,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TimesHead {
    pub(super) received: Micros,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sent: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_byte: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_token: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_closed: Option<Micros>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct UsageHead<'a> {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) source: Text<'a>,
}

impl<'a> SessionHead<'a> {
    pub(super) fn of(session: &'a Session) -> Self {
        Self { id: (&session.id).into(), turn: session.turn }
    }

    pub(super) fn into_session(self) -> Session {
        Session { id: self.id.into_owned(), turn: self.turn }
    }
}

impl<'a> CallerHead<'a> {
    pub(super) fn of(caller: &'a CallerNote) -> Self {
        let CallerNote { key, tenant, credential } = caller;
        Self { key: text(key), tenant: text(tenant), credential: text(credential) }
    }

    pub(super) fn into_caller(self) -> CallerNote {
        let Self { key, tenant, credential } = self;
        CallerNote { key: owned(key), tenant: owned(tenant), credential: owned(credential) }
    }
}

impl<'a> CallHead<'a> {
    pub(super) fn of(call: &'a CallNote) -> Self {
        Self {
            method: Some(call.method.as_str().into()),
            path: (&call.path).into(),
            dialect: call.dialect.map(|dialect| dialect.label().into()),
            operation: call.operation.map(|operation| operation.label().into()),
            streamed: call.streamed,
            model: text(&call.model),
            model_asked: text(&call.model_asked),
            model_sent: text(&call.model_sent),
            model_answered: text(&call.model_answered),
        }
    }

    pub(super) fn into_call(self) -> Option<CallNote> {
        let method = self.method.as_deref().unwrap_or("POST");
        Some(CallNote {
            method: http::Method::from_bytes(method.as_bytes()).ok()?,
            path: self.path.into_owned(),
            dialect: self.dialect.as_deref().and_then(words::dialect),
            operation: self.operation.as_deref().and_then(words::operation),
            streamed: self.streamed,
            model: owned(self.model),
            model_asked: owned(self.model_asked),
            model_sent: owned(self.model_sent),
            model_answered: owned(self.model_answered),
        })
    }
}

impl<'a> MessageHead<'a> {
    pub(super) fn of(message: &'a Message) -> Self {
        let headers = words::write_headers(&message.headers);
        Self { headers, body: BodyHead::of(&message.body) }
    }

    pub(super) fn into_message(self, kept: Bytes) -> Option<Message> {
        let headers = words::read_headers(self.headers)?;
        Some(Message { headers, body: self.body.into_content(kept) })
    }
}

impl<'a> BodyHead<'a> {
    pub(super) fn of(body: &'a Content) -> Self {
        let kept = body.kept().map(|bytes| bytes.len() as u64);
        match body {
            Content::Unknown => Self::default(),
            Content::Whole(_) => Self { kept, ..Self::default() },
            Content::Cut { length, digest, .. } => {
                let digest = Some(hex::write_hex(digest));
                Self { kept, length: Some(*length), digest, shape: None }
            }
            Content::Shape(shape) => Self { shape: Some(Cow::Borrowed(shape)), ..Self::default() },
        }
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.shape.as_ref().map(|shape| shape.length).or(self.length).or(self.kept)
    }

    pub(super) fn into_content(self, kept: Bytes) -> Content {
        let digest = self.digest.as_deref().map(hex::read_hex);
        match (self.kept, self.length, digest, self.shape) {
            (Some(_), None, None, None) => Content::Whole(kept),
            (Some(_), Some(length), Some(Some(digest)), None) => {
                Content::Cut { kept, length, digest }
            }
            (None, None, None, Some(shape)) => Content::Shape(Box::new(shape.into_owned())),
            _ => Content::Unknown,
        }
    }
}

impl<'a> AnswerHead<'a> {
    pub(super) fn of(answer: &'a AnswerNote, chunks: u64) -> Self {
        let message = MessageHead::of(&answer.message);
        let AnswerNote { status, complete, bytes, .. } = *answer;
        Self { status, message, chunks, complete, bytes }
    }

    pub(super) fn into_answer(self, chunks: Vec<ChunkNote>, kept: Bytes) -> Option<AnswerNote> {
        let Self { status, message, complete, bytes, .. } = self;
        let message = message.into_message(kept)?;
        Some(AnswerNote { status, message, chunks, complete, bytes })
    }
}

impl<'a> AttemptHead<'a> {
    pub(super) fn of(attempt: &'a AttemptNote) -> Self {
        Self {
            upstream: (&attempt.upstream).into(),
            endpoint: (&attempt.endpoint).into(),
            began: attempt.began.into(),
            ended: attempt.ended.map(Micros::from),
            status: attempt.status,
            error: text(&attempt.error),
        }
    }

    pub(super) fn into_attempt(self) -> AttemptNote {
        AttemptNote {
            upstream: self.upstream.into_owned(),
            endpoint: self.endpoint.into_owned(),
            began: self.began.into(),
            ended: self.ended.map(Duration::from),
            status: self.status,
            error: owned(self.error),
        }
    }
}

impl TimesHead {
    pub(super) fn of(times: &Times) -> Self {
        let Times { received, sent, headers, first_byte, first_token, last, client_closed } =
            *times;
        Self {
            received: received.into(),
            sent: sent.map(Micros::from),
            headers: headers.map(Micros::from),
            first_byte: first_byte.map(Micros::from),
            first_token: first_token.map(Micros::from),
            last: last.map(Micros::from),
            client_closed: client_closed.map(Micros::from),
        }
    }

    pub(super) fn into_times(self) -> Times {
        Times {
            received: self.received.into(),
            sent: self.sent.map(Duration::from),
            headers: self.headers.map(Duration::from),
            first_byte: self.first_byte.map(Duration::from),
            first_token: self.first_token.map(Duration::from),
            last: self.last.map(Duration::from),
            client_closed: self.client_closed.map(Duration::from),
        }
    }
}

impl UsageHead<'_> {
    pub(super) fn of(usage: Usage) -> Self {
        Self { input: usage.input, output: usage.output, source: usage.source.label().into() }
    }

    pub(super) fn into_usage(self) -> Option<Usage> {
        let source = words::usage_source(&self.source)?;
        Some(Usage { input: self.input, output: self.output, source })
    }
}

pub(super) fn text(text: &Option<String>) -> Option<Text<'_>> {
    text.as_deref().map(Cow::Borrowed)
}

pub(super) fn owned(text: Option<Text<'_>>) -> Option<String> {
    text.map(Cow::into_owned)
}
