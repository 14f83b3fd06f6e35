//! One line per finished request, formatted and written by a worker thread.
//!
//! Owns the bounded queue between the request path and the worker. Must not know: where
//! lines go (any `Write`), or what a record means to others.

mod human;
mod json;

use crate::observe::{Metrics, RequestRecord};
use crate::types::{Clock, ModelSlot};
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

/// The shape of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLines {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Human,
}

/// The names behind the positions in a record.
pub struct LogNames {
    /// Resolves a model's slot.
    pub metrics: Arc<Metrics>,
    /// Upstream names by position.
    pub upstreams: Vec<String>,
    /// Dates the lines.
    pub clock: Clock,
}

impl LogNames {
    fn model(&self, slot: ModelSlot) -> String {
        self.metrics.model(slot).name().to_owned()
    }

    fn upstream(&self, position: usize) -> Option<&str> {
        self.upstreams.get(position).map(String::as_str)
    }
}

/// The sending end.
#[derive(Clone)]
pub struct AccessLog {
    queue: SyncSender<Message>,
}

enum Message {
    Record(Box<RequestRecord>),
    Stop,
}

/// The queue is full; the record was not logged.
#[derive(Debug)]
pub struct QueueFull;

impl AccessLog {
    /// Starts the worker.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        lines: LogLines,
        names: LogNames,
        out: impl Write + Send + 'static,
    ) -> io::Result<(Self, JoinHandle<io::Result<()>>)> {
        let (queue, messages) = sync_channel(QUEUE);
        let worker = thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write_lines(lines, &names, &messages, out))?;
        Ok((Self { queue }, worker))
    }

    /// Queues a finished record; never waits.
    ///
    /// # Errors
    /// [`QueueFull`] when the worker cannot keep up or has failed.
    pub fn push(&self, record: Box<RequestRecord>) -> Result<(), QueueFull> {
        self.queue.try_send(Message::Record(record)).map_err(|_| QueueFull)
    }

    /// Asks the worker to write what is queued and end. May wait for room in the queue.
    ///
    /// # Errors
    /// [`QueueFull`] when the worker has ended already.
    pub fn stop(&self) -> Result<(), QueueFull> {
        self.queue.send(Message::Stop).map_err(|_| QueueFull)
    }
}

fn write_lines(
    lines: LogLines,
    names: &LogNames,
    messages: &Receiver<Message>,
    mut out: impl Write,
) -> io::Result<()> {
    let mut text = Vec::with_capacity(64 * 1024);
    let mut stopped = false;
    while !stopped && let Ok(first) = messages.recv() {
        thread::sleep(GATHER);
        for message in std::iter::once(first).chain(messages.try_iter().take(QUEUE)) {
            let Message::Record(record) = message else {
                stopped = true;
                continue;
            };
            match lines {
                LogLines::Json => json::write_line(&mut text, &record, names)?,
                LogLines::Human => human::write_line(&mut text, &record, names)?,
            }
            if text.len() >= 48 * 1024 {
                out.write_all(&text)?;
                text.clear();
            }
        }
        out.write_all(&text)?;
        out.flush()?;
        text.clear();
    }
    Ok(())
}
