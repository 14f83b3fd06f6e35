//! Whole segments that go because of their age, or because there are too many.
//!
//! Must not know: what is in them.

use super::listing::{self, Stored};
use crate::capture::Retention;
use crate::capture::segment::{Part, SegmentId, remove};
use std::io;
use std::path::Path;
use std::time::Duration;

/// What is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) segments: u64,
    /// Bytes of their files, without the one that is written.
    pub(super) bytes: u64,
}

/// Removes the segments in `directory` that `keep` does not allow at the time `now`, since
/// 1970; the one that is written, `active`, stays. Calls `gone` for each.
pub(super) fn apply(
    directory: &Path,
    keep: Retention,
    now: Duration,
    active: Option<(SegmentId, u64)>,
    mut gone: impl FnMut(SegmentId),
) -> io::Result<Kept> {
    let stored = listing::stored(directory)?;
    let id = active.map(|(id, _)| id);
    let stored: Vec<Stored> = stored.into_iter().filter(|it| Some(it.id) != id).collect();
    let mut kept = Kept {
        segments: stored.len() as u64 + u64::from(active.is_some()),
        bytes: stored.iter().map(|stored| stored.bytes).sum(),
    };
    let written = active.map_or(0, |(_, bytes)| bytes);
    for stored in stored {
        let is_old = now.saturating_sub(stored.last()) > keep.age;
        if is_old || kept.bytes.saturating_add(written) > keep.bytes {
            remove_segment(directory, stored.id)?;
            kept.segments -= 1;
            kept.bytes -= stored.bytes;
            gone(stored.id);
        }
    }
    Ok(kept)
}

/// Removes all files of the segment `id`. Its key goes first: wherever this is cut off, the
/// rest can no more be read, and goes the next time.
pub(super) fn remove_segment(directory: &Path, id: SegmentId) -> io::Result<()> {
    for part in [Part::Key, Part::Records, Part::Summary] {
        remove(&id.path(directory, part))?;
    }
    Ok(())
}
