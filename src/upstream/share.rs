//! How much of the traffic a place gets: as the file says, or as was said since.
//!
//! Must not know: who says so, or what is kept of it.

use crate::types::Edit;
use std::sync::atomic::{AtomicU32, Ordering};

/// A weight in relation to those of the siblings. Requests read it while it is changed; each of
/// them by one relaxed load.
#[derive(Debug)]
pub struct Share {
    file: u32,
    now: AtomicU32,
}

impl Share {
    /// The share of a place that the file gives this weight.
    pub const fn new(file: u32) -> Self {
        Self { file, now: AtomicU32::new(file) }
    }

    /// The weight that counts now; 0 takes no new requests.
    pub fn weight(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// The weight that the file says.
    pub const fn file(&self) -> u32 {
        self.file
    }

    /// From now on it is as `edit` says.
    pub(super) fn set(&self, edit: Edit) {
        self.now.store(edit.share(self.file), Ordering::Relaxed);
    }
}
