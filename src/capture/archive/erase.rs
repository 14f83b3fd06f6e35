//! Records that go because somebody asks for it.
//!
//! A segment that holds one is written anew without it, sealed with a new key if it was
//! sealed, and takes the place of the old one. What is damaged goes as well, since nobody can
//! say whose it is. Must not know: who writes to the archive meanwhile; nobody does.

use super::retention::remove_segment;
use super::{Archive, ArchiveError, listing};
use crate::capture::IndexEntry;
use crate::capture::segment::{
    Access, Block, Gathering, KeyError, KeyFile, Packer, ReadError, RewrittenSegment, SegmentId,
    SegmentReader, Step,
};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Which records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erase {
    /// Those of the API key with this alias.
    Key(String),
    /// Those of this conversation.
    Session(String),
    /// That of this request.
    RequestId(String),
    /// Those received before then, since 1970.
    Before(Duration),
}

/// What has gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Records.
    pub records: u64,
    /// Segments that held them and were written anew or removed, in order. Places in them
    /// have changed.
    pub segments: Vec<SegmentId>,
    /// Places in those where something was that is no record.
    pub bad_frames: u64,
    /// Segments that could not be opened, and may hold more: they are sealed under another
    /// master key, or a newer program wrote them.
    pub closed: Vec<SegmentId>,
}

impl Erase {
    /// Whether a record goes.
    pub fn matches(&self, entry: &IndexEntry) -> bool {
        match self {
            Self::Key(key) => entry.key.as_ref() == Some(key),
            Self::Session(id) => entry.session.as_ref().is_some_and(|it| it.id == *id),
            Self::RequestId(id) => entry.request_id.as_ref() == Some(id),
            Self::Before(time) => entry.received < *time,
        }
    }
}

/// What a segment holds, as far as erasing is concerned.
#[derive(Default)]
struct Tally {
    erased: u64,
    left: u64,
    bad: u64,
}

/// Something in a segment.
enum Found {
    /// A block, as it is packed.
    Block(Vec<u8>),
    Bad,
}

/// Erasing under way, segment by segment.
pub(super) struct Erasure {
    archive: Archive,
    what: Erase,
    left: VecDeque<SegmentId>,
    erased: Erased,
}

impl Erasure {
    /// Is going to remove what `what` names from the segments that `archive` has now, all of
    /// which were ended.
    pub(super) fn new(archive: &Archive, what: Erase) -> io::Result<Self> {
        let stored = listing::stored(&archive.directory)?;
        let left = stored.into_iter().map(|stored| stored.id).collect();
        Ok(Self { archive: archive.clone(), what, left, erased: Erased::default() })
    }

    /// The segment that comes next; `None` at the end.
    pub(super) fn next(&self) -> Option<SegmentId> {
        self.left.front().copied()
    }

    /// Removes what is to go from the next segment. Returns whether the segment has changed.
    pub(super) fn step(&mut self) -> Result<Changed, ArchiveError> {
        let Some(id) = self.left.pop_front() else { return Ok(Changed::No) };
        let tally = match tally(&self.archive, id, &self.what) {
            Ok(Some(tally)) => tally,
            // What was shredded, or has gone, holds nothing.
            Ok(None) => return Ok(Changed::No),
            Err(ReadError::Key(_) | ReadError::Newer { .. }) => {
                self.erased.closed.push(id);
                return Ok(Changed::No);
            }
            Err(error) => return Err(error.into()),
        };
        if tally.erased + tally.bad == 0 {
            return Ok(Changed::No);
        }
        // What a list would say of what goes, goes first.
        if let Some(rows) = &self.archive.rows {
            rows.remove(&id.to_string());
        }
        if tally.left == 0 {
            remove_segment(&self.archive.directory, id)?;
        } else {
            rewrite(&self.archive, id, &self.what)?;
        }
        self.erased.records += tally.erased;
        self.erased.bad_frames += tally.bad;
        self.erased.segments.push(id);
        Ok(Changed::Yes)
    }

    /// What has gone so far.
    pub(super) fn done(self) -> Erased {
        self.erased
    }
}

/// Whether a segment has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Yes,
    No,
}

/// Counts what goes and what stays; `None` where nobody can read the segment any more.
fn tally(archive: &Archive, id: SegmentId, what: &Erase) -> Result<Option<Tally>, ReadError> {
    let mut reader = match archive.reader(id).and_then(|it| it.check_open().map(|()| it)) {
        Err(ReadError::Key(KeyError::Shredded(_))) => return Ok(None),
        Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        reader => reader?,
    };
    let mut tally = Tally::default();
    while let Some(found) = next(&mut reader)? {
        let block = match found {
            Found::Block(packed) => reader.block(&packed).ok(),
            Found::Bad => None,
        };
        let Some(block) = block else {
            tally.bad += 1;
            continue;
        };
        for ordinal in 0..block.records() {
            match block.entry(ordinal) {
                Ok(entry) if what.matches(&entry) => tally.erased += 1,
                Ok(_) => tally.left += 1,
                Err(_) => tally.bad += 1,
            }
        }
    }
    Ok(Some(tally))
}

/// What comes next; `None` at the end.
fn next(reader: &mut SegmentReader) -> Result<Option<Found>, ReadError> {
    let Some(step) = reader.step()? else { return Ok(None) };
    let Step::Frame(frame) = step else { return Ok(Some(Found::Bad)) };
    Ok(Some(reader.packed(frame).map_or(Found::Bad, Found::Block)))
}

/// Writes a segment anew without the records that `what` names.
fn rewrite(archive: &Archive, id: SegmentId, what: &Erase) -> Result<(), ArchiveError> {
    let mut reader = archive.reader(id)?;
    let is_sealed = matches!(reader.access, Access::Sealed(_));
    let mut keys = KeyFile::read(&archive.directory, id)?.unwrap_or(KeyFile::empty());
    let key = match &archive.master {
        Some(master) if is_sealed => {
            let key = keys.add(id, master)?;
            // Before anything is sealed with it; the old one is needed until the old file has
            // gone.
            keys.write(&archive.directory, id)?;
            Some(key)
        }
        _ => None,
    };
    let key_id = key.as_ref().map(|key| key.id);
    let summary = RewrittenSegment::write(&archive.directory, id, key, |segment| {
        let (mut packer, mut left) = (Packer::new()?, Gathering::default());
        while let Some(found) = next(&mut reader).map_err(io::Error::other)? {
            if let Found::Block(packed) = found
                && let Ok(block) = reader.block(&packed)
            {
                let received = add_left(&block, what, &mut left);
                if !received.is_empty() {
                    segment.append(packer.pack(&left)?, &received)?;
                    left.clear();
                }
            }
        }
        Ok(())
    })?;
    summary.write(&archive.directory, id)?;
    if let Some(key) = key_id {
        keys.keep_only(key);
        keys.write(&archive.directory, id)?;
    }
    Ok(())
}

/// Adds the records of a block that stay. Returns when each of them was received.
fn add_left(block: &Block, what: &Erase, left: &mut Gathering) -> Vec<Duration> {
    let mut received = Vec::new();
    for ordinal in 0..block.records() {
        if let Ok(entry) = block.entry(ordinal)
            && !what.matches(&entry)
            && let Some(record) = block.raw(ordinal)
        {
            left.add(record);
            received.push(entry.received);
        }
    }
    received
}
