//! Adding records to an archive.
//!
//! Records gather in memory; whoever owns the writer says when they are flushed, and when time
//! has passed. Whatever fails leaves the writer as it was: the same call can be made again.
//! Must not know: queues, threads, or what else the disk is for.

use super::erase::{Erase, Erased, Erasure};
use super::{Archive, ArchiveError, recovery};
use crate::capture::segment::{
    ActiveSegment, DirectoryLock, Disk, EncodeError, Encoder, IndexEntry, Indexed, Part, SegmentId,
    SystemDisk, create_directory, lock, remove,
};
use crate::capture::{Exchange, Roll};
use std::io;
use std::time::Instant;

/// Bytes that gather at most, and one record.
const GATHERED: usize = 1 << 20;

/// Why a record was not added.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// It cannot be written down, now or later.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// No segment can be begun or ended; it can be tried again.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The one that adds to an archive. What was not flushed when it is dropped is lost.
pub struct Writer {
    archive: Archive,
    disk: Box<dyn Disk>,
    roll: Roll,
    encoder: Encoder,
    active: Option<(ActiveSegment, Instant)>,
    /// The newest segment there ever was.
    newest: Option<SegmentId>,
    written: Vec<Indexed>,
    _lock: DirectoryLock,
}

impl Writer {
    /// Takes `archive`, whose directory is made where there is none, and brings it into order:
    /// what a writer that was cut off has left is ended, and its last frame cut off if it is
    /// not whole.
    ///
    /// # Errors
    /// When another writer has it, or a file cannot be read or written.
    pub fn open(archive: Archive, roll: Roll) -> Result<Self, ArchiveError> {
        Self::open_on(Box::new(SystemDisk), archive, roll)
    }

    pub(super) fn open_on(
        disk: Box<dyn Disk>,
        archive: Archive,
        roll: Roll,
    ) -> Result<Self, ArchiveError> {
        create_directory(&archive.directory)?;
        let lock = lock(&archive.directory)?;
        let lock = lock.ok_or_else(|| ArchiveError::InUse(archive.directory.clone()))?;
        let newest = recovery::recover(&archive)?;
        let encoder = Encoder::new()?;
        let written = Vec::new();
        Ok(Self { archive, disk, roll, encoder, active: None, newest, written, _lock: lock })
    }

    /// Adds a record, which can be read after the next flush.
    ///
    /// # Errors
    /// When it is too large; when there is no room for it because what was added before cannot
    /// be written, or no segment begun.
    pub fn append(&mut self, exchange: &Exchange, now: Instant) -> Result<(), AppendError> {
        let record = self.encoder.encode(exchange)?;
        if self.pending() >= GATHERED {
            self.flush()?;
        }
        let frame = ActiveSegment::frame(record.len());
        if let Some((active, _)) = &self.active
            && active.length().saturating_add(frame) > self.roll.bytes
        {
            self.roll()?;
        }
        let entry = IndexEntry::of(exchange);
        let (active, _) = match &mut self.active {
            Some(active) => active,
            none => none.insert((self.archive.begin(&*self.disk, &mut self.newest, &entry)?, now)),
        };
        if !active.append(record, entry) {
            return Err(io::Error::other("a record cannot be sealed").into());
        }
        Ok(())
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// When it cannot be written; it is still there, and no part of it in the file.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some((active, _)) = &mut self.active {
            self.written.extend(active.flush()?);
        }
        Ok(())
    }

    /// Ends the segment if it has come of age.
    ///
    /// # Errors
    /// As [`Writer::roll`].
    pub fn tick(&mut self, now: Instant) -> io::Result<()> {
        let of_age = |begun: &Instant| now.saturating_duration_since(*begun) >= self.roll.age;
        if self.active.as_ref().is_some_and(|(_, begun)| of_age(begun)) {
            return self.roll();
        }
        Ok(())
    }

    /// Writes what was added, brings it to the disk and ends the segment.
    ///
    /// # Errors
    /// When it cannot be written; the segment is not ended then.
    pub fn roll(&mut self) -> io::Result<()> {
        self.flush()?;
        if let Some((active, _)) = &mut self.active {
            // Without its summary a segment is as good, and read once more at the next start.
            let (summary, id) = (active.sync()?, active.id());
            if let Err(error) = summary.write(&self.archive.directory, id) {
                tracing::warn!(segment = %id, %error, "a segment has no summary");
            }
        }
        self.active = None;
        Ok(())
    }

    /// Removes the records that `what` names, of those that were added before.
    ///
    /// # Errors
    /// When a file cannot be written; what was not reached then is still there.
    pub fn erase(&mut self, what: Erase) -> Result<Erased, ArchiveError> {
        let mut erasure = self.begin_to_erase(what)?;
        while erasure.next().is_some() {
            erasure.step()?;
        }
        Ok(erasure.done())
    }

    /// The same in steps, between which records can be added.
    pub(super) fn begin_to_erase(&mut self, what: Erase) -> io::Result<Erasure> {
        self.roll()?;
        Erasure::new(&self.archive, what)
    }

    /// What can be read since this was last asked, in the order it was added. It is kept until
    /// then.
    pub fn written(&mut self) -> Vec<Indexed> {
        std::mem::take(&mut self.written)
    }

    /// The archive it writes to.
    pub const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The segment that is written.
    pub fn active(&self) -> Option<SegmentId> {
        self.active.as_ref().map(|(active, _)| active.id())
    }

    /// Bytes of the segment that is written.
    pub fn active_bytes(&self) -> u64 {
        self.active.as_ref().map_or(0, |(active, _)| active.length())
    }

    /// Bytes that wait to be flushed.
    fn pending(&self) -> usize {
        self.active.as_ref().map_or(0, |(active, _)| active.pending())
    }

    /// Records that wait to be flushed.
    pub fn unwritten(&self) -> usize {
        self.active.as_ref().map_or(0, |(active, _)| active.unwritten())
    }
}

impl Archive {
    /// Begins the segment whose first record `entry` is said of.
    fn begin(
        &self,
        disk: &dyn Disk,
        newest: &mut Option<SegmentId>,
        entry: &IndexEntry,
    ) -> io::Result<ActiveSegment> {
        let id = SegmentId::begun(entry.received, *newest);
        // A file may be there even if it could not be begun.
        *newest = Some(id);
        let begun = ActiveSegment::begin(disk, &self.directory, id, self.master.as_deref());
        if begun.is_err() {
            remove(&id.path(&self.directory, Part::Key)).ok();
        }
        begun
    }
}
