//! Where finished records go: counted at once, logged by a worker.
//!
//! Must not know: how a request was served.

use crate::observe::{AccessLog, Metrics, RecordGuard, RequestRecord};
use crate::types::{Clock, ModelSlot};
use prometheus::IntGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Takes each finished record exactly once.
pub struct Observer {
    metrics: Arc<Metrics>,
    access_log: Option<AccessLog>,
    clock: Clock,
    open: AtomicUsize,
}

impl Observer {
    /// An observer that counts into `metrics` and, where there is one, writes to the log.
    pub fn new(metrics: Arc<Metrics>, access_log: Option<AccessLog>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { metrics, access_log, clock, open: AtomicUsize::new(0) })
    }

    /// Begins a request: from here on it is counted, whatever happens.
    pub fn begin(self: &Arc<Self>, record: Box<RequestRecord>) -> RecordGuard {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.metrics.model(record.call.model).in_flight().inc();
        RecordGuard::new(record, Arc::clone(self))
    }

    /// Says which model a request in flight turned out to be for.
    pub fn assign_model(&self, record: &mut RequestRecord, model: ModelSlot) {
        self.metrics.model(record.call.model).in_flight().dec();
        record.call.model = model;
        self.metrics.model(model).in_flight().inc();
    }

    /// A streamed answer of `model` begins; it ends when the value is dropped.
    pub fn open_stream(&self, model: ModelSlot) -> OpenStream {
        let gauge = self.metrics.model(model).open_streams().clone();
        gauge.inc();
        OpenStream(gauge)
    }

    /// Requests begun and not yet delivered.
    pub fn open_requests(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// The access log, where there is one.
    pub fn access_log(&self) -> Option<&AccessLog> {
        self.access_log.as_ref()
    }

    /// The numbers.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Called by the guard, once a request.
    pub(super) fn deliver(&self, mut record: Box<RequestRecord>) {
        let finished = *record.timeline.finished.get_or_insert_with(|| self.clock.now());
        for attempt in &mut record.attempts {
            attempt.ended.get_or_insert(finished);
        }
        self.metrics.record(&record);
        self.metrics.model(record.call.model).in_flight().dec();
        if let Some(log) = &self.access_log
            && log.push(record).is_err()
        {
            self.metrics.log_line_dropped();
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts one open stream for as long as it lives.
pub struct OpenStream(IntGauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}
