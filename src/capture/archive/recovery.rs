//! What the last writer has left, brought into order.
//!
//! Must not know: what is written next.

use super::survey::{Survey, Tail, survey};
use super::{Archive, ArchiveError, listing, retention};
use crate::capture::segment::{
    KeyFile, Part, ReadError, SegmentId, SegmentReader, is_unfinished, remove,
};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

/// Brings `archive` into order, which nobody else writes to. Returns its newest segment.
pub(super) fn recover(archive: &Archive) -> Result<Option<SegmentId>, ArchiveError> {
    remove_leftovers(&archive.directory)?;
    let stored = listing::stored(&archive.directory)?;
    let newest = stored.last().map(|stored| stored.id);
    for stored in &stored {
        if stored.summary.is_none() {
            end(archive, stored.id, newest)?;
        }
        forget_old_keys(archive, stored.id);
    }
    Ok(newest)
}

/// Removes files that were never finished, and summaries of nothing. A key without a segment
/// stays: the segment may only have been put elsewhere.
fn remove_leftovers(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let finished = name.rsplit_once('.').map_or(name, |(finished, _)| finished);
        let is_leftover = match SegmentId::of_file(name) {
            Some((id, Part::Summary)) => !id.path(directory, Part::Records).exists(),
            Some(_) => false,
            None => is_unfinished(name) && SegmentId::of_file(finished).is_some(),
        };
        if is_leftover {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Ends the segment `id`, whose writer was cut off; what is not whole at the end of the
/// newest one was being written, and is cut off.
fn end(archive: &Archive, id: SegmentId, newest: Option<SegmentId>) -> Result<(), ArchiveError> {
    let is_newest = newest == Some(id);
    let directory = &archive.directory;
    let Survey { mut summary, tail, bad_frames, .. } = match survey(archive, id) {
        // A newer program knows what to do with it.
        Err(ReadError::Newer { .. }) => return Ok(()),
        survey => survey?,
    };
    if let Some(Tail { offset, bytes }) = tail
        && is_newest
    {
        tracing::info!(segment = %id, bytes, "a frame that was not whole is cut off");
        let file = OpenOptions::new().write(true).open(id.path(directory, Part::Records))?;
        file.set_len(offset)?;
        file.sync_all()?;
        summary.bytes = offset;
    }
    if is_newest && summary.records == 0 && bad_frames == 0 {
        return Ok(retention::remove_segment(directory, id)?);
    }
    Ok(summary.write(directory, id)?)
}

/// Forgets the key that a segment was sealed with before it was rewritten.
fn forget_old_keys(archive: &Archive, id: SegmentId) {
    let Ok(Some(mut keys)) = KeyFile::read(&archive.directory, id) else { return };
    let header = SegmentReader::open(&archive.directory, id, None).ok();
    if let Some(key) = header.and_then(|reader| reader.key)
        && keys.keep_only(key)
        && let Err(error) = keys.write(&archive.directory, id)
    {
        tracing::warn!(segment = %id, %error, "an old key could not be removed");
    }
}
