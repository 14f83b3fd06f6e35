//! The thread that writes finished records down: access lines, spans, and what else is kept.
//!
//! Owns the bounded queue between the request path and that thread. Must not know: what a
//! record means to others, or where lines and spans go.

mod sink;

pub use sink::RecordSink;

use crate::observe::access_log::{self, LogLines};
use crate::observe::trace::{self, ExportHealth, TraceExport};
use crate::observe::{AccessLines, Judgements, Metrics, RequestRecord, Sink, StandBack};
use crate::types::{Clock, ModelSlot};
use prometheus::IntCounter;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Records that may wait for the worker; at 1 KiB each about 64 MiB at the worst.
const QUEUE: usize = 65_536;
/// After the first record of a batch the worker naps, so that a busy proxy wakes it a few
/// hundred times a second rather than once a request.
const GATHER: Duration = Duration::from_millis(5);
/// Lines are written out in pieces of about this many bytes.
const PIECE: usize = 48 * 1024;

/// The names behind the positions in a record.
pub struct RecordNames {
    /// Resolves a model's slot, and counts what is dropped.
    pub metrics: Arc<Metrics>,
    /// Upstream names by position.
    pub upstreams: Vec<String>,
    /// Names of objectives by position.
    pub objectives: Vec<String>,
    /// Dates lines and spans.
    pub clock: Clock,
}

impl RecordNames {
    /// The label of a model.
    pub(super) fn model(&self, slot: ModelSlot) -> String {
        self.metrics.model(slot).name().to_owned()
    }

    /// The name of an upstream.
    pub(super) fn upstream(&self, position: usize) -> Option<&str> {
        self.upstreams.get(position).map(String::as_str)
    }

    /// The names of the objectives that were missed.
    pub(super) fn missed(&self, judgements: Judgements) -> impl Iterator<Item = &str> {
        judgements.missed().filter_map(|position| Some(&**self.objectives.get(position)?))
    }
}

/// Where the access log goes.
pub struct LogOutput {
    /// The shape of its lines.
    pub lines: LogLines,
    /// Takes them.
    pub out: Box<dyn Write + Send>,
}

/// What becomes of records.
#[derive(Default)]
pub struct Outputs {
    /// Access lines, while the switch is on.
    pub log: Option<(LogOutput, AccessLines)>,
    /// Spans of the traces that are kept.
    pub traces: Option<TraceExport>,
    /// Takes every record.
    pub sink: Option<Box<dyn RecordSink>>,
}

/// The sending end. Cloning shares it.
#[derive(Clone)]
pub struct Worker {
    queue: SyncSender<Message>,
    access_lines: Option<AccessLines>,
    export_health: Option<ExportHealth>,
    /// What a record that is lost costs the sink: 1, or 0 where there is none.
    sinks: u64,
}

enum Message {
    Record(Box<RequestRecord>, Line),
    Stop,
}

/// Whether a record has a line in the access log. Decided when it is queued, so that a switch
/// moves between two requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Written,
    Left,
}

/// The queue is full or the worker has ended: this is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFull {
    /// Access lines.
    pub lines: u64,
    /// Spans.
    pub spans: u64,
    /// Records that the sink does not get.
    pub unkept: u64,
}

impl Worker {
    /// Starts the worker. It ends after [`Worker::stop`] and then drops its outputs; its
    /// result is the access log's.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        outputs: Outputs,
        names: RecordNames,
    ) -> io::Result<(Self, JoinHandle<io::Result<()>>)> {
        let Outputs { log, traces, sink } = outputs;
        let sinks = u64::from(sink.is_some());
        let (queue, messages) = sync_channel(QUEUE);
        let (log, access_lines) = log.unzip();
        let export_health = traces.as_ref().map(TraceExport::health);
        let dropped = names.metrics.dropped(Sink::Log);
        let log = log.map(|output| AccessLog::new(output, dropped));
        let desk = Desk { log, traces, sink, names };
        let worker = thread::Builder::new().name("observe".into()).spawn(move || {
            StandBack::KeepingUp.apply();
            desk.work(&messages)
        })?;
        Ok((Self { queue, access_lines, export_health, sinks }, worker))
    }

    /// Whether there is anything to write down about a finished record.
    pub fn wants(&self, record: &RequestRecord) -> bool {
        self.has_sink() || self.line() == Line::Written || self.spans(record) > 0
    }

    /// Queues a finished record; never waits.
    ///
    /// # Errors
    /// [`QueueFull`] when the worker cannot keep up or has ended.
    pub fn push(&self, record: Box<RequestRecord>) -> Result<(), QueueFull> {
        let line = self.line();
        let lost = QueueFull {
            lines: u64::from(line == Line::Written),
            spans: self.spans(&record),
            unkept: self.sinks,
        };
        self.queue.try_send(Message::Record(record, line)).map_err(|_| lost)
    }

    /// Asks the worker to write what is queued and end. May wait for room in the queue.
    ///
    /// # Errors
    /// [`QueueFull`] when the worker has ended already.
    pub fn stop(&self) -> Result<(), QueueFull> {
        self.queue.send(Message::Stop).map_err(|_| QueueFull::default())
    }

    /// Whether every record is kept somewhere.
    pub fn has_sink(&self) -> bool {
        self.sinks > 0
    }

    /// How the exporter of spans fares, where there is one.
    pub fn export_health(&self) -> Option<&ExportHealth> {
        self.export_health.as_ref()
    }

    fn line(&self) -> Line {
        if self.access_lines.as_ref().is_some_and(AccessLines::are_on) {
            Line::Written
        } else {
            Line::Left
        }
    }

    fn spans(&self, record: &RequestRecord) -> u64 {
        let taken = self.export_health.is_some() && record.kept.is_some();
        if taken { trace::span_count(record) } else { 0 }
    }
}

/// The worker's side of the queue.
struct Desk {
    log: Option<AccessLog>,
    traces: Option<TraceExport>,
    sink: Option<Box<dyn RecordSink>>,
    names: RecordNames,
}

impl Desk {
    fn work(mut self, messages: &Receiver<Message>) -> io::Result<()> {
        let mut stopped = false;
        while !stopped && let Ok(first) = messages.recv() {
            thread::sleep(GATHER);
            for message in std::iter::once(first).chain(messages.try_iter().take(QUEUE)) {
                match message {
                    Message::Record(record, line) => self.write_down(&record, line),
                    Message::Stop => stopped = true,
                }
            }
            if let Some(log) = &mut self.log {
                log.flush();
            }
        }
        self.log.map_or(Ok(()), AccessLog::result)
    }

    fn write_down(&mut self, record: &RequestRecord, line: Line) {
        if let Some(log) = &mut self.log
            && line == Line::Written
        {
            log.add(record, &self.names);
        }
        if let Some(traces) = &self.traces
            && record.kept.is_some()
        {
            traces.push(trace::spans(record, &self.names));
        }
        if let Some(sink) = &mut self.sink {
            let ended = record.timeline.finished.unwrap_or(record.timeline.received);
            sink.take(record, &self.names, self.names.clock.date_of(ended));
        }
    }
}

/// Lines on their way out. When they cannot be written any more they are counted as dropped,
/// and spans go on.
struct AccessLog {
    output: LogOutput,
    text: Vec<u8>,
    /// Lines in `text`.
    waiting: u64,
    dropped: IntCounter,
    failed: Option<io::Error>,
}

impl AccessLog {
    fn new(output: LogOutput, dropped: IntCounter) -> Self {
        let text = Vec::with_capacity(64 * 1024);
        Self { output, text, waiting: 0, dropped, failed: None }
    }

    fn add(&mut self, record: &RequestRecord, names: &RecordNames) {
        if self.failed.is_some() {
            self.dropped.inc();
            return;
        }
        self.waiting += 1;
        let line = access_log::write_line(self.output.lines, &mut self.text, record, names);
        if let Err(error) = line {
            self.fail(error);
        } else if self.text.len() >= PIECE {
            self.write_out();
        }
    }

    fn flush(&mut self) {
        self.write_out();
        if self.failed.is_none()
            && let Err(error) = self.output.out.flush()
        {
            self.fail(error);
        }
    }

    fn write_out(&mut self) {
        if let Err(error) = self.output.out.write_all(&self.text) {
            self.fail(error);
        }
        self.text.clear();
        self.waiting = 0;
    }

    fn fail(&mut self, error: io::Error) {
        tracing::error!(%error, "access lines cannot be written: they are dropped and counted");
        self.dropped.inc_by(self.waiting);
        self.text.clear();
        self.waiting = 0;
        self.failed = Some(error);
    }

    fn result(self) -> io::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
