//! What a tier that waits for a disk has to offer.
//!
//! Must not know: how entries are kept, or what they are.

use crate::types::{CacheKey, CacheTags, Purge};
use bytes::Bytes;
use std::time::Duration;

/// A store of values whose calls may wait. One thread calls it, and one call at a time.
pub trait Shelf: Send + 'static {
    /// The value at `key`, unless it is no more of use.
    ///
    /// # Errors
    /// When it failed.
    fn get(&mut self, key: &CacheKey) -> Result<Option<ShelfFound>, ShelfError>;

    /// Stores `items`, the later in the place of the earlier. Returns how many it took.
    ///
    /// # Errors
    /// When it failed.
    fn put(&mut self, items: &[ShelfPut]) -> Result<usize, ShelfError>;

    /// Removes what `purge` names, for good when it returns. Returns how many entries went.
    ///
    /// # Errors
    /// When it failed.
    fn purge(&mut self, purge: &Purge) -> Result<u64, ShelfError>;

    /// What it holds.
    fn usage(&self) -> ShelfUsage;

    /// Does what has to be done about once a second.
    ///
    /// # Errors
    /// When it failed.
    fn maintain(&mut self) -> Result<(), ShelfError>;
}

/// A value to be stored.
#[derive(Clone, Debug)]
pub struct ShelfPut {
    /// Its key.
    pub key: CacheKey,
    /// What it can be purged by.
    pub tags: CacheTags,
    /// The value.
    pub value: Bytes,
    /// How long ago it was handed over: the time it waited. Part of its age.
    pub waited: Duration,
    /// How long it is of use from now on.
    pub keep: Duration,
}

/// A value that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShelfFound {
    /// The value.
    pub value: Bytes,
    /// How long ago it was handed over.
    pub stored_for: Duration,
}

/// What a shelf holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShelfUsage {
    /// Entries.
    pub entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Databases that they are in.
    pub generations: u64,
    /// Entries that were given up for want of room, since the start.
    pub evicted: u64,
}

/// A shelf failed, with its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShelfError(pub String);
