//! What is in a segment, read from its beginning to its end.
//!
//! Must not know: what is done about it.

use super::Archive;
use super::listing::Stored;
use crate::capture::segment::{
    Access, Block, HEADER, KeyError, ReadError, SegmentId, Step, Summary,
};

/// What [`Archive::verify`] has found out about a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// The segment.
    pub id: SegmentId,
    /// Whole records; whole frames, where the segment cannot be opened.
    pub records: u64,
    /// Bytes of its file.
    pub bytes: u64,
    /// Places where something is that is no record.
    pub bad_frames: u64,
    /// Bytes at the end that were being written, or whose writer was cut off.
    pub torn: u64,
    /// Whether it can be read.
    pub condition: SegmentCondition,
}

/// Whether a segment can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentCondition {
    /// It can, apart from bad frames.
    Readable,
    /// Its key was deleted: nobody can read it any more.
    Shredded,
    /// Not by us: it needs a key, or a newer program, or a disk that works.
    Unreadable(String),
}

/// What is in a segment.
pub(super) struct Survey {
    pub(super) summary: Summary,
    pub(super) bad_frames: u64,
    /// Where the last whole frame ends, if something follows it.
    pub(super) tail: Option<Tail>,
    pub(super) closed: Option<KeyError>,
}

#[derive(Clone, Copy)]
pub(super) struct Tail {
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Survey {
    fn add(&mut self, heads: &Block) {
        for ordinal in 0..heads.records() {
            match heads.entry(ordinal) {
                Ok(entry) => self.summary.add(entry.received),
                Err(_) => self.bad_frames += 1,
            }
        }
    }
}

/// Reads the segment `id` to its end.
pub(super) fn survey(archive: &Archive, id: SegmentId) -> Result<Survey, ReadError> {
    let mut reader = archive.reader(id)?;
    let summary = Summary { bytes: reader.length(), ..Summary::default() };
    let is_begun = reader.length() >= HEADER as u64;
    let bad_frames = u64::from(is_begun && reader.header.is_some());
    // A header that is not all there was being written.
    let tail = (!is_begun).then_some(Tail { offset: 0, bytes: reader.length() });
    let tail = tail.filter(|tail| tail.bytes > 0);
    let mut survey = Survey { summary, bad_frames, tail, closed: None };
    while let Some(step) = reader.step()? {
        match step {
            Step::Bad { .. } => survey.bad_frames += 1,
            Step::Tail { offset, bytes } => survey.tail = Some(Tail { offset, bytes }),
            Step::Frame(_) if matches!(reader.access, Access::Closed(_)) => {
                survey.summary.records += 1;
            }
            Step::Frame(frame) => {
                let packed = reader.packed(frame).unwrap_or_default();
                match reader.heads(&packed) {
                    Ok(heads) => survey.add(&heads),
                    Err(_) => survey.bad_frames += 1,
                }
            }
        }
    }
    if let Access::Closed(error) = reader.access {
        survey.closed = Some(error);
    }
    Ok(survey)
}

pub(super) fn report(archive: &Archive, stored: &Stored) -> SegmentReport {
    let Stored { id, bytes, .. } = *stored;
    let survey = match survey(archive, id) {
        Ok(survey) => survey,
        Err(error) => {
            let condition = SegmentCondition::Unreadable(error.to_string());
            return SegmentReport { id, records: 0, bytes, bad_frames: 0, torn: 0, condition };
        }
    };
    let tail = survey.tail.map_or(0, |tail| tail.bytes);
    // What was ended has no tail by right: something has happened to its last frame.
    let (torn, damaged) =
        if stored.summary.is_none() { (tail, 0) } else { (0, u64::from(tail > 0)) };
    SegmentReport {
        id,
        records: survey.summary.records,
        bytes: survey.summary.bytes,
        bad_frames: survey.bad_frames + damaged,
        torn,
        condition: match survey.closed {
            None => SegmentCondition::Readable,
            Some(KeyError::Shredded(_)) => SegmentCondition::Shredded,
            Some(error) => SegmentCondition::Unreadable(error.to_string()),
        },
    }
}
