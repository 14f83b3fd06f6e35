//! Exchanges that gather until they are written as a block.
//!
//! Must not know: where they gather, or when they are written.

use super::codec::{EncodeError, Gathering, Record};
use super::entry::IndexEntry;
use crate::capture::Exchange;

/// An exchange, ready to be written.
pub(crate) struct Draft {
    record: Record,
    entry: IndexEntry,
}

/// Exchanges that gather.
#[derive(Default)]
pub(crate) struct Gathered {
    records: Gathering,
    /// What is said of each.
    pub(super) entries: Vec<IndexEntry>,
}

impl Draft {
    /// # Errors
    /// When it is larger than anything that would be read back.
    pub(crate) fn of(exchange: &Exchange) -> Result<Self, EncodeError> {
        Ok(Self { record: Record::of(exchange)?, entry: IndexEntry::of(exchange) })
    }
}

impl Gathered {
    pub(crate) fn add(&mut self, draft: Draft) {
        self.records.add(draft.record.raw());
        self.entries.push(draft.entry);
    }

    /// Whether the next one belongs into another block.
    pub(crate) const fn is_full(&self) -> bool {
        self.records.is_full()
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn records(&self) -> &Gathering {
        &self.records
    }

    /// What is said of the first.
    pub(crate) fn first(&self) -> Option<&IndexEntry> {
        self.entries.first()
    }

    /// Lets go of all of them, and is as good as new.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.entries.clear();
    }
}
