//! What is read along while an answer's body passes: streams event by event, plain
//! answers at their end, errors not at all.
//!
//! Must not know: where the bytes come from or go.

use crate::cache::BodyFacts;
use crate::observe::verdict::Ending;
use crate::protocol::{AskUsage, Fed, StreamReader, UsageChunk, read_answer};
use crate::types::{Operation, StreamEnd, Usage};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// Plain answers beyond this size are not read for their usage.
const WHOLE_LIMIT: usize = 16 * 1024 * 1024;

/// Reads one answer of one kind.
pub(super) enum AnswerReader {
    /// Server-sent events.
    Stream(Box<StreamReader>),
    /// A JSON document.
    Whole(WholeBody),
    /// Not to be understood: an error, a compressed body, another type.
    Opaque,
}

/// What an answer's body said.
pub(super) struct AnswerFacts {
    pub(super) events: u64,
    pub(super) usage: Option<Usage>,
    pub(super) model: Option<String>,
    /// Bytes of generated text, for an estimate of its tokens.
    pub(super) output_bytes: u64,
    /// Whether it is whole.
    pub(super) body: BodyFacts,
}

impl AnswerReader {
    /// The reader for an answer with this head.
    pub(super) fn of(
        operation: Operation,
        status: u16,
        headers: &HeaderMap,
        asked: AskUsage,
    ) -> Self {
        let kind = headers.get(CONTENT_TYPE).map_or(&[][..], |value| value.as_bytes());
        let is = |kind_of: &[u8]| {
            kind.get(..kind_of.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind_of))
        };
        if headers.contains_key(CONTENT_ENCODING) {
            Self::Opaque
        } else if is(b"text/event-stream") {
            let usage_chunk =
                if asked == AskUsage::No { UsageChunk::Keep } else { UsageChunk::Strip };
            Self::Stream(Box::new(StreamReader::new(operation, usage_chunk)))
        } else if status < 300 && is(b"application/json") {
            Self::Whole(WholeBody { operation, chunks: Vec::with_capacity(1), length: 0 })
        } else {
            Self::Opaque
        }
    }

    /// Reads a chunk and says what to pass on.
    pub(super) fn feed(&mut self, chunk: Bytes) -> Fed {
        match self {
            Self::Stream(reader) => reader.feed(chunk),
            Self::Whole(body) => {
                body.push(&chunk);
                Fed::untouched(chunk)
            }
            Self::Opaque => Fed::untouched(chunk),
        }
    }

    /// What was held back and is to be passed on after all, once nothing more comes.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        match self {
            Self::Stream(reader) => reader.finish(),
            Self::Whole(_) | Self::Opaque => None,
        }
    }

    /// Whether the terminator was seen, given how the body ended. A stream's is `[DONE]`,
    /// or its finish reason where the body also ended properly; any other body's is its
    /// framing.
    pub(super) fn end(&self, ending: Ending) -> StreamEnd {
        let complete = ending == Ending::Complete;
        match self {
            Self::Stream(reader) => match reader.end() {
                StreamEnd::Open if complete && reader.finish_reason_seen() => StreamEnd::Terminated,
                end => end,
            },
            Self::Whole(_) | Self::Opaque if complete => StreamEnd::Terminated,
            Self::Whole(_) | Self::Opaque => StreamEnd::Open,
        }
    }

    /// What the body said, given how it ended.
    pub(super) fn into_facts(self, end: StreamEnd) -> AnswerFacts {
        match self {
            Self::Stream(reader) => AnswerFacts {
                events: reader.events(),
                usage: reader.usage(),
                model: reader.model().map(str::to_owned),
                output_bytes: reader.output_bytes(),
                body: BodyFacts::Stream {
                    end,
                    choices: reader.choices(),
                    unread_events: reader.oversized_events(),
                },
            },
            Self::Whole(body) => body.into_facts(),
            Self::Opaque => AnswerFacts::opaque(),
        }
    }
}

impl AnswerFacts {
    const fn opaque() -> Self {
        Self { events: 0, usage: None, model: None, output_bytes: 0, body: BodyFacts::Opaque }
    }
}

/// A JSON document as its chunks came; they are shared with the way to the client.
pub(super) struct WholeBody {
    operation: Operation,
    chunks: Vec<Bytes>,
    length: usize,
}

impl WholeBody {
    fn push(&mut self, chunk: &Bytes) {
        self.length += chunk.len();
        if self.length <= WHOLE_LIMIT {
            self.chunks.push(chunk.clone());
        } else {
            self.chunks.clear();
        }
    }

    fn into_facts(self) -> AnswerFacts {
        if self.length > WHOLE_LIMIT {
            return AnswerFacts::opaque();
        }
        let read = |body: &[u8]| read_answer(self.operation, body);
        let answer = match self.chunks.as_slice() {
            [only] => read(only),
            chunks => {
                let mut whole = BytesMut::with_capacity(self.length);
                chunks.iter().for_each(|chunk| whole.extend_from_slice(chunk));
                read(&whole)
            }
        };
        AnswerFacts {
            events: 0,
            usage: answer.usage,
            model: answer.model,
            output_bytes: if self.operation == Operation::Embeddings {
                0
            } else {
                self.length as u64
            },
            body: BodyFacts::Document {
                is_well_formed: answer.is_well_formed,
                has_error: answer.has_error,
                choices: answer.choices,
            },
        }
    }
}
