//! Records one after the other.
//!
//! Bad frames are passed over and counted; a segment that cannot be opened is one error, and
//! the next one follows. A segment that was shredded, or has gone since the list was made,
//! holds nothing. Must not know: who reads, or why.

use super::{Archive, Filter, listing};
use crate::capture::Exchange;
use crate::capture::segment::{
    Block, Indexed, KeyError, Place, ReadError, SegmentId, SegmentReader, Step,
};
use std::collections::VecDeque;
use std::io;

/// What a list says of records: see [`Archive::entries`].
pub struct Entries(Walk);

/// Exchanges with their places: see [`Archive::exchanges`].
pub struct Exchanges(Walk);

impl Entries {
    pub(super) fn new(archive: &Archive, filter: Filter) -> io::Result<Self> {
        Walk::new(archive, filter, Depth::Heads).map(Self)
    }

    /// Those of one segment.
    pub(super) fn of(archive: &Archive, segment: SegmentId) -> Self {
        Self(Walk::over(archive, Filter::all(), Depth::Heads, [segment].into()))
    }

    /// Places so far where something was that is no record.
    pub fn bad_frames(&self) -> u64 {
        self.0.bad_frames
    }
}

impl Iterator for Entries {
    type Item = Result<Indexed, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl Exchanges {
    pub(super) fn new(archive: &Archive, filter: Filter) -> io::Result<Self> {
        Walk::new(archive, filter, Depth::Whole).map(Self)
    }

    /// Places so far where something was that is no record.
    pub fn bad_frames(&self) -> u64 {
        self.0.bad_frames
    }
}

impl Iterator for Exchanges {
    type Item = Result<(Place, Exchange), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let place = match self.0.next()? {
                Ok(found) => found.place,
                Err(error) => return Some(Err(error)),
            };
            match self.0.exchange() {
                Some(exchange) => return Some(Ok((place, exchange))),
                None => self.0.bad_frames += 1,
            }
        }
    }
}

/// How much of a block is unpacked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Heads,
    Whole,
}

/// The way through the segments.
struct Walk {
    archive: Archive,
    filter: Filter,
    depth: Depth,
    segments: VecDeque<SegmentId>,
    current: Option<SegmentReader>,
    /// The block of that segment where the last record was found.
    block: Option<Unpacked>,
    bad_frames: u64,
}

struct Unpacked {
    offset: u64,
    block: Block,
    /// Which record comes next.
    next: usize,
}

impl Walk {
    fn new(archive: &Archive, filter: Filter, depth: Depth) -> io::Result<Self> {
        let mut stored = listing::stored(&archive.directory)?;
        stored.retain(|stored| {
            stored.summary.is_none() || filter.may_match(stored.first(), stored.last())
        });
        let segments = stored.into_iter().map(|stored| stored.id).collect();
        Ok(Self::over(archive, filter, depth, segments))
    }

    fn over(
        archive: &Archive,
        filter: Filter,
        depth: Depth,
        segments: VecDeque<SegmentId>,
    ) -> Self {
        let archive = archive.clone();
        Self { archive, filter, depth, segments, current: None, block: None, bad_frames: 0 }
    }

    fn next(&mut self) -> Option<Result<Indexed, ReadError>> {
        loop {
            if let Some(found) = self.find_in_block() {
                return Some(Ok(found));
            }
            let Some(reader) = &mut self.current else {
                let segment = self.segments.pop_front()?;
                match self.open(segment) {
                    Ok(reader) => self.current = reader,
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            let step = reader.step();
            match step {
                Ok(Some(step)) => self.unpack(step),
                Ok(None) => self.current = None,
                Err(error) => {
                    self.current = None;
                    return Some(Err(error));
                }
            }
        }
    }

    /// `None` where there is nothing to be read, rightly.
    fn open(&self, segment: SegmentId) -> Result<Option<SegmentReader>, ReadError> {
        match self.archive.reader(segment).and_then(|it| it.check_open().map(|()| it)) {
            Err(ReadError::Key(KeyError::Shredded(_))) => Ok(None),
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            opened => opened.map(Some),
        }
    }

    /// Unpacks the block of a frame.
    fn unpack(&mut self, step: Step) {
        let Some(reader) = &mut self.current else { return };
        let frame = match step {
            Step::Frame(frame) => frame,
            Step::Bad { .. } => {
                self.bad_frames += 1;
                return;
            }
            // That of a segment that is written will be whole in a moment.
            Step::Tail { .. } => return,
        };
        let offset = frame.offset;
        let packed = reader.packed(frame).unwrap_or_default();
        let block = match self.depth {
            Depth::Heads => reader.heads(&packed),
            Depth::Whole => reader.block(&packed),
        };
        match block {
            Ok(block) => self.block = Some(Unpacked { offset, block, next: 0 }),
            Err(_) => self.bad_frames += 1,
        }
    }

    /// The next record of the block that the filter lets through.
    fn find_in_block(&mut self) -> Option<Indexed> {
        let segment = self.current.as_ref()?.id;
        let Unpacked { offset, block, next } = self.block.as_mut()?;
        while *next < block.records() {
            let place = Place { segment, offset: *offset, ordinal: *next as u32 };
            let entry = block.entry(*next);
            *next += 1;
            match entry {
                Ok(entry) if self.filter.matches(&entry) => return Some(Indexed { place, entry }),
                Ok(_) => {}
                Err(_) => self.bad_frames += 1,
            }
        }
        self.block = None;
        None
    }

    /// The record that was found last.
    fn exchange(&self) -> Option<Exchange> {
        let Unpacked { block, next, .. } = self.block.as_ref()?;
        block.exchange(next.checked_sub(1)?).ok()
    }
}
