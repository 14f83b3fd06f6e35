//! Delivers a record exactly once, however the request ends.
//!
//! Must not know: what consumers do with it.

use crate::observe::{Observer, RequestRecord, Verdict, verdict};
use crate::types::ErrorType;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Owns the record of a request in flight. Finishing it, or dropping it on any exit (a
/// cancelled task, a panic, shutdown), hands it to the observer once.
pub struct RecordGuard {
    record: Option<Box<RequestRecord>>,
    observer: Arc<Observer>,
}

impl RecordGuard {
    /// Takes charge of `record`.
    pub fn new(record: Box<RequestRecord>, observer: Arc<Observer>) -> Self {
        Self { record: Some(record), observer }
    }

    /// Ends the request with `verdict` and delivers its record.
    pub fn finish(mut self, verdict: Verdict) {
        self.deliver(verdict);
    }

    fn deliver(&mut self, verdict: Verdict) {
        if let Some(mut record) = self.record.take() {
            record.verdict = verdict;
            self.observer.deliver(record);
        }
    }
}

impl Deref for RecordGuard {
    type Target = RequestRecord;

    fn deref(&self) -> &RequestRecord {
        match &self.record {
            Some(record) => record,
            None => unreachable!("`finish` takes the guard along with its record"),
        }
    }
}

impl DerefMut for RecordGuard {
    fn deref_mut(&mut self) -> &mut RequestRecord {
        match &mut self.record {
            Some(record) => record,
            None => unreachable!("`finish` takes the guard along with its record"),
        }
    }
}

impl Drop for RecordGuard {
    fn drop(&mut self) {
        // Reached without `finish` only when the task was unwound, or dropped with its
        // runtime: either way the caller got no proper end, through no fault of its own.
        self.deliver(verdict::failed(500, ErrorType::Other));
    }
}
