//! Files that only their owner may read, and that change as a whole or not at all.
//!
//! Must not know: what is in them.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const OWNER_FILE: u32 = 0o600;
const OWNER_DIRECTORY: u32 = 0o700;

/// Creates `path` and its parents where they are missing. A directory that is there already
/// is its creator's, and keeps its mode.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(OWNER_DIRECTORY).create(path)
}

/// Takes reading away from everybody but the owner, in `path` and all below it.
pub(super) fn restrict(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            restrict(&entry?.path())?;
        }
        return fs::set_permissions(path, Permissions::from_mode(OWNER_DIRECTORY));
    }
    // The mode of a link would be that of a file elsewhere.
    if metadata.is_file() {
        fs::set_permissions(path, Permissions::from_mode(OWNER_FILE))?;
    }
    Ok(())
}

/// Locks the file at `path` until the result is dropped, or the process has ended in any
/// way; `None` when another has it (`flock(2)`).
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(OWNER_FILE).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether somebody has the file at `path` locked.
pub(super) fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Puts `bytes` in the place of the file at `path`: whoever reads it, even after a power
/// cut, finds all of the old or all of the new.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_added_extension("new");
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(OWNER_FILE).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // The new name, too, has to reach the disk.
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}
