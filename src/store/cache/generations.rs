//! All generations together: the newest is written, older ones are only read from, and the
//! oldest goes when there is no more room.
//!
//! The database gives space back late or never, and takes more than it is given. So the bytes
//! on disk are measured, and bounded between two measurements.
//!
//! Must not know: that the database may fail and be replaced, or that dates jump.

use super::generation::{Generation, STEP, Write};
use super::row::{self, Expired, Meta};
use super::watch::millis;
use super::{CacheUsage, Found, Put, space};
use crate::files;
use crate::store::StoreError;
use crate::store::engine::{PATIENCE, Refusal};
use crate::types::{CacheKey, Purge};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// A generation is full with this part of the capacity.
const GENERATIONS: u64 = 6;
/// This part of the capacity stays free, and at least [`LEAST_RESERVE`] bytes: what the
/// database may write on its own, four of its segments.
const RESERVE: u64 = 16;
const LEAST_RESERVE: u64 = 2 << 20;
/// Bytes that one batch may add to the files at most, and a part of the capacity it may.
const LARGEST_BATCH: u64 = 64 << 20;
const BATCH: u64 = 8;
/// Expiry stops after this time and goes on at the next: somebody may wait for a value.
const EXPIRY: Duration = Duration::from_millis(20);

/// The generations, never none unless one could not be opened.
#[derive(Debug)]
pub(super) struct Generations {
    cache: PathBuf,
    capacity: u64,
    /// The oldest first.
    open: Vec<Generation>,
    /// Entries that were given up for want of room, since the start.
    evicted: u64,
}

impl Generations {
    /// Opens what is in the directory `cache`, and begins there at the number `first` where
    /// nothing is. What does not fit is removed first.
    pub(super) fn open(cache: &Path, capacity: u64, first: u64) -> Result<Self, Refusal> {
        files::create_directory(cache).map_err(Refusal::System)?;
        let mut generations =
            Self { cache: cache.to_owned(), capacity, open: Vec::new(), evicted: 0 };
        let numbers = generations.those_that_fit().map_err(Refusal::System)?;
        let opened: Vec<_> = thread::scope(|scope| {
            let open = |number| scope.spawn(move || Generation::open(cache, number, PATIENCE));
            let opening: Vec<_> = numbers.into_iter().map(open).collect();
            opening.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for generation in opened {
            let died = || StoreError::Panicked("while it was opened".to_owned());
            let generation = generation.unwrap_or_else(|_| Err(Refusal::Broken(died())))?;
            generations.open.push(generation);
        }
        if generations.open.is_empty() {
            generations.open.push(Generation::open(cache, first, PATIENCE)?);
        }
        Ok(generations)
    }

    /// The latest date that was written down.
    pub(super) fn mark(&self) -> Result<u64, StoreError> {
        self.open.iter().try_fold(0, |latest, open| Ok(open.mark()?.max(latest)))
    }

    /// Writes a date down.
    pub(super) fn set_mark(&mut self, now: u64) -> Result<(), StoreError> {
        self.newest()?.set_mark(now)
    }

    /// The entry at `key`, unless it has expired. What was in an older generation is in the
    /// newest afterwards.
    pub(super) fn get(&mut self, key: &CacheKey, now: u64) -> Result<Option<Found>, StoreError> {
        let Some((number, meta)) = self.latest(key)? else { return Ok(None) };
        // Whatever is older was replaced by this.
        if meta.expires <= now {
            return Ok(None);
        }
        let Some(generation) = self.at(number) else { return Ok(None) };
        let value = generation.value(key, &meta)?;
        if number < self.newest()?.number() && meta.cost() <= self.largest_batch() {
            self.write(&[Write { key, meta: &meta, value: &value }], now)?;
        }
        let stored_for = Duration::from_millis(now.saturating_sub(meta.stored));
        Ok(Some(Found { value, stored_for }))
    }

    /// Stores `items` but those that are too large. Returns how many were stored.
    pub(super) fn put(&mut self, items: &[Put], now: u64) -> Result<usize, StoreError> {
        let meta = |item: &Put| Meta {
            stored: now.saturating_sub(millis(item.waited)),
            expires: now.saturating_add(millis(item.keep)),
            length: item.value.len() as u64,
            tags: item.tags.clone(),
        };
        let metas: Vec<Meta> = items.iter().map(meta).collect();
        let (mut batch, mut keys, mut cost) = (Vec::new(), HashSet::new(), 0);
        let (mut stored, largest) = (0, self.largest_batch());
        for (Put { key, value, .. }, meta) in items.iter().zip(&metas) {
            if meta.cost() > largest {
                continue;
            }
            if cost + meta.cost() > largest || keys.contains(key) {
                self.write(&batch, now)?;
                (cost, stored) = (0, stored + batch.len());
                batch.clear();
                keys.clear();
            }
            cost += meta.cost();
            keys.insert(*key);
            batch.push(Write { key, meta, value });
        }
        self.write(&batch, now)?;
        Ok(stored + batch.len())
    }

    /// Removes what `purge` names, for good when it returns. Returns how many entries went, as
    /// [`Generations::usage`] counts them.
    pub(super) fn purge(&mut self, purge: &Purge, now: u64) -> Result<u64, StoreError> {
        let before = self.usage().entries;
        match purge {
            Purge::All => self.start_over(now)?,
            Purge::Entry(key) => self.remove(self.numbers(), &[*key])?,
            Purge::Tagged(_) => {
                self.numbers().into_iter().try_for_each(|number| self.purge_in(number, purge))?;
                self.drop_empty()?;
            }
        }
        let removed = before.saturating_sub(self.usage().entries);
        self.flush()?;
        Ok(removed)
    }

    /// Entries and what they take.
    pub(super) fn usage(&self) -> CacheUsage {
        CacheUsage {
            entries: self.open.iter().map(Generation::entries).sum(),
            bytes: self.bytes(),
            generations: self.open.len(),
            evicted: self.evicted,
        }
    }

    /// Removes some of what has expired.
    pub(super) fn expire(&mut self, now: u64) -> Result<(), StoreError> {
        let begin = Instant::now();
        for number in self.numbers() {
            while begin.elapsed() < EXPIRY && self.expire_step(number, now / 1000)? == STEP {}
        }
        self.drop_empty()
    }

    /// Writes everything to disk and makes the room that it then turns out to need.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.open.iter_mut().filter(|open| open.is_dirty()).try_for_each(Generation::flush)?;
        self.make_room(0)
    }

    /// Removes everything, and begins anew.
    pub(super) fn start_over(&mut self, now: u64) -> Result<(), StoreError> {
        let number = self.open.last().map_or(0, Generation::number);
        for generation in self.open.drain(..) {
            generation.delete()?;
        }
        self.begin(number + 1, now)
    }

    /// Closes all; what was staged is on disk afterwards.
    pub(super) fn close(self) -> Result<(), StoreError> {
        let close = |outcome: Result<_, _>, open: Generation| outcome.and(open.close());
        self.open.into_iter().fold(Ok(()), close)
    }

    /// The generations found, without the oldest where all are too much.
    fn those_that_fit(&self) -> std::io::Result<Vec<u64>> {
        let mut numbers = Generation::numbers(&self.cache)?;
        let mut left = self.limit();
        let directory = |number: &u64| Generation::directory(&self.cache, *number);
        let mut first = numbers.len();
        for number in numbers.iter().rev() {
            let Some(rest) = left.checked_sub(space::taken(&directory(number))?) else { break };
            (left, first) = (rest, first - 1);
        }
        for number in numbers.drain(..first) {
            Generation::remove(&directory(&number))?;
        }
        Ok(numbers)
    }

    /// Writes one batch to the newest generation, and begins another when it is full.
    fn write(&mut self, batch: &[Write<'_>], now: u64) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        // Once for what is written, once for what it may replace.
        let cost: u64 = batch.iter().map(|write| 2 * write.meta.cost()).sum();
        self.make_room(cost)?;
        let full = self.capacity / GENERATIONS;
        let newest = self.newest()?;
        newest.put(batch, now)?;
        if newest.bytes() >= full {
            newest.flush()?;
        }
        if newest.bytes() >= full { self.rotate(now) } else { Ok(()) }
    }

    /// Leaves the newest generation as it is, and begins another.
    fn rotate(&mut self, now: u64) -> Result<(), StoreError> {
        let number = self.newest()?.number() + 1;
        if let Some(full) = self.open.pop() {
            self.open.push(full.reopen()?);
        }
        self.begin(number, now)
    }

    /// Makes sure that `cost` bytes more are no more than there may be.
    fn make_room(&mut self, cost: u64) -> Result<(), StoreError> {
        let fits = |open: &Self| open.bytes() + cost <= open.limit();
        if !fits(self) {
            self.open.iter_mut().filter(|open| open.is_dirty()).try_for_each(Generation::flush)?;
        }
        while !fits(self) && self.open.len() > 1 {
            let oldest = self.open.remove(0);
            self.evicted += oldest.entries();
            oldest.delete()?;
        }
        if fits(self) {
            return Ok(());
        }
        self.evicted += self.usage().entries;
        self.start_over(self.mark()?)
    }

    /// Removes what `purge` names from one generation.
    fn purge_in(&mut self, number: u64, purge: &Purge) -> Result<(), StoreError> {
        let mut last = None;
        while let Some(generation) = self.at(number) {
            let keys = generation.named(purge, last.as_ref())?;
            self.make_room(row::COST * keys.len() as u64)?;
            if let Some(generation) = self.at(number) {
                generation.forget(&keys)?;
            }
            last = keys.last().copied();
            if keys.len() < STEP {
                break;
            }
        }
        Ok(())
    }

    /// Removes some of what has expired by `second` in one generation, and from older ones
    /// what it had replaced there. Returns how many they were.
    fn expire_step(&mut self, number: u64, second: u64) -> Result<usize, StoreError> {
        let Some(generation) = self.at(number) else { return Ok(0) };
        let expired = generation.expired(second)?;
        let keys: Vec<CacheKey> = expired.iter().map(|expired| expired.key).collect();
        let cost = |expired: &Expired| row::COST + row::pieces_cost(expired.pieces);
        self.make_room(expired.iter().map(cost).sum())?;
        if let Some(generation) = self.at(number) {
            generation.remove_expired(&expired)?;
        }
        let older = self.numbers().into_iter().filter(|older| *older < number).collect();
        self.remove(older, &keys)?;
        Ok(keys.len())
    }

    /// Removes the generations without entries, but for the newest.
    fn drop_empty(&mut self) -> Result<(), StoreError> {
        let newest = self.newest()?.number();
        let is_empty = |open: &mut Generation| open.entries() == 0 && open.number() < newest;
        let empty: Vec<_> = self.open.extract_if(.., is_empty).collect();
        empty.into_iter().try_for_each(Generation::delete)
    }

    /// Removes the entries at `keys` from some generations.
    fn remove(&mut self, numbers: Vec<u64>, keys: &[CacheKey]) -> Result<(), StoreError> {
        for number in numbers {
            let Some(generation) = self.at(number) else { continue };
            let cost = generation.removal_cost(keys)?;
            self.make_room(cost)?;
            if let Some(generation) = self.at(number) {
                generation.remove_entries(keys)?;
            }
        }
        Ok(())
    }

    /// The newest generation that has the entry at `key`, and what is known of it.
    fn latest(&self, key: &CacheKey) -> Result<Option<(u64, Meta)>, StoreError> {
        for generation in self.open.iter().rev() {
            if let Some(meta) = generation.meta(key)? {
                return Ok(Some((generation.number(), meta)));
            }
        }
        Ok(None)
    }

    /// Begins a generation, which is the newest then.
    fn begin(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let mut generation = Generation::open(&self.cache, number, PATIENCE)?;
        generation.set_mark(now)?;
        self.open.push(generation);
        Ok(())
    }

    fn newest(&mut self) -> Result<&mut Generation, StoreError> {
        self.open.last_mut().ok_or_else(|| StoreError::Failed("no generation is open".to_owned()))
    }

    /// The generation of this number; `None` when it had to make room.
    fn at(&mut self, number: u64) -> Option<&mut Generation> {
        self.open.iter_mut().find(|generation| generation.number() == number)
    }

    fn numbers(&self) -> Vec<u64> {
        self.open.iter().map(Generation::number).collect()
    }

    /// The bytes on disk that all take at most.
    fn bytes(&self) -> u64 {
        self.open.iter().map(Generation::bytes).sum()
    }

    /// The bytes on disk that all may take.
    fn limit(&self) -> u64 {
        self.capacity.saturating_sub((self.capacity / RESERVE).max(LEAST_RESERVE))
    }

    fn largest_batch(&self) -> u64 {
        (self.capacity / BATCH).min(LARGEST_BATCH)
    }
}

#[cfg(test)]
impl Generations {
    /// Rows in all generations.
    pub(super) fn rows(&self) -> usize {
        self.open.iter().map(Generation::rows).sum()
    }
}
