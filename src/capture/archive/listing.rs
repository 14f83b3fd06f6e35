//! Which segments there are.
//!
//! Must not know: records.

use super::{Archive, survey};
use crate::capture::segment::{Part, SegmentId, Summary};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use std::{fs, io};

/// A segment as a list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its name.
    pub id: SegmentId,
    /// When the first of its requests was received, since 1970.
    pub first: Duration,
    /// When the last one was.
    pub last: Duration,
    /// Whole records in it.
    pub records: u64,
    /// Bytes of its file.
    pub bytes: u64,
    /// Whether it is being written.
    pub state: SegmentState,
}

/// Whether a segment is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentState {
    /// No more: it was ended.
    Ended,
    /// It is written, or its writer was cut off.
    Open,
}

/// A segment on the disk.
pub(super) struct Stored {
    pub(super) id: SegmentId,
    pub(super) bytes: u64,
    /// `None` where it was not ended.
    pub(super) summary: Option<Summary>,
    changed: Duration,
}

/// The segments in `directory`, in their order.
pub(super) fn stored(directory: &Path) -> io::Result<Vec<Stored>> {
    let mut stored = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((id, Part::Records)) = name.to_str().and_then(SegmentId::of_file) else {
            continue;
        };
        // One that has gone since is not there.
        let Ok(metadata) = entry.metadata() else { continue };
        let changed = metadata.modified().ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok());
        let (bytes, changed) = (metadata.len(), changed.unwrap_or_default());
        let summary = Summary::read(directory, id, bytes);
        stored.push(Stored { id, bytes, summary, changed });
    }
    stored.sort_by_key(|stored| stored.id);
    Ok(stored)
}

impl Stored {
    /// When the first of its requests was received, as far as that is known.
    pub(super) fn first(&self) -> Duration {
        let known = self.summary.and_then(|summary| summary.first);
        known.map_or(self.id.time(), Duration::from)
    }

    /// When the last of its requests was received; where that is not known, when something
    /// was last written to it.
    pub(super) fn last(&self) -> Duration {
        let known = self.summary.and_then(|summary| summary.last);
        known.map_or(self.changed.max(self.id.time()), Duration::from)
    }

    pub(super) fn info(mut self, archive: &Archive) -> SegmentInfo {
        let state = match self.summary {
            Some(_) => SegmentState::Ended,
            None => SegmentState::Open,
        };
        if self.summary.is_none() {
            self.summary = survey::survey(archive, self.id).ok().map(|survey| survey.summary);
        }
        let records = self.summary.map_or(0, |summary| summary.records);
        let (first, last) = (self.first(), self.last());
        SegmentInfo { id: self.id, first, last, records, bytes: self.bytes, state }
    }
}
