//! Edits to a request body that copy none of it.
//!
//! Owns what is put where. Must not know: why an edit is wanted.

use crate::protocol::json::{Cursor, Kind};
use crate::protocol::parts::BodyParts;
use crate::protocol::request::{RequestView, Value};
use bytes::Bytes;
use std::ops::Range;

/// What to change in a body on its way to an upstream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edits<'a> {
    /// Another name for the model.
    pub model: Option<&'a str>,
    /// Whether to ask for a usage chunk.
    pub ask_usage: AskUsage,
    /// What becomes of LiteLLM's `cache` object.
    pub cache: CacheMember,
}

/// Whether the proxy asks for a usage chunk that the caller did not ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AskUsage {
    /// The body goes on as it is.
    #[default]
    No,
    /// `stream_options.include_usage` is made true.
    Yes,
}

/// What becomes of a top-level `cache` object, which LiteLLM's clients address to a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheMember {
    /// It goes on.
    #[default]
    Keep,
    /// It is taken out: it is ours, and strict servers refuse what they do not know. A
    /// `cache` that is no object, or is there twice, is not ours and goes on.
    Strip,
}

/// A text in the place of another.
#[derive(Clone, Debug)]
pub(super) struct Splice {
    pub(super) place: Range<usize>,
    pub(super) with: &'static str,
}

impl RequestView {
    /// The body with the changes made and every other byte as it was: at most six pieces,
    /// cut from `body` without copying. The length of `body` must be that of the bytes this
    /// view was read from; any other comes back unchanged.
    pub fn edit(&self, body: &Bytes, edits: &Edits<'_>) -> BodyParts {
        let mut parts = BodyParts::default();
        let mut done = 0;
        if body.len() == self.length {
            for (place, with) in self.changes(edits).into_iter().flatten() {
                parts.push(body.slice(done..place.start));
                parts.push(with);
                done = place.end;
            }
        }
        parts.push(body.slice(done..));
        parts
    }

    /// The changes in the order of their places.
    fn changes(&self, edits: &Edits<'_>) -> [Option<(Range<usize>, Bytes)>; 3] {
        let model = edits.model.map(|name| (self.model_place.clone(), quoted(name)));
        let usage = self.usage_splice.as_ref().filter(|_| edits.ask_usage == AskUsage::Yes);
        let usage =
            usage.map(|splice| (splice.place.clone(), Bytes::from_static(splice.with.as_bytes())));
        let cache = self.cache_place.clone().filter(|_| edits.cache == CacheMember::Strip);
        let cache = cache.map(|place| (place, Bytes::new()));
        let mut changes = [model, usage, cache];
        // What is put in before a member comes before what becomes of that member.
        let order = |(place, _): &(Range<usize>, Bytes)| (place.start, place.end);
        changes.sort_by_key(|change| change.as_ref().map(order));
        changes
    }
}

impl Splice {
    /// Makes `include_usage` true in the `stream_options` object at `place`. `None` when it
    /// is already, or is something that only the upstream can judge.
    pub(super) fn of_include_usage(body: &[u8], place: Range<usize>) -> Option<Self> {
        let start = place.start;
        let mut include = None;
        let mut members = 0_usize;
        let mut cursor = Cursor::new(&body[place]);
        let walked = cursor.members(|cursor, name| {
            let (kind, place) = (cursor.kind()?, cursor.pass()?);
            members += 1;
            if *name.bytes() == *b"include_usage" {
                include = Some(Value { kind, place: start + place.start..start + place.end });
            }
            Ok(())
        });
        walked.ok()?;
        let inside = start + 1..start + 1;
        match include {
            None if members == 0 => Some(Self { place: inside, with: "\"include_usage\":true" }),
            None => Some(Self { place: inside, with: "\"include_usage\":true," }),
            Some(Value { kind: Kind::False | Kind::Null, place }) => {
                Some(Self { place, with: "true" })
            }
            Some(_) => None,
        }
    }
}

/// The place of a member and of one comma beside it, so that what is left is an object:
/// the comma after it, or the one before it where it is the last. `name` is the length of
/// the member's name as it stands there, `value` the place of its value.
pub(super) fn member_with_comma(body: &[u8], name: usize, value: &Range<usize>) -> Range<usize> {
    let before_value = body[..value.start].trim_ascii_end();
    let before_colon = before_value.strip_suffix(b":").unwrap_or(before_value).trim_ascii_end();
    let start = before_colon.len() - name;
    let after = &body[value.end..];
    let rest = after.trim_ascii_start();
    if rest.starts_with(b",") {
        return start..body.len() - rest.len() + 1;
    }
    match body[..start].trim_ascii_end().strip_suffix(b",") {
        Some(before) => before.len()..value.end,
        None => start..value.end,
    }
}

fn quoted(text: &str) -> Bytes {
    // A string cannot fail to be written.
    serde_json::to_vec(text).unwrap_or_default().into()
}
