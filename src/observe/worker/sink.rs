//! Whoever else keeps what finished requests say.
//!
//! Must not know: what is kept of them, or for how long.

use crate::observe::{RecordNames, RequestRecord};
use std::time::SystemTime;

/// Takes every finished record, in the order they were queued, on the worker's thread: what it
/// does must not wait for a disk or a network.
pub trait RecordSink: Send {
    /// Takes a record. `names` are behind the positions in it, and it ended at `ended`.
    fn take(&mut self, record: &RequestRecord, names: &RecordNames, ended: SystemTime);
}
