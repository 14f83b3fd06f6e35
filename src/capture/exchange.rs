//! A request and what came back, as they are written down.
//!
//! Everything a capture knows; `None` is what it does not know, and nothing is made up. Must
//! not know: how it is stored, where it came from, or what it will be used for.

use crate::capture::Shape;
use crate::types::{ChunkNote, Dialect, NanoUsd, Operation, Outcome, TraceId, Usage};
use bytes::Bytes;
use http::HeaderMap;
use std::collections::BTreeMap;
use std::time::Duration;

/// A request and what came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// The id that every answer carries.
    pub request_id: Option<String>,
    /// Its trace.
    pub trace_id: Option<TraceId>,
    /// The conversation that it belongs to.
    pub session: Option<Session>,
    /// Who asked.
    pub caller: CallerNote,
    /// What was asked.
    pub call: CallNote,
    /// The request as the caller sent it.
    pub request: Message,
    /// The answer as the caller got it; `None` where there was none.
    pub answer: Option<AnswerNote>,
    /// The tries at upstreams, in order.
    pub attempts: Vec<AttemptNote>,
    /// When what happened.
    pub times: Times,
    /// Its tokens.
    pub usage: Option<Usage>,
    /// What they cost.
    pub cost: Option<NanoUsd>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it failed: a label of `transom_errors_total`.
    pub error: Option<String>,
    /// What a cache said: `hit`, `stale`, `collapsed`, `miss` or `bypass`.
    pub cache: Option<String>,
    /// How often each rule has taken something out.
    pub redactions: BTreeMap<String, u32>,
}

/// A place in a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Session {
    /// The conversation.
    pub id: String,
    /// Which of its requests this is, from 0.
    pub turn: u32,
}

/// Who asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerNote {
    /// The alias of the API key, never the key.
    pub key: Option<String>,
    /// Whom the key belongs to.
    pub tenant: Option<String>,
    /// What stands for the credential of a caller whose key is not checked here; empty where
    /// none was shown. Never the credential.
    pub credential: Option<String>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallNote {
    /// The method; `POST` where nothing else is known.
    pub method: http::Method,
    /// The path with its query.
    pub path: String,
    /// The caller's language.
    pub dialect: Option<Dialect>,
    /// What is to be done.
    pub operation: Option<Operation>,
    /// Whether a stream was asked for.
    pub streamed: Option<bool>,
    /// The configured model that was meant, whatever the caller called it.
    pub model: Option<String>,
    /// The model as the caller said it.
    pub model_asked: Option<String>,
    /// The model as the upstream was asked for it.
    pub model_sent: Option<String>,
    /// The model as the upstream named it.
    pub model_answered: Option<String>,
}

impl Default for CallNote {
    fn default() -> Self {
        Self {
            method: http::Method::POST,
            path: String::new(),
            dialect: None,
            operation: None,
            streamed: None,
            model: None,
            model_asked: None,
            model_sent: None,
            model_answered: None,
        }
    }
}

/// Headers and a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Those that may be written down.
    pub headers: HeaderMap,
    /// The body.
    pub body: Content,
}

/// A body, as far as it was kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Content {
    /// Nothing is known of it.
    #[default]
    Unknown,
    /// All of it, with what the redaction has put in.
    Whole(Bytes),
    /// Its beginning.
    Cut {
        /// What was kept.
        kept: Bytes,
        /// Bytes there were.
        length: u64,
        /// BLAKE3 of all of it, after redaction.
        digest: [u8; 32],
    },
    /// What it looked like, without what it said.
    Shape(Box<Shape>),
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerNote {
    /// The status of its head.
    pub status: u16,
    /// Its headers and its body.
    pub message: Message,
    /// Its chunks as they came, in order.
    pub chunks: Vec<ChunkNote>,
    /// Whether its end was seen: the terminator of a stream, every choice finished.
    pub complete: Option<bool>,
    /// Bytes of its body, whatever was kept.
    pub bytes: Option<u64>,
}

/// A try at an upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptNote {
    /// The upstream.
    pub upstream: String,
    /// Its `host:port`.
    pub endpoint: String,
    /// When it began, since the request was received.
    pub began: Duration,
    /// When it ended, since the request was received.
    pub ended: Option<Duration>,
    /// The status it was answered with.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
}

/// When what happened: all but the first since the request was received, in whole
/// microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When the request was received, since 1970.
    pub received: Duration,
    /// When it had been sent to the upstream that answered.
    pub sent: Option<Duration>,
    /// When the head of the answer came.
    pub headers: Option<Duration>,
    /// When the first byte of its body came.
    pub first_byte: Option<Duration>,
    /// When the first generated output came.
    pub first_token: Option<Duration>,
    /// When the caller had the last byte, or the request was given up.
    pub last: Option<Duration>,
    /// When the caller left before that.
    pub client_closed: Option<Duration>,
}

impl Content {
    /// Bytes there were, whatever was kept.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Cut { length, .. } => Some(*length),
            Self::Shape(shape) => Some(shape.length),
        }
    }

    /// The bytes that were kept.
    pub fn kept(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) | Self::Cut { kept: bytes, .. } => Some(bytes),
            Self::Unknown | Self::Shape(_) => None,
        }
    }
}
