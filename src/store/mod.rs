//! What survives a restart: an embedded database in the data directory, and one small
//! checksummed file from which the database can be rebuilt.
//!
//! Nothing that must not be lost is held in the database alone: sums for charts are, error
//! budgets and decisions about keys are in both. What both hold only grows
//! within its slot of time, so that the truth is, slot by slot, the greater of the two: a
//! database that lost its newest pages is healed in passing, and one that had to be moved
//! aside is no special case.
//!
//! What operators say is small, rare and does not grow: it is in a file of its own alone.
//!
//! Must not know: what is counted, or who asks. Only `engine` knows the database.

mod cache;
mod captures;
mod edits;
mod engine;
mod keys;
mod pack;
mod rollup;
mod slo;
mod snapshot;
#[cfg(test)]
mod tests;

pub use cache::{CacheUsage, DiskCache, Found, OpenedCache, Put};
pub use captures::CaptureIndex;
pub use snapshot::SnapshotError;

use crate::files;
use crate::types::{
    Clock, Edit, KeyRow, Place, RollupRow, RollupSpan, SloHistory, SloKey, SlotCounts,
};
use engine::{Engine, Table};
use parking_lot::Mutex;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The database's directory.
const DATABASE: &str = "sled";
/// Locked for as long as a process uses the directory.
const LOCK: &str = "lock";
/// What the database is rebuilt from.
const SNAPSHOT: &str = "durable.snapshot";
/// What operators said of shares of traffic.
const EDITS: &str = "edits.snapshot";

/// Everything that is kept. Its calls wait for the disk: none belongs on a thread that
/// serves traffic.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    slo: Table,
    rollups: Table,
    keys: Table,
    /// As the database has them; the next snapshot takes them from here.
    key_rows: Mutex<keys::Rows>,
    /// Adding reads before it writes, so only one may.
    adding: Mutex<()>,
    /// Last, so that the directory is free only when the database is closed.
    _lock: File,
}

/// An open store, and what was found.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What was found.
    pub condition: Condition,
}

/// What was found in the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A sound database.
    Fine,
    /// No database.
    New,
    /// A broken database, which was replaced.
    Recreated {
        /// Where the broken one is now.
        moved_to: PathBuf,
        /// What was wrong with it.
        why: String,
    },
}

/// Why nothing can be kept. A proxy serves its traffic nevertheless.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A live process uses the directory. Opening may be tried again later.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The directory cannot be used: read-only, full, not ours.
    #[error("{}: {error}", directory.display())]
    Directory {
        /// The data directory.
        directory: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Not even a new database can be opened.
    #[error("a new database cannot be opened: {0}")]
    Database(StoreError),
}

/// Why the database did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It refused. After a failed write it refuses everything until it is opened again.
    #[error("the database failed: {0}")]
    Failed(String),
    /// The system refused it: no space left, no access.
    #[error("the system refused: {0}")]
    System(String),
    /// It panicked.
    #[error("the database panicked: {0}")]
    Panicked(String),
    /// It gave no answer in time.
    #[error("the database gave no answer in time")]
    Hung,
}

impl Store {
    /// Opens the data directory within 5 s, creating what is missing. A broken database is
    /// moved aside to `sled.broken-<Unix seconds>`; one in use is left alone.
    ///
    /// # Errors
    /// When the directory is in use or cannot be used at all.
    pub fn open(directory: &Path, clock: Clock) -> Result<Opened, OpenError> {
        let unusable = |error| OpenError::Directory { directory: directory.to_owned(), error };
        files::create_directory(directory).map_err(unusable)?;
        let lock = files::lock(&directory.join(LOCK)).map_err(unusable)?;
        let lock = lock.ok_or_else(|| OpenError::InUse(directory.to_owned()))?;
        let (engine, condition) = Engine::open(&directory.join(DATABASE), clock)?;
        let slo = engine.table("slo").map_err(OpenError::Database)?;
        let rollups = engine.table("rollup").map_err(OpenError::Database)?;
        let keys = engine.table("keys").map_err(OpenError::Database)?;
        let (directory, adding) = (directory.to_owned(), Mutex::new(()));
        let key_rows = Mutex::default();
        let store = Self { directory, slo, rollups, keys, key_rows, adding, _lock: lock };
        *store.key_rows.lock() = keys::load(&store.keys, store.snapshot().1);
        Ok(Opened { store, condition })
    }

    /// Adds events to what is kept for their minutes since the Unix epoch, all or nothing,
    /// and forgets what is too old by the newest of these minutes. Returns once it is on disk.
    ///
    /// # Errors
    /// When the database fails. The next snapshot then makes good for it, at the next start.
    pub fn save_minutes(&self, minutes: &[(SloKey, Vec<SlotCounts>)]) -> Result<(), StoreError> {
        let _alone = self.adding.lock();
        slo::add(&self.slo, minutes)
    }

    /// The past up to `now_minute` since the Unix epoch, by key: 3 days of minutes, 90 days
    /// of hours. What only the snapshot knows is brought back into the database; what cannot
    /// be read is left out, with a warning.
    pub fn load_slo(&self, now_minute: u32) -> Vec<SloHistory> {
        let _alone = self.adding.lock();
        slo::load(&self.slo, &self.snapshot().0, now_minute)
    }

    /// What was decided about keys while an earlier process ran.
    pub fn load_keys(&self) -> Vec<KeyRow> {
        self.key_rows.lock().values().cloned().collect()
    }

    /// Keeps a decision about a key. Returns once it is on disk; the snapshot has it from the next
    /// time on that it is written.
    ///
    /// # Errors
    /// When the database fails. The next snapshot has it all the same.
    pub fn save_key(&self, row: KeyRow) -> Result<(), StoreError> {
        let saved = keys::save(&self.keys, &row);
        self.key_rows.lock().insert(row.sha256, row);
        saved
    }

    /// The models that there are sums of.
    ///
    /// # Errors
    /// As all calls about sums, when the database fails.
    pub fn rollup_models(&self) -> Result<Vec<String>, StoreError> {
        rollup::models(&self.rollups)
    }

    /// The sums of a model, empty for all together, by slot and in order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read_rollups(
        &self,
        of: (&str, RollupSpan),
        slots: Range<u32>,
    ) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
        rollup::read(&self.rollups, of, slots)
    }

    /// Sets sums, all or none. Returns once they are on disk.
    ///
    /// # Errors
    /// When the database fails. After that it takes nothing until it is opened again.
    pub fn write_rollups(&self, rows: Vec<RollupRow>) -> Result<(), StoreError> {
        rollup::write(&self.rollups, rows)
    }

    /// Forgets the sums of a span before a slot.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_rollups(&self, span: RollupSpan, before: u32) -> Result<(), StoreError> {
        rollup::forget(&self.rollups, span, before)
    }

    /// Replaces the snapshot, at once and as a whole. Returns once it is on disk.
    ///
    /// # Errors
    /// When it cannot be written; the one before is still there then.
    pub fn write_snapshot(&self, histories: &[SloHistory]) -> io::Result<()> {
        let keys = self.load_keys();
        files::replace_with(&self.directory.join(SNAPSHOT), &snapshot::encode(histories, &keys))
    }

    /// Replaces what is kept of shares of traffic, at once and as a whole. Returns once it is
    /// on disk.
    ///
    /// # Errors
    /// When it cannot be written; what was there before still is then.
    pub fn write_edits(&self, edits: &[(Place, Edit)]) -> io::Result<()> {
        files::replace_with(&self.directory.join(EDITS), &edits::encode(edits))
    }

    /// What is kept of shares of traffic; nothing where nothing was ever kept.
    ///
    /// # Errors
    /// As [`Store::read_snapshot`].
    pub fn read_edits(&self) -> Result<Vec<(Place, Edit)>, SnapshotError> {
        match self.read(EDITS)? {
            Some(bytes) => edits::decode(&bytes),
            None => Ok(Vec::new()),
        }
    }

    /// What the snapshot holds; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, is not whole, or is of another version.
    pub fn read_snapshot(&self) -> Result<Option<snapshot::Content>, SnapshotError> {
        self.read(SNAPSHOT)?.map(|bytes| snapshot::decode(&bytes)).transpose()
    }

    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, SnapshotError> {
        match std::fs::read(self.directory.join(file)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SnapshotError::Unreadable(error)),
        }
    }

    /// What the snapshot holds, or nothing, with a warning when it cannot be used.
    fn snapshot(&self) -> snapshot::Content {
        let read = self.read_snapshot().unwrap_or_else(|error| {
            tracing::warn!(%error, "the snapshot cannot be used");
            None
        });
        read.unwrap_or_default()
    }
}
