//! The runtime that a command runs on, and the signals that end it.
//!
//! Must not know: what runs.

use crate::cli::Failure;
use std::future::Future;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs `work` on `threads` threads (0 is one per core) until it returns. The token is
/// cancelled by the first SIGTERM or Ctrl-C; a second one ends the process at once.
pub(super) fn run<F>(
    threads: usize,
    work: impl FnOnce(CancellationToken) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let mut builder = Builder::new_multi_thread();
    if threads > 0 {
        builder.worker_threads(threads);
    }
    let runtime = builder.enable_all().build()?;
    let done = runtime.block_on(async {
        let stop = CancellationToken::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let work = work(stop.clone());
        let mut work = std::pin::pin!(work);
        tokio::select! {
            done = &mut work => return done,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
        tokio::select! {
            done = &mut work => done,
            _ = terminate.recv() => Err("ended before open requests were finished".into()),
            _ = interrupt.recv() => Err("ended before open requests were finished".into()),
        }
    });
    // Connections that outlived the drain are not waited for.
    runtime.shutdown_background();
    done
}
