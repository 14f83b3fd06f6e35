//! The segment that is written.
//!
//! Frames gather in memory until they are flushed. A flush that fails leaves the file as it
//! was before, and the frames where they are: it can be tried again for as long as it takes.
//! A number is never used for two blocks, whatever becomes of the first. Must not know: when
//! to flush or to end, or what a record says beyond its entry.

use super::disk::{Disk, Tape};
use super::frame::{FRAME_HEAD, FrameHead};
use super::gathered::Gathered;
use super::header::Header;
use super::id::{Part, SegmentId};
use super::keys::{DataKey, KeyError, KeyFile, Master};
use super::summary::Summary;
use std::io;
use std::path::Path;

/// The segment that is written.
pub(crate) struct ActiveSegment {
    id: SegmentId,
    tape: Box<dyn Tape>,
    key: Option<DataKey>,
    /// Bytes of the file that are whole.
    written: u64,
    /// Frames behind those.
    pending: Vec<u8>,
    /// What is said of those.
    gathered: Summary,
    number: u32,
    summary: Summary,
}

impl ActiveSegment {
    /// Begins the segment `id` in `directory`; nothing of it is in the file before the first
    /// flush.
    ///
    /// # Errors
    /// When its files cannot be made.
    pub(crate) fn begin(
        disk: &dyn Disk,
        directory: &Path,
        id: SegmentId,
        master: Option<&Master>,
    ) -> io::Result<Self> {
        let key = master.map(|master| new_key(directory, id, master)).transpose();
        let key = key.map_err(|error| match &error {
            KeyError::Io { source, .. } => io::Error::new(source.kind(), error),
            _ => io::Error::other(error),
        })?;
        let header = Header { id, key: key.as_ref().map(|key| key.id) };
        Ok(Self {
            id,
            tape: disk.begin(&id.path(directory, Part::Records))?,
            key,
            written: 0,
            pending: header.bytes().to_vec(),
            gathered: Summary::default(),
            number: 0,
            summary: Summary::default(),
        })
    }

    /// Adds `block`, into which `gathered` was packed, and lets go of that; it is written with
    /// the next flush. `false` where it cannot be sealed, or the segment has no numbers left.
    #[must_use]
    pub(crate) fn append(&mut self, block: Vec<u8>, gathered: &mut Gathered) -> bool {
        let number = self.number;
        let Some(next) = number.checked_add(1) else { return false };
        self.number = next;
        let sealed = match &self.key {
            Some(key) => key.seal(number, block),
            None => Some(block),
        };
        let Some(body) = sealed else { return false };
        self.pending.extend_from_slice(&FrameHead::of(number, &body).bytes());
        self.pending.extend_from_slice(&body);
        self.gathered.absorb(&gathered.summary);
        gathered.clear();
        true
    }

    /// Writes what was added. Returns how many records can be read from now on.
    ///
    /// # Errors
    /// When it cannot be written; it can be tried again.
    pub(crate) fn flush(&mut self) -> io::Result<u64> {
        if self.pending.is_empty() {
            return Ok(0);
        }
        if let Err(error) = self.tape.write_at(&self.pending, self.written) {
            // Where not even that is possible, the next try writes over it, and the next
            // start cuts it off.
            self.tape.cut(self.written).ok();
            return Err(error);
        }
        self.written += self.pending.len() as u64;
        self.pending.clear();
        self.pending.shrink_to(2 << 20);
        let flushed = std::mem::take(&mut self.gathered);
        self.summary.absorb(&flushed);
        Ok(flushed.records)
    }

    /// Has the system bring everything that was flushed to the disk. Returns what the segment
    /// holds.
    ///
    /// # Errors
    /// When it cannot be brought there.
    pub(crate) fn sync(&mut self) -> io::Result<Summary> {
        self.tape.sync()?;
        self.summary.bytes = self.written;
        Ok(self.summary)
    }

    pub(crate) const fn id(&self) -> SegmentId {
        self.id
    }

    /// Bytes of the file once all is flushed.
    pub(crate) const fn length(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    /// Bytes that wait to be flushed.
    pub(crate) const fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Records that wait to be flushed.
    pub(crate) const fn unwritten(&self) -> u64 {
        self.gathered.records
    }

    /// Bytes that a block of this length takes.
    pub(crate) const fn frame(block: usize) -> u64 {
        (FRAME_HEAD + block) as u64
    }
}

fn new_key(directory: &Path, id: SegmentId, master: &Master) -> Result<DataKey, KeyError> {
    let mut keys = KeyFile::empty();
    let key = keys.add(id, master)?;
    keys.write(directory, id)?;
    Ok(key)
}
