//! The cache's tier on disk: generations of databases below `cache/` in the data directory.
//!
//! It holds only what may be lost. So whatever is wrong with it is answered by moving it aside
//! and beginning anew, and a date that was set back by dropping everything. Old entries make
//! room for new ones a whole generation at a time.
//!
//! Must not know: what the values are, or who asks.

mod generation;
mod generations;
mod note;
mod row;
mod space;
#[cfg(test)]
mod tests;
mod watch;

use crate::files;
use crate::store::engine::{Refusal, move_aside};
use crate::store::pack::Malformed;
use crate::store::{Condition, OpenError, StoreError};
use crate::types::{CacheKey, CacheTags, Clock, Purge};
use bytes::Bytes;
use generations::Generations;
use parking_lot::Mutex;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use watch::{Date, Moment, Watch};

/// The directory of the generations.
const CACHE: &str = "cache";
/// Locked for as long as a process uses it. Beside it, since it may be moved aside.
const LOCK: &str = "cache.lock";
/// How broken ones begin.
const BROKEN: &str = "cache.broken-";
/// The smallest capacity, in bytes: a few segments of the database for each generation.
const LEAST_CAPACITY: u64 = 32 << 20;
/// A cache that fails is replaced at most this often, and the date is written down as often.
const MINUTE: Duration = Duration::from_secs(60);

/// The open tier. Its calls wait for the disk and for one another: none belongs on a thread
/// that serves traffic. After an error, and until a minute has passed since the last one, it
/// may be without any database; it then has nothing and takes nothing.
#[derive(Debug)]
pub struct DiskCache {
    directory: PathBuf,
    capacity: u64,
    clock: Clock,
    state: Mutex<State>,
    /// Last, so that the directory is free only when the databases are closed.
    _lock: File,
}

/// An open tier, and what was found.
#[derive(Debug)]
pub struct OpenedCache {
    /// The tier.
    pub cache: DiskCache,
    /// What was found.
    pub condition: Condition,
}

/// An entry to be stored.
#[derive(Clone, Debug)]
pub struct Put {
    /// Its key.
    pub key: CacheKey,
    /// What it can be purged by.
    pub tags: CacheTags,
    /// The value.
    pub value: Bytes,
    /// How long ago it was ready to be stored; part of its age.
    pub waited: Duration,
    /// How long it is of use from now on.
    pub keep: Duration,
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: Vec<u8>,
    /// How long ago it was stored, to 2 s: the date may be set back by so much unnoticed.
    pub stored_for: Duration,
}

/// What a tier holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUsage {
    /// Entries. One that is in several generations counts in each of them; one that has
    /// expired counts until it is removed.
    pub entries: u64,
    /// Bytes on disk at most.
    pub bytes: u64,
    /// Databases.
    pub generations: usize,
    /// Entries that were given up for want of room since the start, counted as `entries` are.
    pub evicted: u64,
}

#[derive(Debug)]
struct State {
    /// `None` while there is no database.
    generations: Option<Generations>,
    watch: Watch,
    /// When the date was last written down.
    marked: Instant,
    /// When the cache was last replaced.
    replaced: Option<Instant>,
    /// Entries that databases before these have given up for want of room.
    evicted_before: u64,
}

impl DiskCache {
    /// Opens the cache in a data directory within 5 s, creating what is missing. It takes at
    /// most `capacity` bytes of the disk, at least 32 MiB; what it held beyond that goes. A
    /// broken cache is moved aside to `cache.broken-<Unix seconds>`, where the last such one
    /// stays, and is not counted; one in use is left alone.
    ///
    /// # Errors
    /// When it is in use or the directory cannot be used at all.
    pub fn open(directory: &Path, capacity: u64, clock: Clock) -> Result<OpenedCache, OpenError> {
        Self::open_at(directory, capacity.max(LEAST_CAPACITY), clock, Moment::now(clock))
    }

    /// Stores `items`, in the place of what is at their keys. Returns how many it took: those
    /// that are a large part of the capacity are left out. They are on disk after the next
    /// [`DiskCache::maintain`].
    ///
    /// # Errors
    /// When the database fails; the cache is empty then.
    pub fn put(&self, items: &[Put]) -> Result<usize, StoreError> {
        self.put_at(items, Moment::now(self.clock))
    }

    /// The entry at `key`, unless it has expired.
    ///
    /// # Errors
    /// When the database fails; the cache is empty then.
    pub fn get(&self, key: &CacheKey) -> Result<Option<Found>, StoreError> {
        self.get_at(key, Moment::now(self.clock))
    }

    /// Removes what `purge` names, for good when it returns. Returns how many entries went, as
    /// [`CacheUsage`] counts them. No call finds them any more; their bytes stay on disk until
    /// they would have expired or their generation goes.
    ///
    /// # Errors
    /// When the database fails; the cache is empty then.
    pub fn purge(&self, purge: &Purge) -> Result<u64, StoreError> {
        self.purge_at(purge, Moment::now(self.clock))
    }

    /// What it holds.
    pub fn usage(&self) -> CacheUsage {
        let state = self.state.lock();
        let usage = state.generations.as_ref().map(Generations::usage).unwrap_or_default();
        CacheUsage { evicted: state.evicted_before + usage.evicted, ..usage }
    }

    /// Removes what has expired, and writes to disk what was stored. To be called about once
    /// a second.
    ///
    /// # Errors
    /// When the database fails; the cache is empty then.
    pub fn maintain(&self) -> Result<(), StoreError> {
        self.maintain_at(Moment::now(self.clock))
    }

    fn open_at(
        directory: &Path,
        capacity: u64,
        clock: Clock,
        now: Moment,
    ) -> Result<OpenedCache, OpenError> {
        let unusable = |error| OpenError::Directory { directory: directory.to_owned(), error };
        let in_use = || OpenError::InUse(directory.to_owned());
        files::create_directory(directory).map_err(unusable)?;
        let lock = files::lock(&directory.join(LOCK)).map_err(unusable)?;
        let lock = lock.ok_or_else(in_use)?;
        let path = directory.join(CACHE);
        let found = if path.exists() { Condition::Fine } else { Condition::New };
        let (generations, condition) = match open_sound(&path, capacity, now) {
            Ok(generations) => (generations, found),
            Err(Refusal::InUse) => return Err(in_use()),
            Err(Refusal::System(error)) => return Err(unusable(error)),
            Err(Refusal::Broken(why)) => {
                let moved_to = move_aside(&path, clock).map_err(unusable)?;
                forget_broken(directory, &moved_to);
                let generations = open_sound(&path, capacity, now);
                let generations = generations.map_err(|why| OpenError::Database(why.into()))?;
                (generations, Condition::Recreated { moved_to, why: why.to_string() })
            }
        };
        let state = State {
            generations: Some(generations),
            watch: Watch::new(now),
            marked: now.instant,
            replaced: None,
            evicted_before: 0,
        };
        let state = Mutex::new(state);
        let cache = Self { directory: directory.to_owned(), capacity, clock, state, _lock: lock };
        Ok(OpenedCache { cache, condition })
    }

    fn put_at(&self, items: &[Put], now: Moment) -> Result<usize, StoreError> {
        self.with(now, |generations| generations.put(items, now.date))
    }

    fn get_at(&self, key: &CacheKey, now: Moment) -> Result<Option<Found>, StoreError> {
        self.with(now, |generations| generations.get(key, now.date))
    }

    fn purge_at(&self, purge: &Purge, now: Moment) -> Result<u64, StoreError> {
        self.with(now, |generations| generations.purge(purge, now.date))
    }

    fn maintain_at(&self, now: Moment) -> Result<(), StoreError> {
        let is_due = {
            let mut state = self.state.lock();
            let is_due = now.instant.saturating_duration_since(state.marked) >= MINUTE;
            if is_due {
                state.marked = now.instant;
            }
            is_due
        };
        self.with(now, |generations| {
            generations.expire(now.date)?;
            if is_due {
                generations.set_mark(now.date)?;
            }
            generations.flush()
        })
    }

    /// Does `work` where there is a database whose dates can be trusted.
    fn with<T: Default>(
        &self,
        now: Moment,
        work: impl FnOnce(&mut Generations) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.state.lock();
        let date = state.watch.look(now);
        if state.generations.is_none() {
            self.replace(&mut state, now);
        }
        let Some(generations) = &mut state.generations else { return Ok(T::default()) };
        let outcome = match date {
            Date::WentOn => work(generations),
            Date::SetBack => {
                tracing::warn!("the date was set back: the cache on disk is dropped");
                generations.start_over(now.date).and_then(|()| work(generations))
            }
        };
        if let Err(error) = &outcome {
            self.give_up(&mut state, error);
            self.replace(&mut state, now);
        }
        outcome
    }

    /// Closes a cache that failed and takes it out of the way.
    fn give_up(&self, state: &mut State, error: &StoreError) {
        tracing::warn!(%error, "the cache on disk failed: it goes on empty");
        if let Some(generations) = state.generations.take() {
            state.evicted_before += generations.usage().evicted;
            if let Err(error) = generations.close() {
                tracing::debug!(%error, "the cache on disk could not be closed");
            }
        }
        let taken_away = match error {
            // Moving it would leave the disk as full as it is.
            StoreError::System(_) => fs::remove_dir_all(self.directory.join(CACHE)),
            _ => self.move_aside(),
        };
        if let Err(error) = taken_away {
            tracing::warn!(%error, "the cache on disk could not be taken out of the way");
        }
    }

    fn move_aside(&self) -> io::Result<()> {
        let moved_to = move_aside(&self.directory.join(CACHE), self.clock)?;
        forget_broken(&self.directory, &moved_to);
        Ok(())
    }

    /// Begins anew, unless the last time was less than a minute ago.
    fn replace(&self, state: &mut State, now: Moment) {
        let since = |replaced| now.instant.saturating_duration_since(replaced);
        if state.replaced.is_some_and(|replaced| since(replaced) < MINUTE) {
            return;
        }
        state.replaced = Some(now.instant);
        let path = self.directory.join(CACHE);
        // What is still in the way may hold what has been purged meanwhile.
        if path.exists() && self.move_aside().is_err() {
            return;
        }
        match open_sound(&path, self.capacity, now) {
            Ok(generations) => state.generations = Some(generations),
            Err(refusal) => self.give_up(state, &refusal.into()),
        }
    }
}

impl Drop for DiskCache {
    fn drop(&mut self) {
        let Some(mut generations) = self.state.get_mut().generations.take() else { return };
        let now = Moment::now(self.clock);
        let closed = generations.set_mark(now.date).and_then(|()| generations.close());
        if let Err(error) = closed {
            tracing::warn!(%error, "the cache on disk could not be closed");
        }
    }
}

impl From<Malformed> for StoreError {
    fn from(error: Malformed) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Opens the generations below `path`, without entries when the date was set back since.
fn open_sound(path: &Path, capacity: u64, now: Moment) -> Result<Generations, Refusal> {
    // A number that no earlier cache in this place had: a database that was given up while it
    // was being opened may still write where it was.
    let mut generations = Generations::open(path, capacity, now.date / 1000)?;
    let seen = generations.mark().map_err(Refusal::Broken)?;
    if Watch::compare(now, seen) == Date::SetBack {
        tracing::warn!("the date was set back: the cache on disk is dropped");
        generations.start_over(now.date).map_err(Refusal::Broken)?;
    }
    generations.set_mark(now.date).map_err(Refusal::Broken)?;
    Ok(generations)
}

/// Removes the broken caches in `directory` but the one at `last`.
fn forget_broken(directory: &Path, last: &Path) {
    let forget = || -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let seconds = name.strip_prefix(BROKEN).unwrap_or_default();
            if seconds.parse::<u64>().is_ok() && path != last {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    };
    if let Err(error) = forget() {
        tracing::warn!(%error, "an earlier broken cache could not be removed");
    }
}
