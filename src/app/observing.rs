//! Puts together what observes requests: metrics, objectives, the worker, the exporter.
//!
//! Must not know: how requests are served.

use super::{StartError, budgets, remembering};
use crate::alert::EndpointWatch;
use crate::config::Settings;
use crate::history::History;
use crate::observe::{
    AccessLines, Consumers, Keeper, LogOutput, Metrics, Observer, Outputs, RecordNames, RecordSink,
    Recording, RequestRecord, SemanticNames, Sink, SloBook, TraceExport, Worker,
};
use crate::store::Store;
use crate::types::Clock;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// How long what is queued may take to be written at the end.
const FLUSH: Duration = Duration::from_secs(3);

/// What is to be observed, and how.
pub(super) struct Observed<'a> {
    settings: &'a Settings,
    recording: Recording,
    names: SemanticNames,
    log: Option<(LogOutput, AccessLines)>,
    /// Where it is known what was before.
    store: Option<&'a Arc<Store>>,
    /// Who watches endpoints.
    watch: EndpointWatch,
    clock: Clock,
}

/// The observer and the threads behind it.
pub(super) struct Observing {
    pub(super) observer: Arc<Observer>,
    pub(super) history: Arc<History>,
    pub(super) worker: Option<JoinHandle<io::Result<()>>>,
    pub(super) exporter: Option<JoinHandle<()>>,
}

impl<'a> Observed<'a> {
    /// What `settings` say, recorded so, with what was before and who else looks.
    pub(super) fn new(
        settings: &'a Settings,
        (recording, names, log): (Recording, SemanticNames, Option<(LogOutput, AccessLines)>),
        (store, watch): (Option<&'a Arc<Store>>, EndpointWatch),
        clock: Clock,
    ) -> Self {
        Self { settings, recording, names, log, store, watch, clock }
    }

    /// Starts everybody.
    pub(super) fn start(self) -> Result<Observing, StartError> {
        let Self { settings, recording, names, log, store, watch, clock } = self;
        let history = remembering::history(settings, store);
        let sink = (recording == Recording::On)
            .then(|| Box::new(Both(history.sink(), watch)) as Box<dyn RecordSink>);
        let upstreams: Vec<String> = settings.upstreams.iter().map(|u| u.name.clone()).collect();
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), &upstreams, &settings.slos, names);
        let metrics = Arc::new(metrics.map_err(StartError::Metrics)?);
        let series = Arc::clone(&metrics);
        let open = move |key: &_, windows: &[String]| series.slo_series(key, windows);
        let mut slos = SloBook::new(settings.slos.clone(), open);
        slos.restore(budgets::saved(store.map(|store| &**store), clock), clock.date());
        let slos = Arc::new(slos);
        let tracing = &settings.tracing;
        let (traces, exporter) = match tracing.otlp.clone() {
            None => (None, None),
            Some(otlp) => {
                let started = TraceExport::start(otlp, metrics.dropped(Sink::Traces));
                let (traces, exporter) = started.map_err(StartError::Worker)?;
                (Some(traces), Some(exporter))
            }
        };
        let keeper = traces.is_some().then(|| Keeper::new(tracing.sampling));
        let (worker, thread) = if log.is_some() || traces.is_some() || sink.is_some() {
            let objectives = settings.slos.iter().map(|slo| slo.name.clone()).collect();
            let names = RecordNames { metrics: Arc::clone(&metrics), upstreams, objectives, clock };
            let outputs = Outputs { log, traces, sink };
            let started = Worker::start(outputs, names);
            let (worker, thread) = started.map_err(StartError::Worker)?;
            (Some(worker), Some(thread))
        } else {
            (None, None)
        };
        let consumers = Consumers { metrics, slos, keeper, worker, recording };
        let observer = Observer::new(consumers, clock);
        Ok(Observing { observer, history, worker: thread, exporter })
    }
}

/// The history, and who watches endpoints.
struct Both(Box<dyn RecordSink>, EndpointWatch);

impl RecordSink for Both {
    fn take(&mut self, record: &RequestRecord, names: &RecordNames, ended: SystemTime) {
        self.0.take(record, names, ended);
        self.1.take(record, names, ended);
    }
}

/// Waits until the worker has written what was queued and the exporter has sent it.
pub(super) async fn finish(
    worker: Option<&Worker>,
    thread: Option<JoinHandle<io::Result<()>>>,
    exporter: Option<JoinHandle<()>>,
) {
    let (Some(worker), Some(thread)) = (worker.cloned(), thread) else { return };
    let joined = tokio::task::spawn_blocking(move || {
        // A worker that has ended already says why when it is joined.
        worker.stop().ok();
        let written = thread.join();
        let sent = exporter.map_or(Ok(()), JoinHandle::join);
        (written, sent)
    });
    match timeout(FLUSH, joined).await {
        Ok(Ok((Ok(Ok(())), Ok(())))) => {}
        Ok(Ok((Ok(Err(error)), _))) => {
            tracing::error!(%error, "the access log could not be written");
        }
        _ => tracing::warn!("access lines or spans were not flushed in time"),
    }
}
