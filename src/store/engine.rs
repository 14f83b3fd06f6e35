//! The embedded database, and the only place that knows which one it is: sled 0.34.
//!
//! It can panic, or never come back, when its files are broken. It is opened on a thread of
//! its own against a deadline, and no call lets a panic through.
//!
//! Must not know: what is in its tables.

use crate::files;
use crate::store::{Condition, OpenError, StoreError};
use crate::types::Clock;
use std::any::Any;
use std::io;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// How long what is there may take to open.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// How long a database that was just closed may take to let go of its files: its threads
/// end a little later than its handle.
const PATIENCE_WITH_CLOSING: Duration = Duration::from_millis(500);
/// Pages held in memory, in bytes; sled's own choice is a gigabyte.
const MEMORY: u64 = 16 << 20;
/// The file that sled locks.
const LOCKED_FILE: &str = "db";

/// The open database.
#[derive(Debug)]
pub(super) struct Engine(sled::Db);

/// A named part of it: bytes by bytes, in order.
#[derive(Debug)]
pub(super) struct Table(sled::Tree);

/// Changes that happen together or not at all.
#[derive(Debug, Default)]
pub(super) struct Changes(sled::Batch);

impl Engine {
    /// Opens the database at `path`, in the place of a broken one if it has to be.
    ///
    /// # Errors
    /// When it is in use, or when it is not the database that is at fault.
    pub(super) fn open(path: &Path, clock: Clock) -> Result<(Self, Condition), OpenError> {
        let directory = path.parent().unwrap_or(path);
        let unusable = |error| OpenError::Directory { directory: directory.to_owned(), error };
        let found = if path.exists() { Condition::Fine } else { Condition::New };
        match Self::try_open(path, MEMORY, PATIENCE) {
            Ok(engine) => Ok((engine, found)),
            Err(Refusal::InUse) => Err(OpenError::InUse(directory.to_owned())),
            Err(Refusal::System(error)) => Err(unusable(error)),
            Err(Refusal::Broken(why)) => {
                let moved_to = move_aside(path, clock).map_err(unusable)?;
                let engine = Self::try_open(path, MEMORY, PATIENCE);
                let engine = engine.map_err(|refusal| OpenError::Database(refusal.into()))?;
                Ok((engine, Condition::Recreated { moved_to, why: why.to_string() }))
            }
        }
    }

    /// Opens the database at `path` within about `patience`, a new one within 3 s, and leaves
    /// it as it is when that cannot be done. At most about `memory` bytes of its pages are held.
    pub(super) fn try_open(path: &Path, memory: u64, patience: Duration) -> Result<Self, Refusal> {
        // A busy disk is no broken file.
        let patience = if path.exists() { patience } else { patience.max(PATIENCE) };
        let config = sled::Config::default()
            .path(path)
            .cache_capacity(memory)
            .mode(sled::Mode::LowSpace)
            // Whoever writes says when it has to be on disk.
            .flush_every_ms(None);
        // Asked first, since a lock that is held would look like a broken file.
        if !becomes_free(&path.join(LOCKED_FILE)) {
            return Err(Refusal::InUse);
        }
        let database = match within(patience, move || config.open()) {
            Ok(Ok(database)) => database,
            Ok(Err(sled::Error::Io(error))) if is_systems_fault(&error) => {
                return Err(Refusal::System(error));
            }
            Ok(Err(error)) => return Err(Refusal::Broken(StoreError::Failed(error.to_string()))),
            Err(error) => return Err(Refusal::Broken(error)),
        };
        files::restrict(path).map_err(Refusal::System)?;
        Ok(Self(database))
    }

    /// Whether there is a database at `path`, sound or not.
    pub(super) fn is_at(path: &Path) -> bool {
        path.join(LOCKED_FILE).exists()
    }

    /// The table of this name, empty when it is new.
    pub(super) fn table(&self, name: &str) -> Result<Table, StoreError> {
        guarded(|| self.0.open_tree(name)).map(Table)
    }
}

impl Table {
    /// The value at `key`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(guarded(|| self.0.get(key))?.map(|value| value.to_vec()))
    }

    /// Calls `each` with every key in `range`, in order, and its value.
    pub(super) fn scan(
        &self,
        range: Range<Vec<u8>>,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), StoreError> {
        self.scan_some(range, |key, value| {
            each(key, value);
            ControlFlow::Continue(())
        })
    }

    /// As [`Table::scan`], until `each` breaks off.
    pub(super) fn scan_some(
        &self,
        range: Range<Vec<u8>>,
        mut each: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        guarded(|| {
            for entry in self.0.range(range) {
                let (key, value) = entry?;
                if each(&key, &value).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Carries out `changes`; they are on disk when it returns.
    pub(super) fn apply(&self, changes: Changes) -> Result<(), StoreError> {
        self.stage(changes)?;
        self.flush()
    }

    /// Carries out `changes`; they are on disk after the next [`Table::flush`].
    pub(super) fn stage(&self, changes: Changes) -> Result<(), StoreError> {
        guarded(|| self.0.apply_batch(changes.0))
    }

    /// Returns once everything so far is on disk.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        guarded(|| self.0.flush().map(drop))
    }

    /// Lets go of it, as dropping does, but a panic while its files are closed is an error.
    pub(super) fn close(self) -> Result<(), StoreError> {
        guarded(|| {
            drop(self.0);
            Ok(())
        })
    }
}

impl Changes {
    /// Sets the value at `key`.
    pub(super) fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.0.insert(key, value);
    }

    /// Removes `key`.
    pub(super) fn remove(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// Why a database does not open.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not ours to touch.
    InUse,
    /// The files are well, as far as anybody knows, but the system is not.
    System(io::Error),
    /// It has to be replaced.
    Broken(StoreError),
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InUse => Self::Failed("it is in use".to_owned()),
            Refusal::System(error) => Self::System(error.to_string()),
            Refusal::Broken(error) => error,
        }
    }
}

fn becomes_free(path: &Path) -> bool {
    let begin = Instant::now();
    while files::is_locked(path) {
        if begin.elapsed() > PATIENCE_WITH_CLOSING {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

fn is_systems_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Runs `work` on a thread of its own. One that does not come back in time is left behind:
/// nothing can end it.
fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let (done, result) = mpsc::sync_channel(1);
    let run = move || {
        let outcome = catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panicked(&*panic));
        // Nobody waits for one that is late.
        done.send(outcome).ok();
    };
    let started = thread::Builder::new().name("store-open".to_owned()).spawn(run);
    started.map_err(|error| StoreError::Failed(error.to_string()))?;
    result.recv_timeout(patience).unwrap_or(Err(StoreError::Hung))
}

fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|error| match error {
            sled::Error::Io(error) if is_systems_fault(&error) => {
                StoreError::System(error.to_string())
            }
            error => StoreError::Failed(error.to_string()),
        }),
        Err(panic) => Err(panicked(&*panic)),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> StoreError {
    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let formatted = || panic.downcast_ref::<String>().cloned();
    StoreError::Panicked(literal.or_else(formatted).unwrap_or_default())
}

/// Gives the directory at `path` a name under which nothing will look for it.
pub(super) fn move_aside(path: &Path, clock: Clock) -> io::Result<PathBuf> {
    let since_epoch = clock.date().duration_since(UNIX_EPOCH);
    let mut seconds = since_epoch.unwrap_or_default().as_secs();
    loop {
        let aside = path.with_added_extension(format!("broken-{seconds}"));
        if !aside.try_exists()? {
            std::fs::rename(path, &aside)?;
            return Ok(aside);
        }
        seconds += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let literal = within(PATIENCE, || -> () { panic!("broken page") });
        assert_eq!(literal, Err(StoreError::Panicked("broken page".to_owned())));
        let formatted = within(PATIENCE, || -> () { panic!("page {}", 7) });
        assert_eq!(formatted, Err(StoreError::Panicked("page 7".to_owned())));
        let later = guarded(|| -> sled::Result<()> { panic!("later") });
        assert_eq!(later, Err(StoreError::Panicked("later".to_owned())));
    }

    #[test]
    fn work_that_does_not_come_back_is_left_behind() {
        let (never, wait) = mpsc::sync_channel::<()>(0);
        let outcome = within(Duration::from_millis(20), move || wait.recv().is_ok());
        assert_eq!(outcome, Err(StoreError::Hung));
        drop(never);
    }

    #[test]
    fn a_name_that_is_taken_is_passed_over() {
        let parent = std::env::temp_dir().join(format!("transom-aside-{}", std::process::id()));
        let path = parent.join("sled");
        let mut names = Vec::new();
        for _ in 0..3 {
            std::fs::create_dir_all(&path).unwrap();
            names.push(move_aside(&path, Clock::system()).unwrap());
        }
        assert!(!path.exists() && names.iter().all(|name| name.is_dir()));
        std::fs::remove_dir_all(parent).unwrap();
    }
}
