//! Files that only their owner may read, and that change as a whole or not at all.
//!
//! The disk is a value, so that one that is full can be put in its place. Must not know: what
//! is in a file.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

const OWNER_FILE: u32 = 0o600;
const OWNER_DIRECTORY: u32 = 0o700;
/// What a file is called until all of it is there.
const UNFINISHED: &str = "new";

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
        let file = OpenOptions::new().create_new(true).write(true).mode(OWNER_FILE).open(path)?;
        if let Err(error) = sync_directory_of(path) {
            remove(path).ok();
            return Err(error);
        }
        Ok(Box::new(file))
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

/// Creates `path` and its parents where they are missing. A directory that is there already
/// is its creator's, and keeps its mode.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(OWNER_DIRECTORY).create(path)
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

/// Puts what `write` writes in the place of the file at `path`: whoever reads it, even after
/// a power cut, finds all of the old or all of the new.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let fresh = path.with_added_extension(UNFINISHED);
    let written = write_new(&fresh, write).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // What stays is taken away when the directory is next locked.
        remove(&fresh).ok();
    }
    written?;
    sync_directory_of(path)
}

/// The same for bytes that are at hand.
pub(crate) fn replace_with(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, |file| file.write_all(bytes))
}

/// Whether a file of this name was never finished.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(UNFINISHED).is_some_and(|name| name.ends_with('.'))
}

/// Removes the file at `path`, if there is one.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn write_new(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut open = OpenOptions::new();
    let open = open.create(true).truncate(true).write(true).mode(OWNER_FILE);
    let mut file = open.open(path)?;
    write(&mut file)?;
    file.sync_all()
}

/// A new name, too, has to reach the disk.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}
