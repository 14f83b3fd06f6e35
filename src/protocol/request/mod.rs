//! What a request body asks for.
//!
//! Owns the reading of the few members that a proxy needs: all of the body is checked to
//! be JSON, nothing of it is built or copied. A repeated member counts by its last value,
//! as in `serde_json` and the servers behind us. Must not know: which models exist, or
//! where they are.

mod cache;
#[cfg(test)]
mod cache_tests;
mod edit;
mod error;
#[cfg(test)]
mod tests;

pub use cache::{CacheView, LiteLlmCache, Temperature, read_cache_view, write_canonical_request};
pub use edit::{AskUsage, CacheMember, Edits};
pub use error::RequestError;

use crate::protocol::json::{Cursor, Kind, Step};
use crate::protocol::text::has_harmful_characters;
use crate::types::Operation;
use edit::{Splice, member_with_comma};
use std::ops::Range;

/// Longest name of a model, in characters.
const MAX_MODEL_CHARS: usize = 256;

/// A token of a request is taken for this many bytes of its body. That is right for
/// English text to within a third or so, too high for images, and cheap.
const BYTES_PER_TOKEN: u64 = 4;

/// Whether the answer is to come in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMode {
    /// As one JSON document.
    Whole,
    /// As server-sent events.
    Streamed,
}

/// What a body says. Belongs to the very bytes it was read from.
#[derive(Clone, Debug)]
pub struct RequestView {
    model: String,
    model_place: Range<usize>,
    mode: StreamMode,
    /// The change after which the upstream reports usage; none where that is not for us
    /// to ask.
    usage_splice: Option<Splice>,
    /// The member that is meant for a cache, with the comma that goes with it.
    cache_place: Option<Range<usize>>,
    max_tokens: Option<u64>,
    length: usize,
}

/// Reads a request of `operation`.
///
/// # Errors
/// When the body is not a JSON object, names no usable model, or has a `stream` that is no
/// boolean. All else is the upstream's to judge.
pub fn read_request(operation: Operation, body: &[u8]) -> Result<RequestView, RequestError> {
    std::str::from_utf8(body).map_err(|e| RequestError::at(body, e.valid_up_to(), "not UTF-8"))?;
    let members = Members::read(body)?;
    let (model, model_place) = members.model(body)?;
    let mode = members.mode(operation)?;
    Ok(RequestView {
        model,
        model_place,
        mode,
        usage_splice: match mode {
            StreamMode::Streamed => members.usage_splice(body),
            StreamMode::Whole => None,
        },
        cache_place: members.cache.place(body),
        max_tokens: members.max_tokens(body),
        length: body.len(),
    })
}

impl RequestView {
    /// The model's name as the caller says it: not empty, at most 256 characters, none of
    /// them a control character.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the answer is to come in events.
    pub fn mode(&self) -> StreamMode {
        self.mode
    }

    /// Whether the answer is to come in events.
    pub fn streams(&self) -> bool {
        self.mode == StreamMode::Streamed
    }

    /// The most tokens to generate: `max_completion_tokens`, else `max_tokens`.
    pub fn max_tokens(&self) -> Option<u64> {
        self.max_tokens
    }

    /// Roughly the tokens of the prompt: a quarter of the body's bytes.
    pub fn estimated_input_tokens(&self) -> u64 {
        (self.length as u64).div_ceil(BYTES_PER_TOKEN)
    }

    /// Roughly the work the request may be: its prompt and the most it may generate.
    pub fn estimated_tokens(&self) -> u64 {
        self.estimated_input_tokens().saturating_add(self.max_tokens.unwrap_or(0))
    }

    /// Whether the upstream will report usage only if [`RequestView::edit`] asks it to.
    pub fn usage_to_ask_for(&self) -> AskUsage {
        if self.usage_splice.is_some() { AskUsage::Yes } else { AskUsage::No }
    }
}

/// Whether a text can be a model's name.
pub(super) fn is_model_name(text: &str) -> bool {
    !text.is_empty()
        // A character has at least one byte.
        && (text.len() <= MAX_MODEL_CHARS || text.chars().count() <= MAX_MODEL_CHARS)
        && !has_harmful_characters(text)
}

/// The last value of each member of interest.
#[derive(Default)]
struct Members {
    /// Right after the opening brace.
    start: usize,
    model: Option<Value>,
    stream: Option<Value>,
    stream_options: Option<Value>,
    max_tokens: Option<Value>,
    max_completion_tokens: Option<Value>,
    cache: CacheObject,
}

/// LiteLLM's `cache`.
#[derive(Default)]
enum CacheObject {
    #[default]
    Absent,
    /// An object under a name of this length, quotes and all.
    Given { name: usize, value: Range<usize> },
    /// Something else, or repeated: the upstream's to judge.
    Odd,
}

/// A value's kind and place.
#[derive(Clone)]
struct Value {
    kind: Kind,
    place: Range<usize>,
}

impl Members {
    fn read(body: &[u8]) -> Result<Self, RequestError> {
        let mut found = Self::default();
        let mut cursor = Cursor::new(body);
        let kind = cursor.kind();
        let walked = match kind {
            Ok(Kind::Object) => found.walk(&mut cursor),
            Ok(_) => cursor.check().map(|_| ()),
            Err(malformed) => Err(malformed),
        };
        let read = walked.and_then(|()| cursor.end());
        read.map_err(|malformed| RequestError::at(body, malformed.at, malformed.what))?;
        if kind != Ok(Kind::Object) {
            return Err(RequestError::NotAnObject);
        }
        Ok(found)
    }

    fn walk(&mut self, cursor: &mut Cursor<'_>) -> Step {
        self.start = cursor.position() + 1;
        cursor.members(|cursor, name| {
            let value = Some(Value { kind: cursor.kind()?, place: cursor.check()? });
            match &*name.bytes() {
                b"model" => self.model = value,
                b"stream" => self.stream = value,
                b"stream_options" => self.stream_options = value,
                b"max_tokens" => self.max_tokens = value,
                b"max_completion_tokens" => self.max_completion_tokens = value,
                b"cache" => self.cache.meet(name.raw().len() + 2, value),
                _ => {}
            }
            Ok(())
        })
    }

    fn model(&self, body: &[u8]) -> Result<(String, Range<usize>), RequestError> {
        let Some(Value { kind, place }) = self.model.clone().filter(Value::is_given) else {
            return Err(RequestError::MissingModel);
        };
        if kind != Kind::String {
            return Err(RequestError::WrongType { field: "model", expected: "a string" });
        }
        let text = Cursor::new(&body[place.clone()]).text().ok().flatten();
        let name = text.and_then(|text| text.decode()).ok_or(RequestError::BadModelName)?;
        match &*name {
            "" => Err(RequestError::MissingModel),
            name if is_model_name(name) => Ok((name.to_owned(), place)),
            _ => Err(RequestError::BadModelName),
        }
    }

    fn mode(&self, operation: Operation) -> Result<StreamMode, RequestError> {
        let streams = match self.stream.as_ref().map(|value| value.kind) {
            Some(Kind::True) => true,
            None | Some(Kind::False | Kind::Null) => false,
            Some(_) => {
                return Err(RequestError::WrongType { field: "stream", expected: "a boolean" });
            }
        };
        let can = matches!(operation, Operation::Chat | Operation::TextCompletion);
        Ok(if streams && can { StreamMode::Streamed } else { StreamMode::Whole })
    }

    fn max_tokens(&self, body: &[u8]) -> Option<u64> {
        let given = |value: &Option<Value>| value.clone().filter(Value::is_given);
        let value = given(&self.max_completion_tokens).or_else(|| given(&self.max_tokens))?;
        Cursor::new(&body[value.place]).count().ok().flatten()
    }

    fn usage_splice(&self, body: &[u8]) -> Option<Splice> {
        let Some(Value { kind, place }) = self.stream_options.clone() else {
            let member = "\"stream_options\":{\"include_usage\":true},";
            return Some(Splice { place: self.start..self.start, with: member });
        };
        match kind {
            Kind::Null => Some(Splice { place, with: "{\"include_usage\":true}" }),
            Kind::Object => Splice::of_include_usage(body, place),
            _ => None,
        }
    }
}

impl CacheObject {
    fn meet(&mut self, name: usize, value: Option<Value>) {
        *self = match (&self, value) {
            (Self::Absent, Some(Value { kind: Kind::Object, place })) => {
                Self::Given { name, value: place }
            }
            _ => Self::Odd,
        };
    }

    fn place(&self, body: &[u8]) -> Option<Range<usize>> {
        match self {
            Self::Given { name, value } => Some(member_with_comma(body, *name, value)),
            Self::Absent | Self::Odd => None,
        }
    }
}

impl Value {
    fn is_given(&self) -> bool {
        self.kind != Kind::Null
    }
}
