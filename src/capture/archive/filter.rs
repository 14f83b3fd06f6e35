//! Which records.
//!
//! Must not know: where they are.

use crate::capture::IndexEntry;
use crate::types::{Outcome, TraceId};
use std::time::Duration;

/// Lets through what has all of these; `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Received then or later, since 1970.
    pub since: Option<Duration>,
    /// Received before then, since 1970.
    pub until: Option<Duration>,
    /// The id that the answer carried.
    pub request_id: Option<String>,
    /// Its trace.
    pub trace_id: Option<TraceId>,
    /// Its conversation.
    pub session: Option<String>,
    /// The alias of its API key.
    pub key: Option<String>,
    /// The configured model.
    pub model: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The status of the answer.
    pub status: Option<u16>,
}

impl Filter {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Whether it lets `entry` through.
    pub fn matches(&self, entry: &IndexEntry) -> bool {
        let session = entry.session.as_ref().map(|session| &session.id);
        self.since.is_none_or(|since| entry.received >= since)
            && self.until.is_none_or(|until| entry.received < until)
            && asked(self.request_id.as_ref(), entry.request_id.as_ref())
            && asked(self.trace_id.as_ref(), entry.trace_id.as_ref())
            && asked(self.session.as_ref(), session)
            && asked(self.key.as_ref(), entry.key.as_ref())
            && asked(self.model.as_ref(), entry.model.as_ref())
            && asked(self.outcome.as_ref(), entry.outcome.as_ref())
            && asked(self.status.as_ref(), entry.status.as_ref())
    }

    /// Whether it may let something through that was received from `first` to `last`.
    pub(super) fn may_match(&self, first: Duration, last: Duration) -> bool {
        self.since.is_none_or(|since| last >= since) && self.until.is_none_or(|until| first < until)
    }
}

fn asked<T: PartialEq>(wanted: Option<&T>, has: Option<&T>) -> bool {
    wanted.is_none() || wanted == has
}
