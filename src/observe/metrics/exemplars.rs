//! Exemplars: for each bucket, one request that fell into it and whose trace can be looked
//! at.
//!
//! Must not know: why a trace is kept, or how exemplars are written out.

use crate::observe::RequestRecord;
use crate::types::{Clock, SpanId, TraceId};
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// A bucket whose exemplar is older than this is due for a new one.
const FRESH: Duration = Duration::from_secs(60);

/// The kept trace of a request, to be attached to what it is counted in.
#[derive(Clone, Copy, Debug)]
pub struct TraceMark {
    trace: TraceId,
    span: SpanId,
    at: Instant,
    unix: Duration,
}

/// One example of a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Exemplar {
    /// Its trace.
    pub trace: TraceId,
    /// The server span in it.
    pub span: SpanId,
    /// What was observed, in nanoseconds or tokens.
    pub value: u64,
    /// The date, since the Unix epoch.
    pub unix: Duration,
    at: Instant,
}

/// The exemplars of one histogram, by bucket. Takes no memory until there is one.
#[derive(Debug, Default)]
pub struct Exemplars {
    slots: OnceLock<Box<[Mutex<Option<Exemplar>>]>>,
    version: AtomicU64,
}

impl TraceMark {
    /// The mark of a finished request; `None` unless its trace is kept.
    pub fn of(record: &RequestRecord) -> Option<Self> {
        record.kept.as_ref()?;
        let at = record.timeline.finished?;
        let unix = Clock::system().date_of(at).duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(Self { trace: record.identity.trace_id, span: record.identity.span_id, at, unix })
    }
}

impl Exemplars {
    /// Makes `mark` the example of one out of `buckets`, unless somebody else is at it.
    pub fn put(&self, bucket: usize, buckets: usize, value: u64, mark: &TraceMark) {
        let slots = self.slots.get_or_init(|| (0..buckets).map(|_| Mutex::default()).collect());
        if let Some(mut slot) = slots.get(bucket).and_then(Mutex::try_lock) {
            let TraceMark { trace, span, at, unix } = *mark;
            *slot = Some(Exemplar { trace, span, value, unix, at });
            // Under the slot's lock: who reads this version finds this example.
            self.version.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the bucket has had no example for a minute before `now`. Not while somebody
    /// is writing one.
    pub fn is_due(&self, bucket: usize, now: Instant) -> bool {
        let Some(slot) = self.slots.get().and_then(|slots| slots.get(bucket)) else { return true };
        slot.try_lock().is_some_and(|example| {
            example.is_none_or(|example| now.saturating_duration_since(example.at) >= FRESH)
        })
    }

    /// Another one after each change. Read it before [`Exemplars::all`].
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// By bucket; `None` where there never was one.
    pub fn all(&self) -> Option<Vec<Option<Exemplar>>> {
        Some(self.slots.get()?.iter().map(|slot| *slot.lock()).collect())
    }
}
