//! The disk that segments are written to, and the lock of their directory.
//!
//! The disk is a value, so that one that is full can be put in its place. Must not know: what
//! is in a file.

pub(crate) use crate::files::{create_directory, is_unfinished, remove, replace, replace_with};

use crate::files;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where segments are begun.
pub(crate) trait Disk: Send {
    /// A new file at `path`, where none is yet.
    fn begin(&self, path: &Path) -> io::Result<Box<dyn Tape>>;
}

/// A file that is written at its end. A write that failed is made again with the same bytes
/// at the same place, or cut off.
pub(crate) trait Tape: Send {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Has the system bring the bytes to the disk (`fdatasync(2)`).
    fn sync(&mut self) -> io::Result<()>;
}

/// The system's.
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    fn begin(&self, path: &Path) -> io::Result<Box<dyn Tape>> {
        Ok(Box::new(files::begin(path)?))
    }
}

impl Tape for File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The lock of a directory (`flock(2)`), until this is dropped, or the process has ended in any
/// way.
pub(crate) struct DirectoryLock(File);

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing it is not enough while a process that was just begun has it as well.
        self.0.unlock().ok();
    }
}

/// Locks the directory at `path`; `None` when another has it.
pub(crate) fn lock(path: &Path) -> io::Result<Option<DirectoryLock>> {
    let directory = File::open(path)?;
    match directory.try_lock() {
        Ok(()) => Ok(Some(DirectoryLock(directory))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
