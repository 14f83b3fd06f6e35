//! A streamed OpenAI answer, read along while it passes.
//!
//! Owns what is passed on and what is known of the stream as a whole. Must not know: the
//! time, or how the connection ended.

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;

use crate::protocol::choices::{ChoiceCount, Choices, Finish};
use crate::protocol::chunk::{error_message, read_chunk};
use crate::protocol::parts::BodyParts;
use crate::protocol::sse::{Piece, PieceKind, SseEvent, SseSplitter};
use crate::protocol::text::clean_text;
use crate::types::{Operation, StreamEnd, Usage};
use bytes::Bytes;

/// Longest name of a model that is kept, in characters.
const MAX_MODEL_CHARS: usize = 256;
/// Longest error message that is kept, in characters.
const MAX_MESSAGE_CHARS: usize = 512;

/// What becomes of the chunk that holds usage and no choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageChunk {
    /// It is passed on: the caller asked for it.
    Keep,
    /// It is left out: only we asked for it.
    Strip,
}

/// What a chunk of the stream led to.
#[derive(Debug)]
pub struct Fed {
    /// What to pass on now.
    pub forward: BodyParts,
    /// Whether an event that ended in this chunk holds generated output: text, reasoning,
    /// a refusal or part of a tool call. Roles, empty texts and pings are none.
    pub generated: bool,
}

/// Reads the events of one stream.
///
/// With [`UsageChunk::Keep`] every chunk is passed on as it came, at once. With
/// [`UsageChunk::Strip`] an event is passed on when its end has come, so that it can still
/// be left out; an event too long to be kept is passed on as it comes.
#[derive(Debug)]
pub struct StreamReader {
    usage_chunk: UsageChunk,
    splitter: SseSplitter,
    said: Said,
    /// The last event was left out; the rest of its line end may be still to come.
    left_out: bool,
    /// [`StreamReader::finish`] found an unfinished event that the client has got.
    cut: bool,
}

impl Fed {
    /// A chunk that is passed on unread.
    pub fn untouched(chunk: Bytes) -> Self {
        Self { forward: chunk.into(), generated: false }
    }
}

impl StreamReader {
    /// A reader of the answer to a call of `operation`.
    pub fn new(operation: Operation, usage_chunk: UsageChunk) -> Self {
        Self {
            usage_chunk,
            splitter: SseSplitter::default(),
            said: Said::new(operation),
            left_out: false,
            cut: false,
        }
    }

    /// Reads the next chunk.
    pub fn feed(&mut self, chunk: Bytes) -> Fed {
        let output_before = self.said.output_bytes;
        let forward = match self.usage_chunk {
            UsageChunk::Keep => {
                self.splitter.split(&chunk, |piece| {
                    self.said.read_piece(&piece, &chunk);
                });
                chunk.into()
            }
            UsageChunk::Strip => self.feed_and_strip(&chunk),
        };
        Fed { forward, generated: self.said.output_bytes > output_before }
    }

    fn feed_and_strip(&mut self, chunk: &Bytes) -> BodyParts {
        let mut forward = BodyParts::default();
        // Where what is passed on in one piece begins.
        let mut from = 0;
        let rest = self.splitter.split(chunk, |piece| {
            if piece.kind != PieceKind::LineFeed {
                let content = self.said.read_piece(&piece, chunk);
                self.left_out = content == Content::UsageOnly;
            }
            let Piece { place, joined, .. } = piece;
            if self.left_out {
                forward.push(chunk.slice(from..place.start));
                from = place.end;
            } else if let Some(whole) = joined {
                forward.push(whole);
                from = place.end;
            }
        });
        forward.push(chunk.slice(from..rest));
        forward
    }

    /// No more chunks will come. Returns what was held back and must be passed on now. A
    /// last event that is whole but for its empty line is read, as many clients do.
    pub fn finish(&mut self) -> Option<Bytes> {
        let rest = self.splitter.take_unfinished();
        if rest.is_empty() {
            return None;
        }
        let strip = self.usage_chunk == UsageChunk::Strip;
        let left_out = self.said.read_last_event(&rest) == Content::UsageOnly && strip;
        self.cut = !left_out;
        (strip && !left_out).then_some(rest)
    }

    /// How the stream ended, as far as its events say: by `[DONE]` or by an error,
    /// whichever came first.
    pub fn end(&self) -> StreamEnd {
        self.said.end
    }

    /// Whether a choice has come to its end. A stream that then ends properly is whole,
    /// even without `[DONE]`.
    pub fn finish_reason_seen(&self) -> bool {
        self.said.finish_reason_seen
    }

    /// The choices so far, and how many of them came to their end.
    pub fn choices(&self) -> ChoiceCount {
        self.said.choices.count()
    }

    /// The first error event's message, cleaned and cut at 512 characters.
    pub fn error_message(&self) -> Option<&str> {
        self.said.error_message.as_deref()
    }

    /// The last usage that the upstream told.
    pub fn usage(&self) -> Option<Usage> {
        self.said.usage
    }

    /// The model that answers, cleaned and cut at 256 characters.
    pub fn model(&self) -> Option<&str> {
        self.said.model.as_deref()
    }

    /// Events with data so far, `[DONE]` among them.
    pub fn events(&self) -> u64 {
        self.said.events
    }

    /// Events too long to be read.
    pub fn oversized_events(&self) -> u64 {
        self.said.oversized_events
    }

    /// Bytes of generated text so far, as they stand in the JSON.
    pub fn output_bytes(&self) -> u64 {
        self.said.output_bytes
    }

    /// Whether the client has got whole events only, so that another can follow.
    pub fn at_event_boundary(&self) -> bool {
        let whole_events_passed_on = match self.usage_chunk {
            UsageChunk::Keep => self.splitter.is_at_boundary(),
            UsageChunk::Strip => !self.splitter.is_in_oversized(),
        };
        whole_events_passed_on && !self.cut
    }
}

/// What the events said.
#[derive(Debug)]
struct Said {
    operation: Operation,
    end: StreamEnd,
    finish_reason_seen: bool,
    choices: Choices,
    error_message: Option<String>,
    usage: Option<Usage>,
    model: Option<String>,
    events: u64,
    oversized_events: u64,
    output_bytes: u64,
}

/// What an event is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Usage without a choice.
    UsageOnly,
    /// Anything else.
    Other,
}

impl Said {
    fn new(operation: Operation) -> Self {
        Self {
            operation,
            end: StreamEnd::Open,
            finish_reason_seen: false,
            choices: Choices::default(),
            error_message: None,
            usage: None,
            model: None,
            events: 0,
            oversized_events: 0,
            output_bytes: 0,
        }
    }

    fn read_piece(&mut self, piece: &Piece, chunk: &[u8]) -> Content {
        match (piece.kind, &piece.joined) {
            (PieceKind::Event, Some(whole)) => return self.read_event(whole),
            (PieceKind::Event, None) => return self.read_event(&chunk[piece.place.clone()]),
            (PieceKind::OversizedEnd, _) => self.oversized_events += 1,
            (PieceKind::Oversized | PieceKind::LineFeed, _) => {}
        }
        Content::Other
    }

    fn read_event(&mut self, lines: &[u8]) -> Content {
        let SseEvent { name, data } = SseEvent::read(lines);
        if data.is_empty() {
            return Content::Other;
        }
        self.events += 1;
        if is_done(&data) {
            self.close(StreamEnd::Terminated);
            return Content::Other;
        }
        let chunk = read_chunk(self.operation, &data);
        if name == b"error" || chunk.as_ref().is_some_and(|chunk| chunk.is_error) {
            self.fail(&data);
        }
        let Some(chunk) = chunk else { return Content::Other };
        for choice in chunk.choices() {
            self.finish_reason_seen |= choice.finish != Finish::None;
            self.choices.note(choice.index, choice.finish);
        }
        self.output_bytes += chunk.output_bytes;
        self.usage = chunk.usage.or(self.usage);
        if self.model.is_none() {
            let name = chunk.model.and_then(|model| model.decode());
            let name = name.map(|name| clean_text(&name, MAX_MODEL_CHARS));
            self.model = name.filter(|name| !name.is_empty());
        }
        if chunk.is_usage_only { Content::UsageOnly } else { Content::Other }
    }

    /// An event that may have been cut.
    fn read_last_event(&mut self, lines: &[u8]) -> Content {
        let data = SseEvent::read(lines).data;
        if is_done(&data) || read_chunk(self.operation, &data).is_some() {
            return self.read_event(lines);
        }
        Content::Other
    }

    fn fail(&mut self, data: &[u8]) {
        if self.end == StreamEnd::Open {
            self.error_message = Some(clean_text(&error_message(data), MAX_MESSAGE_CHARS));
        }
        self.close(StreamEnd::ErrorEvent);
    }

    fn close(&mut self, end: StreamEnd) {
        if self.end == StreamEnd::Open {
            self.end = end;
        }
    }
}

/// OpenAI's terminator.
fn is_done(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]"
}
