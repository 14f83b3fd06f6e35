//! Some thousand rows in the order they came, written once and read without a lock.
//!
//! Must not know: what is looked for in them.

use super::row::Row;
use super::side;
use memchr::memmem::Finder;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a row takes besides its side.
pub(super) const SLOT_BYTES: usize = size_of::<OnceLock<Row>>();
/// What an allocation takes besides what is asked for.
const ALLOCATION: usize = 16;

/// Rows by consecutive numbers. One thread appends; any thread reads, and never waits.
#[derive(Debug)]
pub(super) struct Segment {
    /// The number of the first row.
    pub(super) first: u64,
    rows: Box<[OnceLock<Row>]>,
    length: AtomicUsize,
    /// What the sides take.
    sides: AtomicUsize,
    /// When the first and the last request of it ended, in microseconds since the epoch.
    earliest: AtomicU64,
    latest: AtomicU64,
    /// Made when it is sealed.
    index: OnceLock<Index>,
}

/// What rows are found by, all in one piece: to look at a million rows one by one takes longer
/// than anybody waits.
#[derive(Debug)]
struct Index {
    /// Hashes of ids and positions, in order.
    hashes: Box<[(u32, u32)]>,
    /// All ids, each followed by a line feed, which none contains.
    ids: Box<str>,
    /// Where each of them ends.
    ends: Box<[u32]>,
}

impl Segment {
    /// An empty segment for so many rows.
    pub(super) fn new(first: u64, rows: usize) -> Self {
        Self {
            first,
            rows: (0..rows).map(|_| OnceLock::new()).collect(),
            length: AtomicUsize::new(0),
            sides: AtomicUsize::new(0),
            earliest: AtomicU64::new(u64::MAX),
            latest: AtomicU64::new(0),
            index: OnceLock::new(),
        }
    }

    /// Appends a row, if there is room; by one thread at a time.
    pub(super) fn push(&self, row: Row) {
        let position = self.length.load(Ordering::Relaxed);
        let Some(slot) = self.rows.get(position) else { return };
        self.sides.fetch_add(row.side.len() + ALLOCATION, Ordering::Relaxed);
        self.earliest.fetch_min(row.ended, Ordering::Relaxed);
        self.latest.fetch_max(row.ended, Ordering::Relaxed);
        // It is empty: only this thread fills it.
        slot.set(row).ok();
        self.length.store(position + 1, Ordering::Release);
    }

    /// Its last row has come.
    pub(super) fn seal(&self) {
        self.index.get_or_init(|| {
            let hashes = self.rows().zip(0..).map(|((_, row), position)| (row.id_hash, position));
            let mut hashes: Box<[(u32, u32)]> = hashes.collect();
            hashes.sort_unstable();
            let (mut ids, mut ends) = (String::new(), Vec::with_capacity(hashes.len()));
            for (_, row) in self.rows() {
                ids.push_str(side::request_id(&row.side));
                // Of a few thousand ids of at most 128 bytes.
                ends.push(ids.len() as u32);
                ids.push('\n');
            }
            Index { hashes, ids: ids.into(), ends: ends.into() }
        });
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() == self.rows.len()
    }

    /// What it takes in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let index = self.index.get().map_or(0, |Index { hashes, ids, ends }| {
            size_of_val(&**hashes) + ids.len() + size_of_val(&**ends)
        });
        self.rows.len() * SLOT_BYTES + self.sides.load(Ordering::Relaxed) + index
    }

    /// What the sides of its rows take, in bytes.
    pub(super) fn side_bytes(&self) -> usize {
        self.sides.load(Ordering::Relaxed)
    }

    /// When the earliest request in it ended, if there is one.
    pub(super) fn earliest(&self) -> Option<u64> {
        (self.len() > 0).then(|| self.earliest.load(Ordering::Relaxed))
    }

    /// Whether a request in it may have ended within `from..to`. One that comes this moment may
    /// be overlooked.
    pub(super) fn may_hold(&self, from: u64, to: u64) -> bool {
        // First the length: with it, the times of all rows so far are seen.
        self.len() > 0
            && self.earliest.load(Ordering::Relaxed) < to
            && self.latest.load(Ordering::Relaxed) >= from
    }

    /// The rows with their numbers, in order.
    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = (u64, &Row)> {
        let written = self.rows.get(..self.len()).unwrap_or_default();
        let numbered = written.iter().enumerate();
        numbered.filter_map(|(position, row)| Some((self.first + position as u64, row.get()?)))
    }

    /// Whether the text may be part of an id in it; of one that is not sealed, always.
    pub(super) fn may_name(&self, text: &Finder<'_>) -> bool {
        self.index.get().is_none_or(|index| text.find(index.ids.as_bytes()).is_some())
    }

    /// The id of one of its rows.
    pub(super) fn id_of<'a>(&'a self, seq: u64, row: &'a Row) -> &'a str {
        let indexed = self.index.get().and_then(|Index { ids, ends, .. }| {
            let position = usize::try_from(seq.checked_sub(self.first)?).ok()?;
            let before = position.checked_sub(1).and_then(|at| ends.get(at));
            let start = before.map_or(0, |end| *end as usize + 1);
            ids.get(start..*ends.get(position)? as usize)
        });
        indexed.unwrap_or_else(|| side::request_id(&row.side))
    }

    /// The rows whose ids have this hash, with their numbers.
    pub(super) fn with_hash(&self, hash: u32) -> Vec<(u64, &Row)> {
        let Some(index) = self.index.get() else {
            return self.rows().filter(|(_, row)| row.id_hash == hash).collect();
        };
        let from = index.hashes.partition_point(|(found, _)| *found < hash);
        let same = index.hashes.iter().skip(from).take_while(|(found, _)| *found == hash);
        let row = |(_, position): &(u32, u32)| {
            let row = self.rows.get(*position as usize)?.get()?;
            Some((self.first + u64::from(*position), row))
        };
        same.filter_map(row).collect()
    }
}
