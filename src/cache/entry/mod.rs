//! A complete answer as it is kept: what was sent, what it cost, for how long it holds.
//!
//! Must not know: where entries are kept, who asks for them, or how time is told.

#[cfg(test)]
mod tests;
mod wire;

use crate::types::{CacheKey, CacheTags, ChunkKind, NanoUsd, Usage};
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use std::fmt;
use std::time::{Duration, Instant};

pub use wire::Undecodable;

/// About what an entry takes beside its own bytes: its place in a tier, its key once more
/// there, the headers of its allocations.
const OVERHEAD: u64 = 256;

/// A piece of a body, as it was passed on.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The bytes.
    pub bytes: Bytes,
    /// How long after the request was received they came.
    pub after: Duration,
    /// Whether the chunk that they came in held generated output.
    pub kind: ChunkKind,
}

/// An answer that came to its proper end.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of the response.
    pub status: u16,
    /// Its `Content-Type`.
    pub content_type: Option<HeaderValue>,
    /// Its body, in order.
    pub frames: Vec<Frame>,
    /// The tokens that were counted for it.
    pub usage: Option<Usage>,
    /// What they cost.
    pub cost: Option<NanoUsd>,
    /// The model, as the upstream named it.
    pub model: Option<String>,
    /// The events of the stream; 0 where the body is none.
    pub events: u64,
    /// From the request's arrival to the answer's end.
    pub took: Duration,
}

impl Answer {
    /// Whether the body is a stream of events.
    pub fn is_stream(&self) -> bool {
        is_stream(self.content_type.as_ref())
    }

    /// Whether the body holds generated output.
    pub fn kind(&self) -> ChunkKind {
        let is_generated = |frame: &Frame| frame.kind == ChunkKind::Generated;
        if self.frames.iter().any(is_generated) { ChunkKind::Generated } else { ChunkKind::Other }
    }

    /// The bytes of the body.
    pub fn length(&self) -> u64 {
        self.frames.iter().map(|frame| frame.bytes.len() as u64).sum()
    }
}

/// Whether a `Content-Type` is that of server-sent events.
pub(in crate::cache) fn is_stream(content_type: Option<&HeaderValue>) -> bool {
    const EVENTS: &[u8] = b"text/event-stream";
    let kind = content_type.and_then(|value| value.as_bytes().get(..EVENTS.len()));
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(EVENTS))
}

/// How long an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// How long it may be given as it is.
    pub fresh: Duration,
    /// How long after that it may still be kept, for those who take it stale.
    pub stale: Duration,
}

/// Whether an answer holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It does.
    Fresh {
        /// For how much longer.
        left: Duration,
    },
    /// Only for those who take it stale.
    Stale {
        /// How long it has been so.
        by: Duration,
    },
    /// No longer, for nobody.
    Gone,
}

/// An answer under its key. Never changed once made; shared by `Arc`.
pub struct Entry {
    /// The request it answers.
    pub key: CacheKey,
    /// What it can be purged by.
    pub tags: CacheTags,
    /// The answer.
    pub answer: Answer,
    /// What its frames are slices of.
    body: Bytes,
    life: Life,
    since: Instant,
    /// Its age at `since`. Kept apart because an `Instant` before the machine's start may
    /// have no representation.
    spent: Duration,
    weight: u64,
}

impl Entry {
    /// The largest entry that [`Entry::decode`] takes, in bytes before compression: 64 MiB.
    pub const LARGEST: usize = 64 * 1024 * 1024;

    /// An entry of age 0. Copies the body into one allocation: the pieces may be slices of
    /// far larger read buffers, which would stay as long as the entry.
    pub fn new(
        key: CacheKey,
        tags: CacheTags,
        mut answer: Answer,
        (life, now): (Life, Instant),
    ) -> Self {
        let body = gather(&mut answer.frames);
        answer.content_type = answer.content_type.map(copied);
        let held = body.len();
        Self::assemble(key, tags, answer, (body, held)).starting(life, Duration::ZERO, now)
    }

    /// An entry whose frames are slices of `body`, in an allocation of `held` bytes; its life
    /// is yet to start.
    fn assemble(
        key: CacheKey,
        tags: CacheTags,
        answer: Answer,
        (body, held): (Bytes, usize),
    ) -> Assembled {
        let texts = [&tags.model, &tags.route, &tags.namespace, &tags.key, &tags.tenant];
        let bytes = held
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + answer.content_type.as_ref().map_or(0, HeaderValue::len)
            + answer.model.as_ref().map_or(0, String::len)
            + answer.frames.len() * size_of::<Frame>()
            + size_of::<Self>();
        Assembled { key, tags, answer, body, weight: bytes as u64 + OVERHEAD }
    }

    /// The whole body in one piece; copies nothing.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// How long ago the answer was made.
    pub fn age(&self, now: Instant) -> Duration {
        self.spent.saturating_add(now.saturating_duration_since(self.since))
    }

    /// Whether the answer holds at `now`.
    pub fn freshness(&self, now: Instant) -> Freshness {
        let age = self.age(now);
        match (self.life.fresh.checked_sub(age), age.checked_sub(self.life.fresh)) {
            (Some(left), _) if !left.is_zero() => Freshness::Fresh { left },
            (_, Some(by)) if by < self.life.stale => Freshness::Stale { by },
            _ => Freshness::Gone,
        }
    }

    /// For how much longer somebody may be given the answer.
    pub fn of_use_for(&self, now: Instant) -> Duration {
        self.life.fresh.saturating_add(self.life.stale).saturating_sub(self.age(now))
    }

    /// How long the answer holds, counted from when it was made.
    pub fn life(&self) -> Life {
        self.life
    }

    /// All the bytes that the entry holds, itself included.
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// The entry for a tier outside of this process, with the age it has at `now`.
    /// Compresses: not for threads that serve requests.
    pub fn encode(&self, now: Instant) -> Vec<u8> {
        wire::encode(self, now)
    }

    /// The entry that was encoded `stored_for` ago, if `bytes` are what was written then and
    /// of the request `key`. Decompresses: not for threads that serve requests.
    ///
    /// Any bytes give an error at worst, and take at most [`Entry::LARGEST`] and a few times
    /// their own length.
    pub fn decode(
        bytes: &[u8],
        key: &CacheKey,
        stored_for: Duration,
        now: Instant,
    ) -> Result<Self, Undecodable> {
        wire::decode(bytes, key, stored_for, now)
    }
}

impl fmt::Debug for Entry {
    /// Without the body: what a model said belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("life", &self.life)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// An entry that has no age yet.
struct Assembled {
    key: CacheKey,
    tags: CacheTags,
    answer: Answer,
    body: Bytes,
    weight: u64,
}

impl Assembled {
    fn starting(self, life: Life, spent: Duration, since: Instant) -> Entry {
        let Self { key, tags, answer, body, weight } = self;
        Entry { key, tags, answer, body, life, since, spent, weight }
    }
}

/// Moves all bodies into one allocation, and returns that.
fn gather(frames: &mut Vec<Frame>) -> Bytes {
    frames.shrink_to_fit();
    let length = frames.iter().map(|frame| frame.bytes.len()).sum();
    let mut all = BytesMut::with_capacity(length);
    frames.iter().for_each(|frame| all.extend_from_slice(&frame.bytes));
    let all = all.freeze();
    let mut rest = all.clone();
    for frame in frames {
        frame.bytes = rest.split_to(frame.bytes.len());
    }
    all
}

/// The value without the head that it may be a slice of.
fn copied(value: HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or(value)
}
