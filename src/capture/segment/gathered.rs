//! Exchanges that gather until they are written as a block.
//!
//! Must not know: where they gather, or when they are written.

use super::codec::{EncodeError, Gathering, Record};
use super::summary::Summary;
use crate::capture::Exchange;
use std::time::Duration;

/// An exchange, ready to be written.
pub(crate) struct Draft {
    record: Record,
    received: Duration,
}

/// Exchanges that gather.
#[derive(Default)]
pub(crate) struct Gathered {
    records: Gathering,
    /// What is said of all of them.
    pub(super) summary: Summary,
}

impl Draft {
    /// # Errors
    /// When it is larger than anything that would be read back.
    pub(crate) fn of(exchange: &Exchange) -> Result<Self, EncodeError> {
        Ok(Self { record: Record::of(exchange)?, received: exchange.times.received })
    }
}

impl Gathered {
    pub(crate) fn add(&mut self, draft: Draft) {
        self.records.add(draft.record.raw());
        self.summary.add(draft.received);
    }

    /// Whether the next one belongs into another block.
    pub(crate) const fn is_full(&self) -> bool {
        self.records.is_full()
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> u64 {
        self.summary.records
    }

    pub(crate) const fn records(&self) -> &Gathering {
        &self.records
    }

    /// When the first of their requests was received.
    pub(crate) fn first(&self) -> Option<Duration> {
        self.summary.first.map(Duration::from)
    }

    /// Lets go of all of them, and is as good as new.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.summary = Summary::default();
    }
}
