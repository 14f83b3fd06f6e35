//! Reads the files that a configuration consists of.
//!
//! Must not know: what is in them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// Why a file could not be had. Its `Display` does not name the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// The system refused.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// More than any configuration needs.
    #[error("is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// Not text.
    #[error("is not UTF-8: see line {line}")]
    NotText { line: usize },
}

/// The text of the file at `path`.
pub(super) fn read(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(FileError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        FileError::NotText { line: 1 + valid.iter().filter(|byte| **byte == b'\n').count() }
    })
}
