//! What lists say of segments that no longer change, remembered.
//!
//! A row is about a file of one length: one that was written anew is read again. Sealed segments
//! have no row: what is known of them must go with their key. Must not know: where rows are kept.

use super::listing;
use crate::capture::Session;
use crate::capture::segment::{IndexEntry, Indexed, Place, SegmentId};
use crate::types::{Outcome, TraceId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where rows are kept. What it cannot do is done without it.
pub trait SegmentRows: Send + Sync {
    /// The row of a segment.
    fn row(&self, segment: &str) -> Option<Vec<u8>>;
    /// Remembers a row.
    fn put(&self, segment: &str, row: Vec<u8>);
    /// Forgets a row.
    fn remove(&self, segment: &str);
    /// The segments that have one.
    fn segments(&self) -> Vec<String>;
}

/// zstd's fastest ordinary level.
const LEVEL: i32 = 1;
/// Nobody has a longer one: a segment is 64 MiB.
const MOST: usize = 256 << 20;

/// All that a row says.
#[derive(Serialize, Deserialize)]
struct Row {
    /// Of this length in bytes.
    length: u64,
    records: Vec<Record>,
}

/// One record. Times are in microseconds.
#[derive(Serialize, Deserialize)]
struct Record {
    place: (u64, u32),
    received: u64,
    request_id: Option<String>,
    trace_id: Option<String>,
    session: Option<(String, u32)>,
    key: Option<String>,
    model: Option<String>,
    outcome: Option<String>,
    status: Option<u16>,
    duration: Option<u64>,
    bytes: u64,
}

/// The records of a segment of that `length`, if they are remembered.
pub(super) fn read(rows: &dyn SegmentRows, id: SegmentId, length: u64) -> Option<Vec<Indexed>> {
    let packed = rows.row(&id.to_string())?;
    let json = zstd::bulk::decompress(&packed, MOST).ok()?;
    let row: Row = serde_json::from_slice(&json).ok()?;
    (row.length == length)
        .then(|| row.records.into_iter().filter_map(|it| it.indexed(id)).collect())
}

/// Remembers the records of a segment of that `length`.
pub(super) fn keep(rows: &dyn SegmentRows, id: SegmentId, length: u64, records: &[Indexed]) {
    let row = Row { length, records: records.iter().map(Record::of).collect() };
    let packed =
        serde_json::to_vec(&row).ok().and_then(|json| zstd::bulk::compress(&json, LEVEL).ok());
    if let Some(packed) = packed {
        rows.put(&id.to_string(), packed);
    }
}

/// Forgets the rows of segments that have gone.
pub(super) fn tidy(rows: &dyn SegmentRows, stored: &[listing::Stored]) {
    let there: Vec<String> = stored.iter().map(|stored| stored.id.to_string()).collect();
    for gone in rows.segments().iter().filter(|segment| !there.contains(segment)) {
        rows.remove(gone);
    }
}

impl Record {
    fn of(Indexed { place, entry }: &Indexed) -> Self {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            place: (place.offset, place.ordinal),
            received: micros(entry.received),
            request_id: entry.request_id.clone(),
            trace_id: entry.trace_id.map(|id| id.to_string()),
            session: entry.session.as_ref().map(|session| (session.id.clone(), session.turn)),
            key: entry.key.clone(),
            model: entry.model.clone(),
            outcome: entry.outcome.map(|outcome| outcome.label().to_owned()),
            status: entry.status,
            duration: entry.duration.map(micros),
            bytes: entry.bytes,
        }
    }

    fn indexed(self, segment: SegmentId) -> Option<Indexed> {
        let outcome = |label: &String| Outcome::ALL.into_iter().find(|it| it.label() == label);
        let trace_id = match &self.trace_id {
            Some(text) => Some(TraceId::parse(text)?),
            None => None,
        };
        Some(Indexed {
            place: Place { segment, offset: self.place.0, ordinal: self.place.1 },
            entry: IndexEntry {
                received: Duration::from_micros(self.received),
                request_id: self.request_id,
                trace_id,
                session: self.session.map(|(id, turn)| Session { id, turn }),
                key: self.key,
                model: self.model,
                outcome: self.outcome.as_ref().and_then(outcome),
                status: self.status,
                duration: self.duration.map(Duration::from_micros),
                bytes: self.bytes,
            },
        })
    }
}
