//! What a list says of a record, and where the record is.
//!
//! Must not know: how it is found again.

use super::SegmentId;
use crate::capture::{Exchange, Session};
use crate::types::{Outcome, TraceId};
use std::time::Duration;

/// What a list says of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexEntry {
    /// When the request was received, since 1970.
    pub received: Duration,
    /// The id that its answer carried.
    pub request_id: Option<String>,
    /// Its trace.
    pub trace_id: Option<TraceId>,
    /// Its place in a conversation.
    pub session: Option<Session>,
    /// The alias of the API key.
    pub key: Option<String>,
    /// The configured model.
    pub model: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// From the request received to the answer's last byte.
    pub duration: Option<Duration>,
    /// Bytes of both bodies as they were, whatever was kept of them.
    pub bytes: u64,
}

/// Where a record is. It moves when records of its segment are erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The segment.
    pub segment: SegmentId,
    /// Where its frame begins, in bytes.
    pub offset: u64,
    /// Which of the frame's records it is, from 0.
    pub ordinal: u32,
}

/// A record as a list has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Indexed {
    /// Where it is.
    pub place: Place,
    /// What is said of it.
    pub entry: IndexEntry,
}

impl IndexEntry {
    /// What a list says of `exchange`.
    pub fn of(exchange: &Exchange) -> Self {
        let answer = exchange.answer.as_ref();
        let answered = answer.and_then(|answer| answer.bytes.or(answer.message.body.length()));
        let asked = exchange.request.body.length();
        Self {
            received: exchange.times.received,
            request_id: exchange.request_id.clone(),
            trace_id: exchange.trace_id,
            session: exchange.session.clone(),
            key: exchange.caller.key.clone(),
            model: exchange.call.model.clone(),
            outcome: exchange.outcome,
            status: answer.map(|answer| answer.status),
            duration: exchange.times.last,
            bytes: asked.unwrap_or(0).saturating_add(answered.unwrap_or(0)),
        }
    }
}
