//! An archive: a directory of segments.
//!
//! One [`Writer`] at a time adds to it and takes away from it, and holds the directory's lock
//! for that; a [`CaptureWorker`] is a thread with a writer. Anybody may read meanwhile: what
//! is whole in a file stays where it is until the file goes as a whole.
//!
//! | file | owns |
//! |---|---|
//! | `filter`, `reading` | which records, one after the other or at their place |
//! | `index` | what lists say of segments that no longer change, remembered |
//! | `listing`, `survey` | which segments there are; what is in one |
//! | `writer`, `recovery` | adding records; what the last writer has left |
//! | `retention`, `erase` | what goes: whole segments, records |
//! | `worker` | the thread between traffic and the disk |
//!
//! Must not know: where rows of an index are kept, traffic, or what a capture is used for.

mod erase;
mod filter;
mod index;
mod listing;
mod reading;
mod recovery;
mod retention;
mod survey;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

pub use erase::{Erase, Erased};
pub use filter::Filter;
pub use index::SegmentRows;
pub use listing::{SegmentInfo, SegmentState};
pub use reading::{Entries, Exchanges};
pub use survey::{SegmentCondition, SegmentReport};
pub use worker::{
    CaptureCounts, CaptureEvent, CaptureHandle, CaptureHook, CaptureState, CaptureUsage,
    CaptureWorker, DropReason, Reserved,
};
pub use writer::{AppendError, Writer};

use super::segment::{KeyError, Master, Place, ReadError, SegmentId, SegmentReader};
use crate::capture::{Exchange, MasterKey, Roll};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an archive cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Something else writes to it.
    #[error("{} is in use: another process writes to it", .0.display())]
    InUse(PathBuf),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no key, or it does not fit.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A segment cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing can be written at the moment.
    #[error("capture is paused: {0}")]
    Paused(String),
    /// The thread that would have done it has ended.
    #[error("capture has been stopped")]
    Stopped,
}

/// A directory of segments, to be read. Cloning shares the key.
#[derive(Clone)]
pub struct Archive {
    directory: PathBuf,
    master: Option<Arc<Master>>,
    rows: Option<Arc<dyn SegmentRows>>,
}

impl Archive {
    /// The archive in `directory`, with the key that its segments are sealed under. Nothing
    /// is read yet.
    ///
    /// # Errors
    /// When the key is none.
    pub fn open(directory: impl Into<PathBuf>, key: Option<&MasterKey>) -> Result<Self, KeyError> {
        let master = key.map(Master::new).transpose()?.map(Arc::new);
        Ok(Self { directory: directory.into(), master, rows: None })
    }

    /// The same, which remembers in `rows` what lists say of segments.
    #[must_use]
    pub fn with_rows(self, rows: Arc<dyn SegmentRows>) -> Self {
        Self { rows: Some(rows), ..self }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its segments in the order they were begun. One that was not ended is read for that.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn segments(&self) -> io::Result<Vec<SegmentInfo>> {
        let stored = listing::stored(&self.directory)?;
        Ok(stored.into_iter().map(|stored| stored.info(self)).collect())
    }

    /// What a list says of the records that `filter` lets through, in the order they were
    /// written; bodies are not read.
    ///
    /// # Errors
    /// When the directory cannot be read. What cannot be read later is an item.
    pub fn entries(&self, filter: Filter) -> io::Result<Entries> {
        Entries::new(self, filter)
    }

    /// The exchanges that `filter` lets through, in the order they were written.
    ///
    /// # Errors
    /// When the directory cannot be read. What cannot be read later is an item.
    pub fn exchanges(&self, filter: Filter) -> io::Result<Exchanges> {
        Exchanges::new(self, filter)
    }

    /// The exchange at `place`, which may have moved when records of its segment were erased.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn read(&self, place: Place) -> Result<Exchange, ReadError> {
        self.reader(place.segment)?.read(place)
    }

    /// Reads every segment to its end and says what state it is in.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn verify(&self) -> io::Result<Vec<SegmentReport>> {
        let stored = listing::stored(&self.directory)?;
        Ok(stored.iter().map(|stored| survey::report(self, stored)).collect())
    }

    /// Removes the records that `what` names, while nothing writes to the archive: a capture
    /// that runs has to be asked itself ([`CaptureHandle::erase`]).
    ///
    /// # Errors
    /// When the archive is in use, or a file cannot be written; what was not reached then is
    /// still there.
    pub fn erase(&self, what: Erase) -> Result<Erased, ArchiveError> {
        // Nothing is added, so nothing is ever due.
        let roll = Roll { bytes: u64::MAX, age: std::time::Duration::MAX };
        Writer::open(self.clone(), roll)?.erase(what)
    }

    fn reader(&self, segment: SegmentId) -> Result<SegmentReader, ReadError> {
        SegmentReader::open(&self.directory, segment, self.master.as_deref())
    }
}
