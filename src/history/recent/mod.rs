//! The recent requests, in memory: everything that is known of each, bounded in number and in
//! bytes, to be looked through while more come.
//!
//! Rows lie in segments, which are written once and never changed. Whoever reads takes a list
//! of them and goes through it without a lock, so that neither side waits for the other; the
//! oldest segment goes when there is no more room. Must not know: pages, or who asks.

mod facets;
mod filter;
mod keys;
mod names;
mod packing;
mod request;
mod row;
mod segment;
mod side;
#[cfg(test)]
mod tests;

pub use facets::{Facet, Facets};
pub use filter::{Filter, MissedSlo};
pub use keys::KeyUse;
pub use request::{RecentAttempt, RecentCache, RecentRequest, Seq};
pub(in crate::history) use row::said as cache_said;

use crate::history::RecentSettings;
use crate::observe::{RecordNames, RequestRecord};
use facets::Counting;
use filter::Sieve;
use names::Names;
use packing::micros;
use parking_lot::{Mutex, RwLock};
use row::{ErrorIndex, Row, hash_of};
use segment::{SLOT_BYTES, Segment};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Rows of a segment, where there is room for many.
const SEGMENT_ROWS: usize = 4_096;
/// Segments that the room is divided into at least.
const SEGMENTS: usize = 16;

/// The recent requests.
#[derive(Debug)]
pub struct Recent {
    limits: RecentSettings,
    names: Names,
    segments: RwLock<VecDeque<Arc<Segment>>>,
    writer: Mutex<Writer>,
    evicted: AtomicU64,
}

/// What only the one who adds rows needs.
#[derive(Debug, Default)]
struct Writer {
    /// What sealed segments take, in bytes, and how many rows are in them.
    sealed_bytes: usize,
    sealed_rows: usize,
    /// Where the side of a row is put together.
    scratch: Vec<u8>,
}

/// Some of the wanted requests, the newest first.
#[derive(Clone, Debug)]
pub struct RecentPage {
    /// The requests.
    pub requests: Vec<RecentRequest>,
    /// Where the next page begins, as [`Place::before`]; `None` on the last one.
    pub next: Option<Seq>,
    /// The newest request of all, wanted or not, as [`Place::after`] to learn what came since.
    pub newest: Option<Seq>,
}

/// Where a page lies. Places hold while requests come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Only requests before this one.
    pub before: Option<Seq>,
    /// Only requests after this one.
    pub after: Option<Seq>,
}

/// How the recent requests are doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentStatus {
    /// Requests held.
    pub requests: u64,
    /// What they take, in bytes.
    pub bytes: u64,
    /// Requests that had to make room since the process began.
    pub evicted: u64,
    /// When the oldest of them ended.
    pub since: Option<SystemTime>,
}

impl Recent {
    /// An empty one for a proxy with these upstreams and objectives.
    pub(super) fn new(limits: RecentSettings, upstreams: &[String], objectives: &[String]) -> Self {
        Self {
            limits,
            names: Names::new(upstreams, objectives),
            segments: RwLock::default(),
            writer: Mutex::default(),
            evicted: AtomicU64::new(0),
        }
    }

    /// Keeps what `record` says of a request that ended at `ended`.
    pub(super) fn keep(&self, record: &RequestRecord, names: &RecordNames, ended: SystemTime) {
        if self.limits.requests == 0 {
            return;
        }
        let mut writer = self.writer.lock();
        let row = self.row(record, (names, ended), &mut writer.scratch);
        let last = self.segments.read().back().cloned();
        let open = match last {
            Some(last) if !self.is_done(&last) => last,
            last => self.open_next(last, &mut writer),
        };
        open.push(row);
    }

    /// At most `limit` of the requests that pass `filter`, the newest first.
    pub fn page(&self, filter: &Filter, place: Place, limit: usize) -> RecentPage {
        let segments = self.segments();
        let newest = segments.iter().rev().find_map(|segment| segment.rows().next_back());
        let newest = newest.map(|(seq, _)| Seq(seq));
        let none = RecentPage { requests: Vec::new(), next: None, newest };
        let Some(sieve) = Sieve::new(filter, &self.names) else { return none };
        // What comes meanwhile comes after `newest`, and is for another page.
        let end = newest.map_or(0, |Seq(seq)| seq + 1);
        let before = place.before.map_or(end, |Seq(seq)| seq.min(end));
        let after = place.after.map(|Seq(seq)| seq);
        let rows = segments.iter().rev().filter(|segment| segment.first < before);
        let mut wanted = rows
            .flat_map(|segment| sieve.sift(segment).rev())
            .skip_while(|(seq, _)| *seq >= before)
            .take_while(|(seq, _)| after.is_none_or(|after| *seq > after));
        let shown = |(seq, row)| side::unpack(Seq(seq), row, &self.names);
        let requests: Vec<_> = wanted.by_ref().take(limit).map(shown).collect();
        let next = wanted.next().and_then(|_| requests.last()).map(|last| last.seq);
        RecentPage { requests, next, newest }
    }

    /// Calls `each` with the newest `most` requests that pass `filter`, the newest first.
    fn each(&self, filter: &Filter, most: usize, each: impl FnMut(RecentRequest)) {
        let Some(sieve) = Sieve::new(filter, &self.names) else { return };
        let segments = self.segments();
        let rows = segments.iter().rev().flat_map(|segment| sieve.sift(segment).rev());
        rows.take(most).map(|(seq, row)| side::unpack(Seq(seq), row, &self.names)).for_each(each);
    }

    /// Counts over all requests that pass `filter`.
    pub fn facets(&self, filter: &Filter) -> Facets {
        let mut counting = Counting::default();
        if let Some(sieve) = Sieve::new(filter, &self.names) {
            for segment in &self.segments() {
                sieve.sift(segment).for_each(|(_, row)| counting.count(row));
            }
        }
        counting.facets(&self.names)
    }

    /// The newest request of this id.
    pub fn find(&self, request_id: &str) -> Option<RecentRequest> {
        let hash = hash_of(request_id);
        self.segments().iter().rev().find_map(|segment| {
            let found = segment.with_hash(hash).into_iter().rev();
            let mut found = found.filter(|(_, row)| side::request_id(&row.side) == request_id);
            found.next().map(|(seq, row)| side::unpack(Seq(seq), row, &self.names))
        })
    }

    /// How it is doing.
    pub fn status(&self) -> RecentStatus {
        let segments = self.segments();
        let since = segments.front().and_then(|segment| segment.earliest());
        RecentStatus {
            requests: segments.iter().map(|segment| segment.len() as u64).sum(),
            bytes: segments.iter().map(|segment| segment.bytes() as u64).sum(),
            evicted: self.evicted.load(Ordering::Relaxed),
            since: since.map(|micros| UNIX_EPOCH + Duration::from_micros(micros)),
        }
    }

    fn segments(&self) -> VecDeque<Arc<Segment>> {
        self.segments.read().clone()
    }

    fn row(
        &self,
        record: &RequestRecord,
        (names, ended): (&RecordNames, SystemTime),
        scratch: &mut Vec<u8>,
    ) -> Row {
        let (identity, call) = (&record.identity, &record.call);
        let model = || names.metrics.model(call.model).name().into();
        let upstream = |attempt: &crate::observe::Attempt| Row::upstream_bit(attempt.upstream);
        let first_token = record.time_to_first_token().filter(|_| call.streamed);
        Row {
            ended: micros(ended.duration_since(UNIX_EPOCH).unwrap_or_default()),
            duration: micros(record.timeline.duration()),
            first_token: first_token.map_or(Row::NEVER, micros),
            missed: record.slo.bad,
            upstreams: record.attempts.iter().map(upstream).fold(0, |all, one| all | one),
            trace_id: identity.trace_id,
            id_hash: hash_of(identity.request_id.as_str()),
            model: self.names.model(call.model, model),
            key: identity.key_alias.as_deref().map(|alias| self.names.word(alias)),
            status: record.verdict.status,
            outcome: record.verdict.outcome,
            error: ErrorIndex::of(record.verdict.error),
            operation: call.operation,
            cache: record.cache.as_ref().map(|cache| cache.status),
            origin: record.origin.kind(),
            kept: record.kept,
            streamed: call.streamed,
            captured: record.captured,
            side: side::pack(record, &self.names, scratch),
        }
    }

    /// Whether a segment takes no more rows.
    fn is_done(&self, segment: &Segment) -> bool {
        segment.is_full() || segment.side_bytes() >= self.limits.bytes / SEGMENTS
    }

    /// Seals the last segment, opens the next one, and makes room for it.
    fn open_next(&self, last: Option<Arc<Segment>>, writer: &mut Writer) -> Arc<Segment> {
        let first = last.map_or(0, |last| {
            last.seal();
            writer.sealed_bytes += last.bytes();
            writer.sealed_rows += last.len();
            last.first + last.len() as u64
        });
        let size = self.segment_rows();
        let open = Arc::new(Segment::new(first, size));
        let mut gone = Vec::new();
        let mut segments = self.segments.write();
        // The new one may become as large as a segment can.
        let most = open.bytes() + self.limits.bytes / SEGMENTS;
        while writer.sealed_rows + size > self.limits.requests
            || writer.sealed_bytes + most > self.limits.bytes
        {
            let Some(oldest) = segments.pop_front() else { break };
            writer.sealed_bytes -= oldest.bytes();
            writer.sealed_rows -= oldest.len();
            self.evicted.fetch_add(oldest.len() as u64, Ordering::Relaxed);
            gone.push(oldest);
        }
        segments.push_back(Arc::clone(&open));
        drop(segments);
        // What is large is let go of when nobody waits for it.
        drop(gone);
        open
    }

    fn segment_rows(&self) -> usize {
        let by_bytes = self.limits.bytes / SEGMENTS / 2 / SLOT_BYTES;
        SEGMENT_ROWS.min(self.limits.requests / SEGMENTS).min(by_bytes).max(1)
    }
}
