//! Sends spans away, on a thread of its own, and drops and counts them when that fails.
//!
//! Must not know: records, or which traces are kept. A receiver that is slow, hanging or gone
//! fills a bounded queue and nothing else: whoever pushes never waits.

use super::health::{Change, ExportHealth};
use super::settings::OtlpSettings;
use super::transport;
use crate::observe::StandBack;
use crate::types::{Clock, Random};
use opentelemetry::KeyValue;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use prometheus::IntCounter;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Traces that may wait for the exporter; at three spans of 2 KiB each about 12 MiB.
const QUEUE: usize = 2_048;

/// Hands traces to the exporter's thread, which ends after this is dropped: what is queued by
/// then has two seconds to leave.
#[derive(Debug)]
pub struct TraceExport {
    queue: Sender<Vec<SpanData>>,
    dropped: IntCounter,
    health: ExportHealth,
    _stopping: DropGuard,
}

/// How spans are gathered and how long sending may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// A batch leaves when it holds this many spans; a trace is not split.
    pub(super) batch: usize,
    /// Or when its first span has waited for this long.
    pub(super) every: Duration,
    /// How long a receiver may take, retries included.
    pub(super) patience: Duration,
    /// How long everything that is left may take at the end.
    pub(super) flush: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch: 500,
            every: Duration::from_secs(5),
            patience: Duration::from_secs(10),
            flush: Duration::from_secs(2),
        }
    }
}

impl TraceExport {
    /// Starts the exporter's thread. `dropped` counts the spans that do not arrive.
    ///
    /// # Errors
    /// When the system gives no thread, or the receiver's address or TLS cannot be used. That
    /// nobody answers there is not an error.
    pub fn start(
        settings: OtlpSettings,
        dropped: IntCounter,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let pace = Pace::default();
        Self::start_with(pace, dropped, move || transport::connect(&settings, pace.patience))
    }

    pub(super) fn start_with(
        pace: Pace,
        dropped: IntCounter,
        connect: impl FnOnce() -> io::Result<SpanExporter> + Send + 'static,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (queue, inbox) = channel(QUEUE);
        let (health, stop) = (ExportHealth::default(), CancellationToken::new());
        let post = Post {
            inbox,
            pace,
            dropped: dropped.clone(),
            health: health.clone(),
            batch: Vec::new(),
            under_way: 0,
        };
        let (tell, told) = sync_channel(1);
        let export = Self { queue, dropped, health, _stopping: stop.clone().drop_guard() };
        let worker = thread::Builder::new().name("trace-export".into()).spawn(move || {
            StandBack::KeepingUp.apply();
            work(post, &stop, connect, &tell);
        })?;
        match told.recv() {
            Ok(started) => started.map(|()| (export, worker)),
            Err(_) => Err(io::Error::other("the exporter of spans ended at its start")),
        }
    }

    /// Queues the spans of one trace; never waits. Where there is no room they are dropped
    /// and counted.
    pub(in crate::observe) fn push(&self, spans: Vec<SpanData>) {
        let count = spans.len() as u64;
        if self.queue.try_send(spans).is_err() {
            self.dropped.inc_by(count);
        }
    }

    /// How the exporter fares.
    pub fn health(&self) -> ExportHealth {
        self.health.clone()
    }
}

/// The exporter's thread. Both transports need a runtime, and it must be no other's.
fn work(
    post: Post,
    stop: &CancellationToken,
    connect: impl FnOnce() -> io::Result<SpanExporter>,
    tell: &SyncSender<io::Result<()>>,
) {
    let start = || -> io::Result<(Runtime, SpanExporter)> {
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let entered = runtime.enter();
        let mut exporter = connect()?;
        drop(entered);
        exporter.set_resource(&resource());
        Ok((runtime, exporter))
    };
    // Whoever started this thread waits for the word.
    match start() {
        Ok((runtime, exporter)) => {
            tell.send(Ok(())).ok();
            runtime.block_on(post.deliver(exporter, stop));
            // A name that is being looked up must not hold up the end.
            runtime.shutdown_background();
        }
        Err(error) => drop(tell.send(Err(error))),
    }
}

/// Which process speaks.
fn resource() -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "transom"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance_id(&Random::from_system())),
        ])
        .build()
}

/// A random UUID (RFC 9562, version 4), as the conventions ask for.
fn instance_id(random: &Random) -> String {
    let bits = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64());
    let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let part = |range| hex.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

/// The exporter's side of the queue.
struct Post {
    inbox: Receiver<Vec<SpanData>>,
    pace: Pace,
    dropped: IntCounter,
    health: ExportHealth,
    batch: Vec<SpanData>,
    /// Spans handed to the transport, of which nothing was heard yet.
    under_way: u64,
}

impl Post {
    /// Sends until the queue is closed and empty, or the time for that is over.
    async fn deliver(mut self, exporter: SpanExporter, stop: &CancellationToken) {
        let pace = self.pace;
        let late = async {
            stop.cancelled().await;
            sleep(pace.flush).await;
        };
        let everything = async {
            while self.gather().await {
                self.export(&exporter).await;
            }
        };
        tokio::select! {
            () = everything => {}
            () = late => {}
        }
        self.give_up();
    }

    /// Waits for a batch; false when there is none to come.
    async fn gather(&mut self) -> bool {
        let Some(first) = self.inbox.recv().await else { return false };
        let due = Instant::now() + self.pace.every;
        self.batch.extend(first);
        while self.batch.len() < self.pace.batch
            && let Ok(Some(spans)) = timeout_at(due, self.inbox.recv()).await
        {
            self.batch.extend(spans);
        }
        true
    }

    async fn export(&mut self, exporter: &SpanExporter) {
        let batch = std::mem::take(&mut self.batch);
        self.under_way = batch.len() as u64;
        let now = || Clock::system().now();
        let change = match timeout(self.pace.patience, exporter.export(batch)).await {
            Ok(Ok(())) => self.health.sent(now()),
            Ok(Err(error)) => self.lost(error.to_string()),
            Err(_) => self.lost(format!("no answer within {:?}", self.pace.patience)),
        };
        self.under_way = 0;
        match change {
            Change::Fails => {
                let error = self.health.report().error;
                tracing::warn!(error, "spans cannot be exported: they are dropped and counted");
            }
            Change::Recovers => tracing::info!("spans are exported again"),
            Change::None => {}
        }
    }

    fn lost(&self, error: String) -> Change {
        self.dropped.inc_by(self.under_way);
        self.health.lost(Clock::system().now(), error)
    }

    /// Counts what nobody will hear of.
    fn give_up(&mut self) {
        self.inbox.close();
        let mut left = self.under_way + self.batch.len() as u64;
        while let Ok(spans) = self.inbox.try_recv() {
            left += spans.len() as u64;
        }
        self.dropped.inc_by(left);
        if left > 0 {
            tracing::warn!(spans = left, "spans were not exported in time before the end");
        }
    }
}
