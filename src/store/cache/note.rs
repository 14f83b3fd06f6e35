//! A word that is kept beside the entries.
//!
//! Must not know: what it says.

use super::DiskCache;
use crate::files;
use std::io;

/// The file.
const NOTE: &str = "cache.note";

impl DiskCache {
    /// What was noted last, if anything was.
    pub fn note(&self) -> Option<String> {
        std::fs::read_to_string(self.directory.join(NOTE)).ok()
    }

    /// Notes something. Returns once it is on disk.
    ///
    /// # Errors
    /// When it cannot be written; what was noted before stands then.
    pub fn set_note(&self, note: &str) -> io::Result<()> {
        files::replace_with(&self.directory.join(NOTE), note.as_bytes())
    }
}
