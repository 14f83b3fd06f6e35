//! What a list of segments says of each, kept beside those that were ended.
//!
//! Its absence says that a segment was not ended; one that does not fit the segment is worth
//! as little. Nothing of a record is in it but times, so it is not sealed. Must not know: how
//! records are counted.

use super::disk;
use super::id::{Part, SegmentId};
use crate::types::Micros;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

/// What a segment holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) records: u64,
    /// Bytes of its file.
    pub(crate) bytes: u64,
    /// When the first of its requests was received, since 1970; not always its first record.
    pub(crate) first: Option<Micros>,
    /// When the last one was.
    pub(crate) last: Option<Micros>,
}

impl Summary {
    /// Counts a record.
    pub(crate) fn add(&mut self, received: Duration) {
        let received = Micros::from(received);
        self.records += 1;
        self.first = Some(self.first.map_or(received, |first| first.min(received)));
        self.last = Some(self.last.map_or(received, |last| last.max(received)));
    }

    /// Counts all records of another.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.records += other.records;
        let firsts = self.first.into_iter().chain(other.first);
        self.first = firsts.min();
        self.last = self.last.max(other.last);
    }

    /// The summary of a segment whose file has so many bytes; `None` where there is none that
    /// fits.
    pub(crate) fn read(directory: &Path, segment: SegmentId, bytes: u64) -> Option<Self> {
        let read = fs::read(segment.path(directory, Part::Summary)).ok()?;
        let summary: Self = serde_json::from_slice(&read).ok()?;
        (summary.bytes == bytes).then_some(summary)
    }

    /// Notes that `segment` was ended.
    pub(crate) fn write(&self, directory: &Path, segment: SegmentId) -> io::Result<()> {
        let bytes = serde_json::to_vec(self)?;
        disk::replace_with(&segment.path(directory, Part::Summary), &bytes)
    }
}
