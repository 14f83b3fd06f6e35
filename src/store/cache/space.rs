//! How much of the disk a directory takes.
//!
//! Must not know: what is in it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `st_blocks` counts these, whatever the file system's own are (`stat(2)`).
const BLOCK: u64 = 512;

/// The bytes that the files and directories in and below `path` take, as `du` counts them,
/// or their length where that is more. What is removed meanwhile is left out.
pub(super) fn taken(path: &Path) -> io::Result<u64> {
    let of = |metadata: &fs::Metadata| metadata.len().max(metadata.blocks() * BLOCK);
    let mut sum = of(&fs::symlink_metadata(path)?);
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => sum += taken(&entry.path())?,
            Ok(metadata) => sum += of(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sum)
}
