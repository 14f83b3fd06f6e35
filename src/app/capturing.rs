//! Capture and who works for it.
//!
//! Must not know: which exchanges are captured, or how they are stored.

use super::segment_rows;
use crate::admin::CaptureControl;
use crate::capture::{
    Archive, BadRule, CaptureEvent, CaptureHandle, CaptureState, CaptureWorker, DropReason,
    Recorder, installation_key,
};
use crate::config::Settings;
use crate::observe::{CaptureFigures, Metrics};
use crate::types::Clock;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often what capture counts is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long exchanges may take to get into the queue at the end, so that what is in it can
/// still be written.
const SETTLE: Duration = Duration::from_secs(3);

/// Capture, where there is one.
pub(super) struct Capturing {
    /// What requests are given to.
    pub(super) recorder: Option<Arc<Recorder>>,
    /// What operators use.
    pub(super) control: Option<CaptureControl>,
    thread: Option<JoinHandle<()>>,
    metrics: Arc<Metrics>,
}

impl Capturing {
    /// Captures into `directory` what `settings` ask for. Where nothing can be written there,
    /// nothing is captured; a metric says so and a line of the log why: traffic must go on.
    pub(super) fn start(
        settings: &Settings,
        directory: Option<&Path>,
        metrics: &Arc<Metrics>,
        clock: Clock,
    ) -> Self {
        let mut capturing =
            Self { recorder: None, control: None, thread: None, metrics: Arc::clone(metrics) };
        let Some(directory) = directory.filter(|_| settings.captures_anything()) else {
            return capturing;
        };
        match begin(settings, directory, clock) {
            Ok((recorder, control, thread)) => {
                capturing.recorder = Some(recorder);
                capturing.control = Some(control);
                capturing.thread = Some(thread);
            }
            Err(error) => {
                tracing::error!(%error, "nothing is captured");
                let paused = CaptureFigures { paused: true, ..CaptureFigures::default() };
                metrics.capture().catch_up(&paused);
            }
        }
        capturing
    }

    /// Counts until `stop`; then has what waits written.
    pub(super) async fn run(self, stop: CancellationToken) {
        let Self { recorder: Some(recorder), control: Some(control), thread, metrics } = self
        else {
            return;
        };
        let handle = control.handle;
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = looks.tick() => {}
            }
            metrics.capture().catch_up(&figures(&recorder, &handle));
        }
        if timeout(SETTLE, recorder.settled()).await.is_err() {
            tracing::warn!("exchanges under way at the end are not captured");
        }
        handle.stop();
        let ended = spawn_blocking(move || thread.map(JoinHandle::join)).await;
        if !matches!(ended, Ok(None | Some(Ok(())))) {
            tracing::warn!("the thread of the capture panicked");
        }
        metrics.capture().catch_up(&figures(&recorder, &handle));
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn begin(
    settings: &Settings,
    directory: &Path,
    clock: Clock,
) -> Result<(Arc<Recorder>, CaptureControl, JoinHandle<()>), Failure> {
    let rows = segment_rows(directory);
    let forget = rows.clone();
    let hook = move |event: CaptureEvent| {
        if let (CaptureEvent::Gone(segment), Some(rows)) = (event, &forget) {
            rows.remove(&segment.to_string());
        }
    };
    let (handle, thread) =
        CaptureWorker::start(directory, &settings.capture, clock, Box::new(hook))?;
    let key = installation_key(directory)?;
    let configured = settings.model_captures.clone();
    let recorder: Result<_, BadRule> =
        Recorder::new(&settings.capture, configured, key, handle.clone());
    let archive = Archive::open(directory, settings.capture.encryption.as_ref())?;
    let archive = match rows {
        Some(rows) => archive.with_rows(rows),
        None => archive,
    };
    let recorder = Arc::new(recorder?);
    let control = CaptureControl { handle, archive, recorder: Arc::clone(&recorder) };
    Ok((recorder, control, thread))
}

fn figures(recorder: &Recorder, handle: &CaptureHandle) -> CaptureFigures {
    let (counts, usage) = (handle.counts(), handle.usage());
    let dropped = |reason| counts.dropped(reason);
    CaptureFigures {
        results: [
            counts.written,
            recorder.sampled_out(),
            recorder.replays(),
            dropped(DropReason::QueueFull),
            dropped(DropReason::Paused),
            dropped(DropReason::TooLarge),
            dropped(DropReason::WriteError),
        ],
        paused: handle.state() != CaptureState::Running,
        bytes: usage.bytes,
        queued: usage.queued,
    }
}
