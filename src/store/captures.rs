//! What lists say of captured segments, so that a segment is read once for them and not each time.
//!
//! Everything in here can be made anew from the segments: what is broken or in use is done
//! without. Must not know: what a row holds.

use crate::store::engine::{Changes, Engine, Table};
use crate::store::{OpenError, StoreError};
use crate::types::Clock;
use std::path::Path;

/// The database's directory, beside the segments.
const DATABASE: &str = "index";
const TABLE: &str = "segments";
/// After every key.
const END: [u8; 1] = [0xff];

/// A row for each segment that no longer changes.
#[derive(Debug)]
pub struct CaptureIndex(Table);

impl CaptureIndex {
    /// The one of the segments in `directory`, made anew where it is broken.
    ///
    /// # Errors
    /// When another process uses it, or the directory cannot be used.
    pub fn open(directory: &Path, clock: Clock) -> Result<Self, OpenError> {
        let (engine, _) = Engine::open(&directory.join(DATABASE), clock)?;
        engine.table(TABLE).map(Self).map_err(OpenError::Database)
    }

    /// Whether there is one in `directory`.
    pub fn is_in(directory: &Path) -> bool {
        Engine::is_at(&directory.join(DATABASE))
    }

    /// The row of a segment, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn row(&self, segment: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(segment.as_bytes())
    }

    /// Puts `row` in the place of the one that the segment has.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put(&self, segment: &str, row: Vec<u8>) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        changes.put(segment.as_bytes(), row);
        self.0.apply(changes)
    }

    /// Removes the row of a segment.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove(&self, segment: &str) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        changes.remove(segment.as_bytes());
        self.0.apply(changes)
    }

    /// The segments that have a row.
    ///
    /// # Errors
    /// When the database fails.
    pub fn segments(&self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        let range = Vec::new()..END.to_vec();
        self.0.scan(range, |key, _| found.push(String::from_utf8_lossy(key).into_owned()))?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    fn scratch(name: &str) -> Scratch {
        let path =
            std::env::temp_dir().join(format!("transom-index-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    #[test]
    fn rows_outlive_the_process_and_go_when_they_are_removed() {
        let scratch = scratch("rows");
        let index = CaptureIndex::open(&scratch.0, Clock::system()).unwrap();
        index.put("a", b"1".to_vec()).unwrap();
        index.put("b", b"2".to_vec()).unwrap();
        index.remove("a").unwrap();
        drop(index);
        let index = CaptureIndex::open(&scratch.0, Clock::system()).unwrap();
        assert_eq!(index.row("a").unwrap(), None);
        assert_eq!(index.row("b").unwrap(), Some(b"2".to_vec()));
        assert_eq!(index.segments().unwrap(), ["b"]);
    }

    #[test]
    fn a_broken_database_is_made_anew() {
        let scratch = scratch("broken");
        let index = CaptureIndex::open(&scratch.0, Clock::system()).unwrap();
        index.put("a", b"1".to_vec()).unwrap();
        drop(index);
        for entry in fs::read_dir(scratch.0.join(DATABASE)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::write(path, b"no database").unwrap();
            }
        }
        let index = CaptureIndex::open(&scratch.0, Clock::system()).unwrap();
        assert_eq!(index.row("a").unwrap(), None);
    }
}
