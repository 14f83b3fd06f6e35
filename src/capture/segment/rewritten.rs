//! A segment that is written anew, in the place of the old one.
//!
//! Must not know: what is left out.

use super::disk;
use super::frame::FrameHead;
use super::header::{HEADER, Header};
use super::id::{Part, SegmentId};
use super::keys::DataKey;
use super::summary::Summary;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

/// A segment that is written anew.
pub(crate) struct RewrittenSegment<'a> {
    file: BufWriter<&'a mut File>,
    key: Option<DataKey>,
    number: u32,
    summary: Summary,
}

impl RewrittenSegment<'_> {
    /// Puts a segment with the blocks that `fill` appends in the place of the segment `id`.
    ///
    /// # Errors
    /// When a file cannot be written, or `fill` fails; the old one is still there then.
    pub(crate) fn write(
        directory: &Path,
        id: SegmentId,
        key: Option<DataKey>,
        fill: impl FnOnce(&mut RewrittenSegment<'_>) -> io::Result<()>,
    ) -> io::Result<Summary> {
        let mut summary = Summary { bytes: HEADER as u64, ..Summary::default() };
        disk::replace(&id.path(directory, Part::Records), |file| {
            let header = Header { id, key: key.as_ref().map(|key| key.id) };
            let mut file = BufWriter::new(file);
            file.write_all(&header.bytes())?;
            let mut segment = RewrittenSegment { file, key, number: 0, summary };
            fill(&mut segment)?;
            summary = segment.summary;
            segment.file.flush()
        })?;
        Ok(summary)
    }

    /// Adds a block whose records were received then.
    pub(crate) fn append(&mut self, block: Vec<u8>, received: &[Duration]) -> io::Result<()> {
        let body = match &self.key {
            Some(key) => key.seal(self.number, block),
            None => Some(block),
        };
        let body = body.ok_or_else(|| io::Error::other("a block cannot be sealed"))?;
        let head = FrameHead::of(self.number, &body);
        self.file.write_all(&head.bytes())?;
        self.file.write_all(&body)?;
        // The segment that this one replaces had at least as many numbers.
        self.number = self.number.wrapping_add(1);
        received.iter().for_each(|received| self.summary.add(*received));
        self.summary.bytes += head.frame();
        Ok(())
    }
}
