//! The thread that pages, scrapes, samples and alerts run on, apart from those that serve requests:
//! a scrape of many series takes milliseconds, and no request may wait for it.
//!
//! Must not know: what is on a page.

use super::alerting::Alerting;
use crate::admin::{self, AdminState};
use crate::observe::{Sampler, StandBack};
use crate::types::Clock;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Starts the thread. The future ends with it, after `stop`.
///
/// # Errors
/// When the system gives no thread, or the socket cannot be used.
pub(super) fn start(
    socket: TcpListener,
    (state, alerting): (AdminState, Alerting),
    stop: CancellationToken,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let (ended, end) = oneshot::channel::<()>();
    let (begun, began) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new().name("admin".into()).spawn(move || {
        StandBack::AsFarAsPossible.apply();
        let served = serve(socket, (state, alerting), stop, || drop(begun.send(Ok(()))));
        if let Err(error) = served {
            drop(begun.send(Err(error)));
        }
        drop(ended);
    })?;
    match began.recv() {
        Ok(begun) => begun?,
        Err(_) => return Err(io::Error::other("the admin thread ended at its start")),
    }
    Ok(async { drop(end.await) })
}

fn serve(
    socket: TcpListener,
    (state, alerting): (AdminState, Alerting),
    stop: CancellationToken,
    begun: impl FnOnce(),
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (sampler, clock) = (Arc::clone(&state.sampler), state.clock);
        let server = admin::serve(socket, state, stop.clone())?;
        begun();
        let sampling = sample(sampler, clock, stop.clone());
        tokio::join!(server, sampling, alerting.run(stop));
        Ok(())
    })
}

async fn sample(sampler: Arc<Sampler>, clock: Clock, stop: CancellationToken) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = second.tick() => sampler.sample(clock.now()),
        }
    }
}
