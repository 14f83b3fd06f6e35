//! Adding records to an archive.
//!
//! Records gather in blocks, and blocks in memory; whoever owns the writer says when they are
//! flushed, and when time has passed. Whatever fails leaves the writer as it was: the same call
//! can be made again.
//! Must not know: queues, threads, or what else the disk is for.

use super::erase::{Erase, Erased, Erasure};
use super::{Archive, ArchiveError, recovery};
use crate::capture::segment::{
    ActiveSegment, DirectoryLock, Disk, Draft, EncodeError, Gathered, Packer, Part, SegmentId,
    SystemDisk, create_directory, lock, remove,
};
use crate::capture::{Exchange, Roll};
use std::io;
use std::time::{Duration, Instant};

/// Bytes of blocks that gather at most, and one block.
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
    packer: Packer,
    /// What is in no block yet.
    gathered: Gathered,
    /// When the first of that was added.
    since: Instant,
    active: Option<(ActiveSegment, Instant)>,
    /// The newest segment there ever was.
    newest: Option<SegmentId>,
    written: u64,
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
        Ok(Self {
            archive,
            disk,
            roll,
            packer: Packer::new()?,
            gathered: Gathered::default(),
            since: Instant::now(),
            active: None,
            newest,
            written: 0,
            _lock: lock,
        })
    }

    /// Adds a record, which can be read after the next flush.
    ///
    /// # Errors
    /// When it is too large; when there is no room for it because what was added before cannot
    /// be written, or no segment begun.
    pub fn append(&mut self, exchange: &Exchange, now: Instant) -> Result<(), AppendError> {
        let draft = Draft::of(exchange)?;
        if self.gathered.is_full() {
            self.end_block()?;
        }
        if self.gathered.len() == 0 {
            self.since = now;
        }
        self.gathered.add(draft);
        Ok(())
    }

    /// Adds what has gathered elsewhere, behind all that was added before. It is let go of when
    /// it was added.
    ///
    /// # Errors
    /// When there is no room for it because what was added before cannot be written, or no
    /// segment begun.
    pub(super) fn append_all(&mut self, gathered: &mut Gathered, now: Instant) -> io::Result<()> {
        self.end_block()?;
        self.append_block(gathered, now)
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// When it cannot be written; it is still there, and no part of it in the file.
    pub fn flush(&mut self) -> io::Result<()> {
        self.end_block()?;
        self.flush_blocks()
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
        self.end_segment()
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

    /// How many records can be read that could not when this was last asked, in the order they
    /// were added.
    pub fn written(&mut self) -> u64 {
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

    /// Records that wait to be flushed.
    pub fn unwritten(&self) -> u64 {
        self.gathered.len() + self.active.as_ref().map_or(0, |(active, _)| active.unwritten())
    }

    /// Bytes of the blocks that wait to be flushed.
    fn pending(&self) -> usize {
        self.active.as_ref().map_or(0, |(active, _)| active.pending())
    }

    fn end_block(&mut self) -> io::Result<()> {
        let mut gathered = std::mem::take(&mut self.gathered);
        let done = self.append_block(&mut gathered, self.since);
        self.gathered = gathered;
        done
    }

    /// Adds a block to the segment, or to a new one where it does not fit.
    fn append_block(&mut self, gathered: &mut Gathered, now: Instant) -> io::Result<()> {
        let Some(first) = gathered.first() else { return Ok(()) };
        if self.pending() >= GATHERED {
            self.flush_blocks()?;
        }
        let block = self.packer.pack(gathered.records())?;
        let frame = ActiveSegment::frame(block.len());
        if self.active_bytes().saturating_add(frame) > self.roll.bytes {
            self.flush_blocks()?;
            self.end_segment()?;
        }
        let (active, _) = match &mut self.active {
            Some(active) => active,
            none => {
                let begun = self.archive.begin(&*self.disk, &mut self.newest, first)?;
                none.insert((begun, now))
            }
        };
        if !active.append(block, gathered) {
            return Err(io::Error::other("a block cannot be sealed"));
        }
        Ok(())
    }

    fn flush_blocks(&mut self) -> io::Result<()> {
        if let Some((active, _)) = &mut self.active {
            self.written += active.flush()?;
        }
        Ok(())
    }

    /// Ends the segment, all of which was flushed.
    fn end_segment(&mut self) -> io::Result<()> {
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
}

impl Archive {
    /// Begins the segment whose first record was received then.
    fn begin(
        &self,
        disk: &dyn Disk,
        newest: &mut Option<SegmentId>,
        received: Duration,
    ) -> io::Result<ActiveSegment> {
        let id = SegmentId::begun(received, *newest);
        // A file may be there even if it could not be begun.
        *newest = Some(id);
        let begun = ActiveSegment::begin(disk, &self.directory, id, self.master.as_deref());
        if begun.is_err() {
            remove(&id.path(&self.directory, Part::Key)).ok();
        }
        begun
    }
}
