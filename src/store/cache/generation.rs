//! One generation: a database of its own in a directory of its own, `g<number>`.
//!
//! Must not know: the other generations, or what the date is.

use super::row::{self, Expired, Meta};
use super::space;
use crate::store::StoreError;
use crate::store::engine::{Changes, Engine, Refusal, Table};
use crate::store::pack::Malformed;
use crate::types::{CacheKey, Purge};
use std::fs;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages of one generation that are held in memory, in bytes.
const MEMORY: u64 = 4 << 20;
/// How long one that was just closed may take to open; nobody waits for it at a start then.
const PATIENCE_BETWEEN: Duration = Duration::from_secs(30);
/// What is on its way out has this extension, so that nothing takes it for a database.
const GONE: &str = "gone";
/// Entries that are removed at a time.
pub(super) const STEP: usize = 64;

/// An open generation.
#[derive(Debug)]
pub(super) struct Generation {
    number: u64,
    directory: PathBuf,
    table: Table,
    /// Entries, as the table's own row has it.
    entries: u64,
    /// Bytes on disk when it was last flushed.
    measured: u64,
    /// A bound of what has been added since.
    staged: u64,
}

/// An entry to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write<'a> {
    /// Its key.
    pub(super) key: &'a CacheKey,
    /// What is known of it.
    pub(super) meta: &'a Meta,
    /// The value.
    pub(super) value: &'a [u8],
}

impl Generation {
    /// Opens the generation of this number in `cache` within about `patience`, or makes it.
    pub(super) fn open(cache: &Path, number: u64, patience: Duration) -> Result<Self, Refusal> {
        let directory = Self::directory(cache, number);
        let table = Engine::try_open(&directory, MEMORY, patience)?.table("cache");
        let table = table.map_err(Refusal::Broken)?;
        let mut generation = Self { number, directory, table, entries: 0, measured: 0, staged: 0 };
        generation.entries = generation.number_at(row::COUNT).map_err(Refusal::Broken)?;
        generation.flush().map_err(Refusal::Broken)?;
        Ok(generation)
    }

    /// The numbers of the generations in `cache`, the oldest first. What a process did not
    /// come to remove is removed, and so is what one that was given up too early made there.
    pub(super) fn numbers(cache: &Path) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(cache)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let number = name.strip_prefix('g').and_then(|number| number.parse::<u64>().ok());
            let is_gone = path.extension().is_some_and(|extension| extension == GONE);
            if is_gone || (number.is_some() && !Engine::is_at(&path)) {
                fs::remove_dir_all(&path)?;
            } else {
                numbers.extend(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The directory of the generation of this number.
    pub(super) fn directory(cache: &Path, number: u64) -> PathBuf {
        cache.join(format!("g{number}"))
    }

    /// Removes a generation that is not open.
    pub(super) fn remove(directory: &Path) -> io::Result<()> {
        let gone = directory.with_added_extension(GONE);
        fs::rename(directory, &gone)?;
        fs::remove_dir_all(gone)
    }

    /// Its number; a newer one's is greater.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Entries in it, those that have expired among them.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// The bytes on disk that it takes at most.
    pub(super) fn bytes(&self) -> u64 {
        self.measured + self.staged
    }

    /// What is known of the entry at `key`.
    pub(super) fn meta(&self, key: &CacheKey) -> Result<Option<Meta>, StoreError> {
        let bytes = self.table.get(&row::entry(key))?;
        Ok(bytes.map(|bytes| Meta::decode(&bytes)).transpose()?)
    }

    /// The value of the entry at `key`.
    pub(super) fn value(&self, key: &CacheKey, meta: &Meta) -> Result<Vec<u8>, StoreError> {
        let mut value = Vec::new();
        let range = row::piece(key, 0)..row::piece(key, meta.pieces());
        self.table.scan(range, |_, piece| value.extend_from_slice(piece))?;
        if value.len() as u64 == meta.length { Ok(value) } else { Err(Malformed.into()) }
    }

    /// Stores entries, in the place of those that are there, all or nothing. No two may have
    /// the same key.
    pub(super) fn put(&mut self, writes: &[Write<'_>], mark: u64) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        let (mut added, mut cost) = (0, 0);
        for Write { key, meta, value } in writes {
            match self.meta(key)? {
                Some(old) => {
                    cost += old.cost();
                    remove_rows(&mut changes, key, &old);
                }
                None => added += 1,
            }
            cost += meta.cost();
            changes.put(&row::entry(key), meta.encode());
            let pieces = meta.pieces().to_be_bytes().to_vec();
            changes.put(&row::expiry(meta.last_second(), key), pieces);
            for (number, piece) in (0..).zip(row::pieces(value)) {
                changes.put(&row::piece(key, number), piece.to_vec());
            }
        }
        changes.put(row::MARK, mark.to_be_bytes().to_vec());
        self.stage(changes, self.entries + added, cost)
    }

    /// Removes the entries at these keys.
    pub(super) fn remove_entries(&mut self, keys: &[CacheKey]) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        let (mut left, mut cost) = (self.entries, 0);
        for key in keys {
            if let Some(meta) = self.meta(key)? {
                remove_rows(&mut changes, key, &meta);
                left = left.saturating_sub(1);
                cost += meta.cost();
            }
        }
        if cost == 0 { Ok(()) } else { self.stage(changes, left, cost) }
    }

    /// Makes the entries at these keys, which are there, as if they were not. The rest of
    /// them goes when they would have expired, or with the generation: to look for it would
    /// take a hundred times as long.
    pub(super) fn forget(&mut self, keys: &[CacheKey]) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        keys.iter().for_each(|key| changes.remove(&row::entry(key)));
        let count = keys.len() as u64;
        self.stage(changes, self.entries.saturating_sub(count), row::COST * count)
    }

    /// Removes what [`Generation::expired`] gave, and what was left of it.
    pub(super) fn remove_expired(&mut self, expired: &[Expired]) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        let (mut left, mut cost) = (self.entries, 0);
        for Expired { second, key, pieces } in expired {
            changes.remove(&row::expiry(*second, key));
            let meta = self.meta(key)?;
            cost += row::COST + row::pieces_cost(*pieces);
            // The key may have been stored again since, and these may be its pieces.
            let kept = match meta {
                Some(meta) if meta.last_second() > *second => meta.pieces(),
                Some(_) => {
                    changes.remove(&row::entry(key));
                    left = left.saturating_sub(1);
                    0
                }
                None => 0,
            };
            (kept..*pieces).for_each(|number| changes.remove(&row::piece(key, number)));
        }
        self.stage(changes, left, cost)
    }

    /// What removing these entries may add to the files, in bytes.
    pub(super) fn removal_cost(&self, keys: &[CacheKey]) -> Result<u64, StoreError> {
        let cost = |meta: Option<Meta>| meta.map_or(0, |meta| meta.cost());
        keys.iter().map(|key| self.meta(key).map(cost)).sum()
    }

    /// The first [`STEP`] entries, or fewer, that have expired by `second`.
    pub(super) fn expired(&self, second: u64) -> Result<Vec<Expired>, StoreError> {
        self.collect(row::expired(second), |name, pieces| {
            row::expired_entry(name, pieces).map(Some)
        })
    }

    /// The next [`STEP`] entries, or fewer, that `purge` names, after the one at `last`.
    pub(super) fn named(
        &self,
        purge: &Purge,
        last: Option<&CacheKey>,
    ) -> Result<Vec<CacheKey>, StoreError> {
        self.collect(row::entries_after(last), |name, bytes| {
            let (key, meta) = (row::entry_key(name)?, Meta::decode(bytes)?);
            Ok(purge.matches(&key, &meta.tags).then_some(key))
        })
    }

    /// The latest date that was written down in it, in milliseconds since the Unix epoch.
    pub(super) fn mark(&self) -> Result<u64, StoreError> {
        self.number_at(row::MARK)
    }

    /// Writes a date down.
    pub(super) fn set_mark(&mut self, mark: u64) -> Result<(), StoreError> {
        self.put(&[], mark)
    }

    /// Writes everything to disk, and looks how much that is now.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.table.flush()?;
        let taken = space::taken(&self.directory);
        self.measured = taken.map_err(|error| StoreError::Failed(error.to_string()))?;
        self.staged = 0;
        Ok(())
    }

    /// Whether anything is not on disk yet.
    pub(super) fn is_dirty(&self) -> bool {
        self.staged > 0
    }

    /// Closes it and opens it again. The database does only then write down what it would have
    /// to read everything for at the next start.
    pub(super) fn reopen(self) -> Result<Self, StoreError> {
        let cache = self.directory.parent().unwrap_or(&self.directory).to_owned();
        let number = self.number;
        self.close()?;
        Ok(Self::open(&cache, number, PATIENCE_BETWEEN)?)
    }

    /// Closes it; what was staged is on disk afterwards.
    pub(super) fn close(self) -> Result<(), StoreError> {
        self.table.close()
    }

    /// Closes and removes it.
    pub(super) fn delete(self) -> Result<(), StoreError> {
        let directory = self.directory;
        self.table.close()?;
        Self::remove(&directory).map_err(|error| StoreError::Failed(error.to_string()))
    }

    fn stage(&mut self, mut changes: Changes, entries: u64, cost: u64) -> Result<(), StoreError> {
        changes.put(row::COUNT, entries.to_be_bytes().to_vec());
        // As much for the count and the date.
        self.staged += cost + 2 * row::COST;
        self.table.stage(changes)?;
        self.entries = entries;
        Ok(())
    }

    /// What `each` picks out of a range of rows, up to [`STEP`].
    fn collect<T>(
        &self,
        range: Range<Vec<u8>>,
        each: impl Fn(&[u8], &[u8]) -> Result<Option<T>, Malformed>,
    ) -> Result<Vec<T>, StoreError> {
        let mut picked = Vec::new();
        let mut malformed = None;
        self.table.scan_some(range, |name, bytes| {
            match each(name, bytes) {
                Ok(one) => picked.extend(one),
                Err(error) => malformed = Some(error),
            }
            let go_on = picked.len() < STEP && malformed.is_none();
            if go_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        malformed.map_or(Ok(picked), |error| Err(error.into()))
    }

    fn number_at(&self, name: &[u8]) -> Result<u64, StoreError> {
        let bytes = self.table.get(name)?;
        Ok(bytes.map_or(Ok(0), |bytes| row::number(&bytes))?)
    }
}

fn remove_rows(changes: &mut Changes, key: &CacheKey, meta: &Meta) {
    changes.remove(&row::entry(key));
    changes.remove(&row::expiry(meta.last_second(), key));
    (0..meta.pieces()).for_each(|number| changes.remove(&row::piece(key, number)));
}

#[cfg(test)]
impl Generation {
    /// Rows of every kind.
    pub(super) fn rows(&self) -> usize {
        let mut rows = 0;
        self.table.scan(vec![0]..vec![u8::MAX], |_, _| rows += 1).unwrap();
        rows
    }
}
