//! Records one after the other.
//!
//! Bad frames are passed over and counted; a segment that cannot be opened is one error, and
//! the next one follows. A segment that was shredded, or has gone since the list was made,
//! holds nothing. Must not know: who reads, or why.

use super::{Archive, Filter, listing};
use crate::capture::Exchange;
use crate::capture::segment::{
    IndexEntry, Indexed, KeyError, Place, ReadError, SegmentId, SegmentReader, Step,
};
use std::collections::VecDeque;
use std::io;

/// What a list says of records: see [`Archive::entries`].
pub struct Entries(Walk);

/// Exchanges with their places: see [`Archive::exchanges`].
pub struct Exchanges(Walk);

impl Entries {
    pub(super) fn new(archive: &Archive, filter: Filter) -> io::Result<Self> {
        Walk::new(archive, filter).map(Self)
    }

    /// Those of one segment.
    pub(super) fn of(archive: &Archive, segment: SegmentId) -> Self {
        Self(Walk::over(archive, Filter::all(), [segment].into()))
    }

    /// Places so far where something was that is no record.
    pub fn bad_frames(&self) -> u64 {
        self.0.bad_frames
    }
}

impl Iterator for Entries {
    type Item = Result<Indexed, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.0.next()?;
        Some(found.map(|found| Indexed { place: found.place, entry: found.entry }))
    }
}

impl Exchanges {
    pub(super) fn new(archive: &Archive, filter: Filter) -> io::Result<Self> {
        Walk::new(archive, filter).map(Self)
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
            let Found { place, record, .. } = match self.0.next()? {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            match self.0.exchange(&record) {
                Some(exchange) => return Some(Ok((place, exchange))),
                None => self.0.bad_frames += 1,
            }
        }
    }
}

/// The way through the segments.
struct Walk {
    archive: Archive,
    filter: Filter,
    segments: VecDeque<SegmentId>,
    current: Option<SegmentReader>,
    bad_frames: u64,
}

struct Found {
    place: Place,
    entry: IndexEntry,
    record: Vec<u8>,
}

impl Walk {
    fn new(archive: &Archive, filter: Filter) -> io::Result<Self> {
        let mut stored = listing::stored(&archive.directory)?;
        stored.retain(|stored| {
            stored.summary.is_none() || filter.may_match(stored.first(), stored.last())
        });
        let segments = stored.into_iter().map(|stored| stored.id).collect();
        Ok(Self::over(archive, filter, segments))
    }

    fn over(archive: &Archive, filter: Filter, segments: VecDeque<SegmentId>) -> Self {
        Self { archive: archive.clone(), filter, segments, current: None, bad_frames: 0 }
    }

    fn next(&mut self) -> Option<Result<Found, ReadError>> {
        loop {
            if self.current.is_none() {
                let segment = self.segments.pop_front()?;
                match self.open(segment) {
                    Ok(reader) => self.current = reader,
                    Err(error) => return Some(Err(error)),
                }
            }
            let found = self.find();
            if !matches!(found, Ok(Some(_))) {
                self.current = None;
            }
            if let Some(found) = found.transpose() {
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

    /// The next record in the current segment that the filter lets through.
    fn find(&mut self) -> Result<Option<Found>, ReadError> {
        let Some(reader) = &mut self.current else { return Ok(None) };
        while let Some(step) = reader.step()? {
            let frame = match step {
                Step::Frame(frame) => frame,
                Step::Bad { .. } => {
                    self.bad_frames += 1;
                    continue;
                }
                // That of a segment that is written will be whole in a moment.
                Step::Tail { .. } => continue,
            };
            let place = Place { segment: reader.id, offset: frame.offset };
            let record = reader.record(frame).unwrap_or_default();
            match reader.entry(&record) {
                Ok(entry) if self.filter.matches(&entry) => {
                    return Ok(Some(Found { place, entry, record }));
                }
                Ok(_) => {}
                Err(_) => self.bad_frames += 1,
            }
        }
        Ok(None)
    }

    fn exchange(&mut self, record: &[u8]) -> Option<Exchange> {
        self.current.as_mut()?.exchange(record).ok()
    }
}
