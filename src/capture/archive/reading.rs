//! Records one after the other.
//!
//! Bad frames are passed over and counted; a segment that cannot be opened is one error, and
//! the next one follows. A segment that was shredded, or has gone since the list was made,
//! holds nothing. Must not know: who reads, or why.

use super::{Archive, Filter, index, listing};
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
    segments: VecDeque<Next>,
    current: Option<SegmentReader>,
    /// What is remembered of a segment, and not told yet.
    remembered: VecDeque<Indexed>,
    /// What is to be remembered of the current one.
    learnt: Option<Learnt>,
    /// The block of that segment where the last record was found.
    block: Option<Unpacked>,
    bad_frames: u64,
}

/// A segment whose turn it is.
#[derive(Clone, Copy)]
struct Next {
    id: SegmentId,
    /// Its length in bytes, where it no longer changes.
    ended: Option<u64>,
}

/// What a list says of a segment that is read to its end.
struct Learnt {
    segment: Next,
    records: Vec<Indexed>,
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
        if let Some(rows) = &archive.rows {
            index::tidy(&**rows, &stored);
        }
        stored.retain(|stored| {
            stored.summary.is_none() || filter.may_match(stored.first(), stored.last())
        });
        let ended = |stored: &listing::Stored| stored.summary.is_some().then_some(stored.bytes);
        let segments = stored.iter().map(|it| Next { id: it.id, ended: ended(it) }).collect();
        Ok(Self {
            archive: archive.clone(),
            filter,
            depth,
            segments,
            current: None,
            remembered: VecDeque::new(),
            learnt: None,
            block: None,
            bad_frames: 0,
        })
    }

    fn next(&mut self) -> Option<Result<Indexed, ReadError>> {
        loop {
            if let Some(found) = self.find_in_block().or_else(|| self.find_remembered()) {
                return Some(Ok(found));
            }
            let Some(reader) = &mut self.current else {
                let segment = self.segments.pop_front()?;
                if let Err(error) = self.begin(segment) {
                    return Some(Err(error));
                }
                continue;
            };
            let step = reader.step();
            match step {
                Ok(Some(step)) => self.unpack(step),
                Ok(None) => {
                    self.current = None;
                    self.remember();
                }
                Err(error) => {
                    (self.current, self.learnt) = (None, None);
                    return Some(Err(error));
                }
            }
        }
    }

    /// Begins a segment: with what is remembered of it, or by opening it.
    fn begin(&mut self, segment: Next) -> Result<(), ReadError> {
        let rows = self.archive.rows.as_ref().filter(|_| self.depth == Depth::Heads);
        if let (Some(rows), Some(length)) = (rows, segment.ended)
            && let Some(records) = index::read(&**rows, segment.id, length)
        {
            self.remembered = records.into();
            return Ok(());
        }
        let learns = rows.is_some() && segment.ended.is_some();
        self.current = self.open(segment.id)?;
        // What is known of a sealed segment goes with its key.
        let is_plain = self.current.as_ref().is_some_and(SegmentReader::is_plain);
        self.learnt = (learns && is_plain).then(|| Learnt { segment, records: Vec::new() });
        Ok(())
    }

    /// The current segment was read to its end.
    fn remember(&mut self) {
        let Some(Learnt { segment, records }) = self.learnt.take() else { return };
        if let (Some(rows), Some(length)) = (&self.archive.rows, segment.ended) {
            index::keep(&**rows, segment.id, length, &records);
        }
    }

    /// The next remembered record that the filter lets through.
    fn find_remembered(&mut self) -> Option<Indexed> {
        loop {
            let found = self.remembered.pop_front()?;
            if self.filter.matches(&found.entry) {
                return Some(found);
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
                self.count_bad();
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
            Err(_) => self.count_bad(),
        }
    }

    /// Something that is no record: each look is to tell of it, so nothing is remembered.
    fn count_bad(&mut self) {
        self.bad_frames += 1;
        self.learnt = None;
    }

    /// The next record of the block that the filter lets through.
    fn find_in_block(&mut self) -> Option<Indexed> {
        let segment = self.current.as_ref()?.id;
        let Unpacked { offset, block, next } = self.block.as_mut()?;
        while *next < block.records() {
            let place = Place { segment, offset: *offset, ordinal: *next as u32 };
            let entry = block.entry(*next);
            *next += 1;
            let Ok(entry) = entry else {
                self.bad_frames += 1;
                self.learnt = None;
                continue;
            };
            let found = Indexed { place, entry };
            if let Some(learnt) = &mut self.learnt {
                learnt.records.push(found.clone());
            }
            if self.filter.matches(&found.entry) {
                return Some(found);
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
