//! Which answers are kept.
//!
//! Owns the rule: a whole answer that says so itself, or an error that will be the same
//! again. Must not know: the request it is for, or where it is kept.

use crate::cache::control::{Control, Write};
use crate::cache::entry::Life;
use crate::cache::settings::RouteCache;
use crate::protocol::ChoiceCount;
use crate::types::{Operation, StreamEnd};
use std::time::Duration;

/// The errors that may be kept: they are about the request, and will be the same again.
/// Not those about the caller, the moment or the server.
const LASTING_ERRORS: [u16; 4] = [400, 404, 413, 422];

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// What was asked for.
    pub operation: Operation,
    /// How many choices there should be, [`crate::protocol::CacheView::choices`].
    pub choices: u64,
    /// What the caller wants.
    pub control: &'a Control,
    /// What the operator wants.
    pub settings: &'a RouteCache,
}

/// What is known of an answer when its head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadFacts {
    /// Its status.
    pub status: u16,
    /// Whether it has a `Content-Encoding`, and so cannot be read.
    pub is_encoded: bool,
    /// Its `Content-Length`.
    pub length: Option<u64>,
    /// Who gave it.
    pub from: AnsweredBy,
}

/// Who gave an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// A target that the model is served by.
    Target,
    /// One that stands in while those cannot.
    StandIn,
}

/// What is known of an answer when it is through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndFacts {
    /// Its kind, with what was read of it.
    pub body: BodyFacts,
    /// Whether the body came to the end that its framing promised.
    pub is_complete: bool,
    /// The bytes that came.
    pub received: u64,
    /// Whether all of it is still at hand, and small enough to be kept.
    pub is_at_hand: bool,
}

/// What was read of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFacts {
    /// Server-sent events.
    Stream {
        /// How they ended.
        end: StreamEnd,
        /// Its choices.
        choices: ChoiceCount,
        /// Events too long to be read.
        unread_events: u64,
    },
    /// A JSON document.
    Document {
        /// Whether it is an object to its end.
        is_well_formed: bool,
        /// Whether that has an `error`.
        has_error: bool,
        /// Its choices.
        choices: ChoiceCount,
    },
    /// It was not read: an error, another type, or too long.
    Opaque,
}

/// Why an answer is not kept. The labels are a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotStored {
    /// The caller said so: `no-store`, `read-only` or a time of 0.
    NoStore,
    /// A status that is not to be kept.
    Status,
    /// It is encoded, and so could not be read.
    Encoded,
    /// It is of a kind that is not understood.
    Opaque,
    /// Another than the model's own target gave it.
    StandIn,
    /// It was cut.
    Truncated,
    /// It is shorter or longer than its head says.
    LengthMismatch,
    /// It tells of an error.
    Error,
    /// One of its choices did not come to its end, or is not there.
    Unfinished,
    /// It is too large.
    TooLarge,
}

impl NotStored {
    /// All reasons.
    pub const ALL: [Self; 10] = [
        Self::NoStore,
        Self::Status,
        Self::Encoded,
        Self::Opaque,
        Self::StandIn,
        Self::Truncated,
        Self::LengthMismatch,
        Self::Error,
        Self::Unfinished,
        Self::TooLarge,
    ];

    /// The label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoStore => "no_store",
            Self::Status => "status",
            Self::Encoded => "encoded",
            Self::Opaque => "opaque",
            Self::StandIn => "stand_in",
            Self::Truncated => "truncated",
            Self::LengthMismatch => "length_mismatch",
            Self::Error => "error",
            Self::Unfinished => "unfinished",
            Self::TooLarge => "too_large",
        }
    }
}

/// Whether an answer with this head may be kept or shared, so far.
///
/// Its other headers do not matter, not even `Cache-Control`: no header but `Content-Type`
/// is kept, and the operator's word is asked for, because servers of streams say `no-cache`
/// or `no-store` to every proxy on their way.
///
/// # Errors
/// Why not.
pub fn may_lead(head: &HeadFacts, settings: &RouteCache) -> Result<(), NotStored> {
    let kept_error = LASTING_ERRORS.contains(&head.status) && !settings.errors.is_zero();
    if head.status != 200 && !kept_error {
        return Err(NotStored::Status);
    }
    if head.is_encoded {
        return Err(NotStored::Encoded);
    }
    match head.from {
        AnsweredBy::Target => Ok(()),
        AnsweredBy::StandIn => Err(NotStored::StandIn),
    }
}

/// Whether an answer that is through may be kept, and for how long.
///
/// # Errors
/// Why not.
pub fn may_store(
    expected: Expected<'_>,
    head: &HeadFacts,
    end: &EndFacts,
) -> Result<Life, NotStored> {
    let Expected { control, settings, .. } = expected;
    if control.write == Write::No {
        return Err(NotStored::NoStore);
    }
    may_lead(head, settings)?;
    if !end.is_complete {
        return Err(NotStored::Truncated);
    }
    if head.length.is_some_and(|promised| promised != end.received) {
        return Err(NotStored::LengthMismatch);
    }
    if head.status == 200 {
        end.body.is_whole(expected)?;
    }
    if !end.is_at_hand {
        return Err(NotStored::TooLarge);
    }
    Ok(if head.status == 200 {
        Life { fresh: control.ttl, stale: settings.stale() }
    } else {
        Life { fresh: settings.errors.min(control.ttl), stale: Duration::ZERO }
    })
}

impl BodyFacts {
    fn is_whole(&self, expected: Expected<'_>) -> Result<(), NotStored> {
        let choices = match *self {
            Self::Opaque => return Err(NotStored::Opaque),
            Self::Stream { unread_events: 1.., .. } => return Err(NotStored::Opaque),
            Self::Stream { end: StreamEnd::ErrorEvent, .. } => return Err(NotStored::Error),
            Self::Stream { end: StreamEnd::Open, .. } => return Err(NotStored::Truncated),
            Self::Document { has_error: true, .. } => return Err(NotStored::Error),
            Self::Document { is_well_formed: false, .. } => return Err(NotStored::Truncated),
            Self::Stream { choices, .. } | Self::Document { choices, .. } => choices,
        };
        let generates = expected.operation != Operation::Embeddings;
        if generates && !choices.is_whole(expected.choices) {
            return Err(NotStored::Unfinished);
        }
        Ok(())
    }
}
