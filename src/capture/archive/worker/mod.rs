//! The thread between traffic and the disk.
//!
//! Nobody waits for it: what does not fit into the queue is dropped and counted. Where nothing
//! can be written it pauses, tries again every few seconds and goes on by itself.
//!
//! Must not know: traffic, an index, or how a segment is written.

mod handle;
mod queue;
mod totals;

pub use handle::CaptureHandle;
pub use queue::Reserved;
pub use totals::{CaptureCounts, CaptureState, CaptureUsage, DropReason};

use super::erase::{Changed, Erasure};
use super::retention::{self, Kept};
use super::{Archive, ArchiveError, Erase, Erased, Writer};
use crate::capture::segment::SegmentId;
use crate::capture::{CaptureSettings, Retention};
use crate::types::Clock;
use queue::{Budget, Job, Next, Queue, Waiting};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::sync::oneshot;
use totals::Totals;

/// How long exchanges gather before they are written.
const GATHER: Duration = Duration::from_millis(250);
/// What gathers is written at least as often, however much comes.
const FLUSH: Duration = Duration::from_millis(500);
/// Old segments are looked for as often.
const RETENTION: Duration = Duration::from_secs(60);
/// How long what is queued at the end may take, so that closing fits into two seconds.
const DRAIN: Duration = Duration::from_millis(1_500);
/// After a failure it is tried again as often.
const RETRY: Duration = Duration::from_secs(3);

/// What has become of records, for whoever remembers where they are. In order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureEvent {
    /// So many more can be read, in the order in which they were submitted.
    Written(u64),
    /// None of a segment's records is where it was.
    Gone(SegmentId),
}

/// Told by the thread what has become of records; it must not wait for the thread.
pub type CaptureHook = Box<dyn FnMut(CaptureEvent) + Send>;

type Answer<T> = oneshot::Sender<Result<T, ArchiveError>>;

/// What the thread can be asked for.
enum Asked {
    Erase(Erase, Answer<Erased>),
    Roll(Answer<()>),
}

/// The thread, on its side of the queue.
pub struct CaptureWorker {
    writer: Writer,
    queue: Arc<Queue>,
    totals: Arc<Totals>,
    hook: CaptureHook,
    keep: Retention,
    retry: Duration,
    clock: Clock,
    /// What could not be written when it should have been.
    held: Option<Waiting>,
    flushed: Instant,
    /// When old segments were last looked for, and what was written then.
    tidied: Option<(Instant, Option<SegmentId>)>,
    kept: Kept,
    erasing: Option<(Erasure, Answer<Erased>)>,
}

impl CaptureWorker {
    /// Starts the thread that writes to `directory`, and tells `hook` what it has written. It
    /// ends with the last handle.
    ///
    /// # Errors
    /// When another process writes there, the master key is none, a file cannot be read or
    /// written, or the system gives no thread.
    pub fn start(
        directory: &Path,
        settings: &CaptureSettings,
        clock: Clock,
        hook: CaptureHook,
    ) -> Result<(CaptureHandle, JoinHandle<()>), ArchiveError> {
        let archive = Archive::open(directory, settings.encryption.as_ref())?;
        let writer = Writer::open(archive, settings.roll)?;
        Self::start_with(writer, settings, RETRY, clock, hook)
    }

    /// The same with a writer at hand, and other patience.
    pub(super) fn start_with(
        writer: Writer,
        settings: &CaptureSettings,
        retry: Duration,
        clock: Clock,
        hook: CaptureHook,
    ) -> Result<(CaptureHandle, JoinHandle<()>), ArchiveError> {
        let (queue, totals) = (Arc::new(Queue::new(settings.queue)), Arc::<Totals>::default());
        let handle = CaptureHandle::new(
            Arc::clone(&queue),
            Arc::clone(&totals),
            Budget::new(settings.queue),
        );
        let worker = Self {
            flushed: clock.now(),
            keep: settings.keep,
            held: None,
            tidied: None,
            kept: Kept::default(),
            erasing: None,
            writer,
            queue,
            totals,
            hook,
            retry,
            clock,
        };
        let thread = thread::Builder::new().name("capture".into()).spawn(|| worker.run())?;
        Ok((handle, thread))
    }

    fn run(mut self) {
        let mut done = Ok(());
        loop {
            done = done.and_then(|()| self.guarded(Self::look_after));
            if let Err(error) = &done
                && !self.pause(error)
            {
                break;
            }
            let patience = if self.erasing.is_some() { Duration::ZERO } else { GATHER };
            done = match self.queue.next(self.clock.now() + patience) {
                Next::Job(job) => self.guarded(|worker| worker.carry_out(job)),
                Next::Nothing => self.guarded(Self::flush),
                Next::Stopped => break,
            };
        }
        self.drain();
    }

    /// Does `work`; when it panics the exchanges that it was for are lost, and nothing else.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            let lost = self.held.take().map_or(0, |held| held.gathered.len());
            tracing::warn!(exchanges = lost, "capture panicked; these may be lost");
            self.totals.lose(DropReason::WriteError, lost);
            Ok(())
        })
    }

    fn carry_out(&mut self, job: Job) -> io::Result<()> {
        match job {
            Job::Write(waiting) => return self.write(waiting),
            Job::Asked(Asked::Roll(answer)) => {
                let rolled = self.writer.roll();
                self.tell();
                // What cannot be written is found out again at once, and paused for.
                answer.send(rolled.map_err(ArchiveError::Io)).ok();
            }
            Job::Asked(Asked::Erase(what, answer)) => {
                while self.erasing.is_some() {
                    self.erase_on();
                }
                let erasure = self.writer.begin_to_erase(what);
                self.tell();
                match erasure {
                    Ok(erasure) => self.erasing = Some((erasure, answer)),
                    Err(error) => drop(answer.send(Err(error.into()))),
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, waiting: Waiting) -> io::Result<()> {
        // There it stays when it cannot be written.
        let waiting = self.held.insert(waiting);
        self.writer.append_all(&mut waiting.gathered, self.clock.now())?;
        if let Some(waiting) = self.held.take() {
            self.queue.reuse(waiting.gathered);
        }
        Ok(())
    }

    /// Goes on with erasing, flushes and ends what it is time for, and removes what is old.
    fn look_after(&mut self) -> io::Result<()> {
        self.erase_on();
        let now = self.clock.now();
        if now.saturating_duration_since(self.flushed) >= FLUSH {
            self.flush()?;
        }
        let aged = self.writer.tick(now);
        self.tell();
        aged?;
        let active = self.writer.active();
        let is_tidy = self.tidied.is_some_and(|(then, written)| {
            written == active && now.saturating_duration_since(then) < RETENTION
        });
        if !is_tidy {
            self.tidied = Some((now, active));
            self.tidy();
        }
        self.totals.hold(self.kept.segments, self.kept.bytes + self.writer.active_bytes());
        Ok(())
    }

    fn tidy(&mut self) {
        let now = self.clock.date().duration_since(UNIX_EPOCH).unwrap_or_default();
        let active = self.writer.active().map(|id| (id, self.writer.active_bytes()));
        let directory = self.writer.archive().directory();
        let mut gone = Vec::new();
        let kept = retention::apply(directory, self.keep, now, active, |it| gone.push(it));
        gone.into_iter().for_each(|segment| self.say(CaptureEvent::Gone(segment)));
        match kept {
            Ok(kept) => self.kept = kept,
            Err(error) => tracing::warn!(%error, "old captures could not be removed"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer.flush();
        self.tell();
        flushed?;
        self.flushed = self.clock.now();
        Ok(())
    }

    /// Erases in one more segment, if there is something to erase.
    fn erase_on(&mut self) {
        let Some((mut erasure, answer)) = self.erasing.take() else { return };
        let Some(segment) = erasure.next() else {
            answer.send(Ok(erasure.done())).ok();
            return;
        };
        let changed = erasure.step();
        if !matches!(changed, Ok(Changed::No)) {
            self.say(CaptureEvent::Gone(segment));
            self.tidied = None;
        }
        match changed {
            Ok(_) => self.erasing = Some((erasure, answer)),
            Err(error) => drop(answer.send(Err(error))),
        }
    }

    /// Tells what has been written.
    fn tell(&mut self) {
        let written = self.writer.written();
        if written > 0 {
            self.totals.write(written);
            self.say(CaptureEvent::Written(written));
        }
    }

    fn say(&mut self, event: CaptureEvent) {
        // What becomes of an index is no reason to lose a record.
        if catch_unwind(AssertUnwindSafe(|| (self.hook)(event))).is_err() {
            tracing::warn!("the index of the capture panicked");
        }
    }

    /// Waits until something can be written again; `false` where the end comes first.
    fn pause(&mut self, error: &io::Error) -> bool {
        tracing::warn!(%error, "capture is paused: nothing can be written");
        self.totals.pause(error);
        let mut why = error.to_string();
        if let Some((_, answer)) = self.erasing.take() {
            Asked::refuse(answer, &why);
        }
        let mut retry = self.clock.now() + self.retry;
        loop {
            match self.queue.next_asked(retry) {
                Next::Stopped => return false,
                Next::Job(Asked::Erase(_, answer)) => Asked::refuse(answer, &why),
                Next::Job(Asked::Roll(answer)) => Asked::refuse(answer, &why),
                Next::Nothing => {
                    // What is old may be in the way.
                    self.tidy();
                    let Err(error) = self.guarded(Self::try_again) else { break };
                    self.totals.pause(&error);
                    why = error.to_string();
                    retry = self.clock.now() + self.retry;
                }
            }
        }
        tracing::info!("capture goes on");
        self.totals.resume();
        true
    }

    fn try_again(&mut self) -> io::Result<()> {
        if let Some(held) = self.held.take() {
            self.write(held)?;
        }
        let flushed = self.writer.flush();
        self.tell();
        flushed
    }

    /// Writes what is left, as long as there is time.
    fn drain(mut self) {
        let end = self.clock.now() + DRAIN;
        let mut done = self.guarded(Self::try_again);
        while done.is_ok()
            && self.clock.now() < end
            && let Some(job) = self.queue.rest()
        {
            done = self.guarded(|worker| worker.carry_out(job));
        }
        while self.erasing.is_some() && self.clock.now() < end {
            self.erase_on();
        }
        let closed = done.and_then(|()| self.writer.roll());
        self.tell();
        if let Err(error) = closed {
            tracing::warn!(%error, "the last exchanges could not be written");
        }
        let held = self.held.take().map_or(0, |held| held.gathered.len());
        let mut lost = self.writer.unwritten() + held;
        while let Some(job) = self.queue.rest() {
            if let Job::Write(waiting) = job {
                lost += waiting.gathered.len();
            }
        }
        self.totals.lose(DropReason::WriteError, lost);
    }
}

impl Asked {
    /// Answers that nothing can be written.
    fn refuse<T>(answer: Answer<T>, why: &str) {
        answer.send(Err(ArchiveError::Paused(why.to_owned()))).ok();
    }
}
