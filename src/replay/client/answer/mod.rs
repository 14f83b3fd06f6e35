//! What the bytes of an answer say: output, tokens, its end, a failure.
//!
//! Streams and documents of chat and text completions are read by the readers that the proxy
//! has for them. Of all other answers only the framing is known. Must not know: the time, or
//! connections.

#[cfg(test)]
mod tests;
mod text;

use crate::protocol::{StreamReader, UsageChunk, read_answer};
use crate::replay::request::Outgoing;
use crate::replay::{AnswerText, CountedBy, Failure};
use crate::types::{Operation, StreamEnd, Usage};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use serde::{Deserialize, Serialize};
use text::Texts;

/// A document longer than this is not read.
const MAX_DOCUMENT: usize = 32 * 1024 * 1024;
/// Bytes of an answer that are kept as they came.
const MAX_RAW: usize = 256 * 1024;
/// Where nobody counts, a token is taken for this many bytes.
const BYTES_PER_TOKEN: u64 = 4;

/// Whether it is written down what answers say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepAnswers {
    /// Only figures are.
    #[default]
    No,
    /// It is, so that answers can be compared.
    Yes,
    /// It is, and the bytes that say so, to be looked at: the first 256 KiB.
    Raw,
}

impl KeepAnswers {
    const fn keeps_texts(self) -> bool {
        !matches!(self, Self::No)
    }
}

/// How the body of an answer ended, as far as the connection can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// All of it came.
    Proper,
    /// The connection failed, or there was no answer.
    Broken,
    /// Nobody waited for more.
    GivenUp(Failure),
}

/// What an answer said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) failure: Option<Failure>,
    pub(super) tokens: Option<(u64, u64, CountedBy)>,
    pub(super) answer: Option<AnswerText>,
}

/// Reads an answer along.
pub(super) struct AnswerReader {
    operation: Operation,
    /// Tokens of the prompt, guessed.
    prompt: u64,
    keep: KeepAnswers,
    body: Body,
    /// Its beginning, where that is kept.
    raw: Option<BytesMut>,
}

enum Body {
    Stream(Box<StreamReader>, Option<Box<Texts>>),
    Document(BytesMut),
    /// Not read: an error, a call that is none of the model's, a document too long.
    Opaque,
}

impl AnswerReader {
    pub(super) fn new(outgoing: &Outgoing, keep: KeepAnswers) -> Self {
        let prompt = (outgoing.body.len() as u64).div_ceil(BYTES_PER_TOKEN);
        let raw = (keep == KeepAnswers::Raw).then(BytesMut::new);
        Self { operation: outgoing.operation, prompt, keep, body: Body::Opaque, raw }
    }

    /// The beginning of its body, where that is kept.
    pub(super) fn take_raw(&mut self) -> Option<Bytes> {
        self.raw.take().map(BytesMut::freeze)
    }

    /// The head says what is to come.
    pub(super) fn on_head(&mut self, head: &Parts) {
        if !self.operation.is_inference() || head.status.as_u16() >= 300 {
            return;
        }
        let kind = head.headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
        let is_stream =
            kind.get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"));
        self.body = if is_stream {
            let reader = StreamReader::new(self.operation, UsageChunk::Keep);
            let texts = self.keep.keeps_texts().then(Box::<Texts>::default);
            Body::Stream(Box::new(reader), texts)
        } else {
            Body::Document(BytesMut::new())
        };
    }

    /// Reads a chunk; whether it holds generated output.
    pub(super) fn feed(&mut self, chunk: Bytes) -> bool {
        if let Some(raw) = &mut self.raw {
            let room = MAX_RAW.saturating_sub(raw.len()).min(chunk.len());
            raw.extend_from_slice(&chunk[..room]);
        }
        match &mut self.body {
            Body::Stream(reader, texts) => {
                if let Some(texts) = texts {
                    texts.feed(&chunk);
                }
                return reader.feed(chunk).generated;
            }
            Body::Document(document) if document.len() + chunk.len() <= MAX_DOCUMENT => {
                document.extend_from_slice(&chunk);
            }
            Body::Document(_) => self.body = Body::Opaque,
            Body::Opaque => {}
        }
        false
    }

    /// What it said, given its status and how it ended. What came to its end before nobody
    /// waited for more is whole.
    pub(super) fn finish(self, status: Option<u16>, end: BodyEnd) -> Said {
        let by_status = status.and_then(failure_of);
        let by_end = match end {
            BodyEnd::Proper => None,
            BodyEnd::Broken => Some(Failure::Broken),
            BodyEnd::GivenUp(failure) => Some(failure),
        };
        match self.body {
            _ if by_status.is_some() || status.is_none() => {
                Said { failure: by_status.or(by_end), ..Said::default() }
            }
            Body::Opaque => Said { failure: by_end, ..Said::default() },
            Body::Stream(reader, texts) => {
                let mut said = stream(*reader, end, self.prompt);
                said.answer = texts.filter(|_| said.failure.is_none()).map(|texts| texts.finish());
                said
            }
            Body::Document(_) if by_end.is_some() => Said { failure: by_end, ..Said::default() },
            Body::Document(document) => {
                read_document(self.operation, &document, self.prompt, self.keep)
            }
        }
    }
}

fn stream(mut reader: StreamReader, end: BodyEnd, prompt: u64) -> Said {
    reader.finish();
    let is_whole = end == BodyEnd::Proper && reader.finish_reason_seen();
    let failure = match (reader.end(), end) {
        (StreamEnd::Terminated, _) => None,
        (StreamEnd::ErrorEvent, _) => Some(Failure::StreamError),
        (StreamEnd::Open, _) if is_whole => None,
        (StreamEnd::Open, BodyEnd::GivenUp(failure)) => Some(failure),
        (StreamEnd::Open, BodyEnd::Proper | BodyEnd::Broken) => Some(Failure::Truncated),
    };
    let tokens = tokens(reader.usage(), prompt, reader.output_bytes());
    Said { failure, tokens: Some(tokens), answer: None }
}

fn read_document(operation: Operation, body: &[u8], prompt: u64, keep: KeepAnswers) -> Said {
    let facts = read_answer(operation, body);
    let failure = match (facts.is_well_formed, facts.has_error) {
        (false, _) => Some(Failure::Broken),
        (true, true) => Some(Failure::ServerError),
        (true, false) => None,
    };
    let texts = failure.is_none().then(|| Texts::of_document(operation, body));
    let output = texts.as_ref().map_or(0, Texts::bytes);
    Said {
        failure,
        tokens: Some(tokens(facts.usage, prompt, output)),
        answer: texts.filter(|_| keep.keeps_texts()).map(Texts::finish),
    }
}

/// Tokens in and out as the target counted them, else by the length of the text.
fn tokens(counted: Option<Usage>, prompt: u64, output_bytes: u64) -> (u64, u64, CountedBy) {
    match counted {
        Some(usage) => (usage.input, usage.output, CountedBy::Target),
        None => (prompt, output_bytes.div_ceil(BYTES_PER_TOKEN), CountedBy::Guess),
    }
}

/// What a status means by itself. A redirect is not followed: an API that answers so was given
/// the wrong address.
fn failure_of(status: u16) -> Option<Failure> {
    match StatusCode::from_u16(status) {
        Ok(StatusCode::TOO_MANY_REQUESTS) => Some(Failure::RateLimited),
        Ok(status) if status.is_success() => None,
        Ok(status) if status.is_server_error() => Some(Failure::ServerError),
        Ok(status) if status.is_client_error() || status.is_redirection() => {
            Some(Failure::ClientError)
        }
        _ => Some(Failure::Broken),
    }
}
