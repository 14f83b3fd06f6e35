//! What lists say of captured segments, remembered in the store.
//!
//! The two do not know each other. What cannot be remembered is read again, and a line of the log
//! says why. Must not know: what a row holds.

use crate::capture::SegmentRows;
use crate::store::{CaptureIndex, StoreError};
use crate::types::Clock;
use std::path::Path;
use std::sync::Arc;

struct Rows(CaptureIndex);

/// The rows of the segments in `directory`; `None` where another process has them.
pub fn segment_rows(directory: &Path) -> Option<Arc<dyn SegmentRows>> {
    match CaptureIndex::open(directory, Clock::system()) {
        Ok(index) => Some(Arc::new(Rows(index))),
        Err(error) => {
            tracing::debug!(%error, "lists of captures are not remembered");
            None
        }
    }
}

impl SegmentRows for Rows {
    fn row(&self, segment: &str) -> Option<Vec<u8>> {
        told(self.0.row(segment)).flatten()
    }

    fn put(&self, segment: &str, row: Vec<u8>) {
        told(self.0.put(segment, row));
    }

    fn remove(&self, segment: &str) {
        told(self.0.remove(segment));
    }

    fn segments(&self) -> Vec<String> {
        told(self.0.segments()).unwrap_or_default()
    }
}

fn told<T>(done: Result<T, StoreError>) -> Option<T> {
    done.inspect_err(|error| tracing::warn!(%error, "the index of captures failed")).ok()
}
