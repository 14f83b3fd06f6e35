//! Files that only their owner may read, and that change as a whole or not at all.
//!
//! The one place that says which modes those are. Must not know: what is in them.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const OWNER_FILE: u32 = 0o600;
const OWNER_DIRECTORY: u32 = 0o700;
/// What a file is called until all of it is there.
const UNFINISHED: &str = "new";

/// Creates `path` and its parents where they are missing. A directory that is there already
/// is its creator's, and keeps its mode.
///
/// # Errors
/// When one of them cannot be made.
pub fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(OWNER_DIRECTORY).create(path)
}

/// Creates the directory `path`, whose parent is there.
///
/// # Errors
/// When it is there already, or cannot be made.
pub fn begin_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(OWNER_DIRECTORY).create(path)
}

/// A new empty file at `path`, to be written.
///
/// # Errors
/// When there is one already, or it cannot be made.
pub fn begin(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create_new(true).write(true).mode(OWNER_FILE).open(path)?;
    match sync_directory_of(path) {
        Ok(()) => Ok(file),
        Err(error) => {
            remove(path).ok();
            Err(error)
        }
    }
}

/// Puts what `write` writes in the place of the file at `path`: whoever reads it, even after
/// a power cut, finds all of the old or all of the new.
///
/// # Errors
/// When it cannot be written; then the old one is still there.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let fresh = path.with_added_extension(UNFINISHED);
    let written = write_new(&fresh, write).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // What stays is of no use to anybody.
        remove(&fresh).ok();
    }
    written?;
    sync_directory_of(path)
}

/// The same for bytes that are at hand.
///
/// # Errors
/// As [`replace`].
pub fn replace_with(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, |file| file.write_all(bytes))
}

/// Whether a file of this name was never finished.
pub fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(UNFINISHED).is_some_and(|name| name.ends_with('.'))
}

/// Removes the file at `path`, if there is one.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Takes reading away from everybody but the owner, in `path` and all below it.
///
/// # Errors
/// When something there cannot be read or changed.
pub fn restrict(path: &Path) -> io::Result<()> {
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

/// Locks the file at `path`, made where it is missing, until the result is dropped, or the
/// process has ended in any way; `None` when another has it (`flock(2)`).
///
/// # Errors
/// When it cannot be opened or locked.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(OWNER_FILE).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether somebody has the file at `path` locked.
pub fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn write_new(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut open = OpenOptions::new();
    let mut file = open.create(true).truncate(true).write(true).mode(OWNER_FILE).open(path)?;
    write(&mut file)?;
    file.sync_all()
}

/// A new name, too, has to reach the disk.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir();
            let path = path.join(format!("transom-files-{name}-{}", std::process::id()));
            create_directory(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn whatever_is_made_is_its_owners_alone() {
        let scratch = Scratch::new("modes");
        let at = |name: &str| scratch.0.join(name);
        create_directory(&at("a/b")).unwrap();
        begin_directory(&at("c")).unwrap();
        begin(&at("d")).unwrap();
        replace_with(&at("e"), b"e").unwrap();
        drop(lock(&at("f")).unwrap().unwrap());
        for (name, expected) in
            [("a", 0o700), ("a/b", 0o700), ("c", 0o700), ("d", 0o600), ("e", 0o600), ("f", 0o600)]
        {
            assert_eq!(mode(&at(name)), expected, "{name}");
        }
    }

    #[test]
    fn what_is_there_is_not_begun_again() {
        let scratch = Scratch::new("again");
        let (file, directory) = (scratch.0.join("file"), scratch.0.join("directory"));
        begin(&file).unwrap();
        begin_directory(&directory).unwrap();
        for again in [begin(&file).map(drop), begin_directory(&directory)] {
            assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        }
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_one_alone() {
        let scratch = Scratch::new("replace");
        let path = scratch.0.join("file.json");
        replace_with(&path, b"old").unwrap();
        let failed = replace(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "full");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1, "nothing unfinished is left");
        assert!(is_unfinished("file.json.new") && !is_unfinished("renew"));
    }
}
