//! Where finished records go: counted and judged at once, written down by a worker.
//!
//! Must not know: how a request was served.

use crate::observe::{Keeper, Metrics, RecordGuard, RequestRecord, Sink, SloBook, Worker};
use crate::types::{Clock, ModelSlot};
use prometheus::IntGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Room for the times of a stream's chunks, in bytes: about 800 chunks.
const CHUNKS: usize = 4 << 10;

/// Takes each finished record exactly once.
pub struct Observer {
    consumers: Consumers,
    clock: Clock,
    open: AtomicUsize,
}

/// Who is told of a finished record.
pub struct Consumers {
    /// The numbers.
    pub metrics: Arc<Metrics>,
    /// The objectives.
    pub slos: Arc<SloBook>,
    /// Which traces are kept; `None` where there is nobody to send them to.
    pub keeper: Option<Keeper>,
    /// Writes access lines and spans, and feeds what else is kept; `None` where there is
    /// nothing of it.
    pub worker: Option<Worker>,
    /// Whether anybody is told at all.
    pub recording: Recording,
}

/// Whether requests are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// Each, by every consumer.
    #[default]
    On,
    /// None by anybody: the other side of the question what recording costs.
    Off,
}

impl Observer {
    /// An observer that tells `consumers`.
    pub fn new(consumers: Consumers, clock: Clock) -> Arc<Self> {
        Arc::new(Self { consumers, clock, open: AtomicUsize::new(0) })
    }

    /// Begins a request: from here on it is counted, whatever happens.
    pub fn begin(self: &Arc<Self>, record: Box<RequestRecord>) -> RecordGuard {
        self.open.fetch_add(1, Ordering::Relaxed);
        if record.origin.is_a_request() {
            self.metrics().model(record.call.model).in_flight().inc();
        }
        RecordGuard::new(record, Arc::clone(self))
    }

    /// Says which model a request in flight turned out to be for.
    pub fn assign_model(&self, record: &mut RequestRecord, model: ModelSlot) {
        let before = std::mem::replace(&mut record.call.model, model);
        if record.origin.is_a_request() {
            self.metrics().model(before).in_flight().dec();
            self.metrics().model(model).in_flight().inc();
        }
    }

    /// A streamed answer of `model` begins; it ends when the value is dropped.
    pub fn open_stream(&self, model: ModelSlot) -> OpenStream {
        let gauge = self.metrics().model(model).open_streams().clone();
        gauge.inc();
        OpenStream(gauge)
    }

    /// Notes from here on when each chunk of a stream comes, where records are kept.
    pub fn note_chunks(&self, record: &mut RequestRecord) {
        if record.call.streamed && self.worker().is_some_and(Worker::has_sink) {
            record.meter.note_chunks(record.timeline.received, CHUNKS);
        }
    }

    /// The slot of the model `name`, whose series and budgets exist from here on.
    pub fn model_slot(&self, name: &str) -> ModelSlot {
        let slot = self.metrics().model_slot(name);
        if slot != ModelSlot::OTHER {
            self.consumers.slos.add_model(slot, name);
        }
        slot
    }

    /// Requests begun and not yet delivered.
    pub fn open_requests(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// The numbers.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.consumers.metrics
    }

    /// The objectives.
    pub fn slos(&self) -> &Arc<SloBook> {
        &self.consumers.slos
    }

    /// Who writes access lines and spans, where there is somebody.
    pub fn worker(&self) -> Option<&Worker> {
        self.consumers.worker.as_ref()
    }

    /// Called by the guard, once a request.
    pub(super) fn deliver(&self, mut record: Box<RequestRecord>) {
        let (is_request, model) = (record.origin.is_a_request(), record.call.model);
        if self.consumers.recording == Recording::On {
            let finished = *record.timeline.finished.get_or_insert_with(|| self.clock.now());
            for attempt in &mut record.attempts {
                attempt.ended.get_or_insert(finished);
            }
            self.tell(record);
        }
        if is_request {
            self.metrics().model(model).in_flight().dec();
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// The order matters: whether an objective was missed decides whether the trace is kept,
    /// and only a kept trace may become an exemplar.
    fn tell(&self, mut record: Box<RequestRecord>) {
        let Consumers { metrics, slos, keeper, worker, .. } = &self.consumers;
        record.slo = slos.count(&record);
        record.kept = keeper
            .as_ref()
            .and_then(|keeper| keeper.decide(&record, metrics.exemplar_due(&record)));
        metrics.record(&record);
        if let Some(worker) = worker
            && worker.wants(&record)
            && let Err(full) = worker.push(record)
        {
            metrics.dropped(Sink::Log).inc_by(full.lines);
            metrics.dropped(Sink::Traces).inc_by(full.spans);
            metrics.dropped(Sink::History).inc_by(full.unkept);
        }
    }
}

/// Counts one open stream for as long as it lives.
pub struct OpenStream(IntGauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::trace::{names, record};
    use crate::observe::{Origin, SloSettings, verdict};
    use crate::types::SloKey;
    use std::time::Duration;

    #[test]
    fn a_refresh_is_open_but_no_request_in_flight_and_no_event() {
        let metrics = names().metrics;
        let series = Arc::clone(&metrics);
        let open = move |key: &_, windows: &[String]| series.slo_series(key, windows);
        let slos = Arc::new(SloBook::new(vec![SloSettings::standard()], open));
        let recording = Recording::On;
        let consumers = Consumers { metrics, slos, keeper: None, worker: None, recording };
        let observer = Observer::new(consumers, Clock::system());
        let slot = observer.model_slot("chat-large");
        let budget = SloKey { slo: "availability".into(), model: "chat-large".into() };
        let now = Clock::system().date();
        let in_flight = || {
            let models = observer.metrics().models();
            models.iter().map(|model| model.in_flight().get()).sum::<i64>()
        };
        let mut refresh = record();
        (refresh.origin, refresh.call.model) = (Origin::Refresh, ModelSlot::OTHER);
        for (record, counted) in [(refresh, 0), (record(), 1)] {
            let mut guard = observer.begin(Box::new(record));
            observer.assign_model(&mut guard, slot);
            assert_eq!((observer.open_requests(), in_flight()), (1, counted));
            guard.finish(verdict::answered(200));
            assert_eq!((observer.open_requests(), in_flight()), (0, 0));
            let events = observer.slos().events_within(&budget, Duration::MAX, now);
            assert_eq!(events.map(|events| events.total), Some(counted as u64));
        }
    }
}
