//! A run: requests sent at their instants, and what came of each.
//!
//! | file | owns |
//! |---|---|
//! | `agenda` | what is due when, and what has to wait for an answer first |
//! | `pacer` | the thread that lets requests go on time |
//! | `performer` | one request, from its instant to its sample |
//! | `collector` | the thread that takes the samples |
//! | `progress` | how far a run is |
//! | `admission`, `budget` | whether a request may be sent; as long as nobody spends too much |
//!
//! ```text
//! pacer thread --spawns--> a task for each request --samples--> collector thread
//!       ^-------------------- it is finished -----------'
//! ```
//!
//! The plan is kept whatever the target does: a request that is late because the one before
//! it is slow would not be in the figures otherwise (coordinated omission, Tene). Must not
//! know: how a plan is made, or what a result is compared with.

mod admission;
mod agenda;
mod budget;
mod collector;
mod pacer;
mod performer;
mod progress;
mod start;
#[cfg(test)]
mod tests;

pub use admission::{Admission, Admitted, Everything, NotAdmitted};
pub use budget::Budget;
pub use collector::Observer;
pub use progress::{Progress, Snapshot};
pub use start::Start;

use crate::replay::client::{Client, KeepAnswers, Target};
use crate::replay::outcome::{RunHead, RunResult, Tally};
use crate::replay::request::Requests;
use crate::replay::{Phase, Plan, Sample};
use crate::types::Micros;
use collector::{Collected, collect};
use pacer::Pacer;
use performer::Performer;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Samples that may wait for the collector. Whoever brings one more waits, after its
/// measurement.
const INBOX: usize = 1_024;

/// All that a run needs.
pub struct Run {
    /// What the run is; its `began` is that of `start`.
    pub head: RunHead,
    /// What to do.
    pub plan: Arc<Plan>,
    /// The requests that the plan speaks of.
    pub requests: Arc<dyn Requests>,
    /// Where they go.
    pub target: Target,
    /// Whom to trust when that is `https://`.
    pub roots: rustls::RootCertStore,
    /// Whether answers are kept.
    pub keep: KeepAnswers,
    /// Whether each request may be sent.
    pub admission: Arc<dyn Admission>,
    /// When the plan's clock is zero.
    pub start: Start,
    /// How long requests in flight may take when the run is stopped.
    pub grace: Duration,
}

/// A run that has ended.
pub struct Ran {
    /// What came of it, whether it came to its end or was stopped.
    pub result: RunResult,
    /// Whether the observer has taken every sample; the first error otherwise. The result
    /// holds all of them nevertheless.
    pub observed: io::Result<()>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// TLS cannot be set up.
    #[error("no client: {0}")]
    Client(io::Error),
    /// A part of the run panicked.
    #[error("the run failed: {0}")]
    Failed(#[from] JoinError),
}

/// Carries out `run`, until its end or until `stop`: then nothing more is sent, what is in
/// flight may come to its end within the grace, and the rest counts as not sent.
///
/// # Errors
/// When there can be no result at all.
pub async fn run(
    run: Run,
    observer: Box<dyn Observer>,
    progress: Arc<Progress>,
    stop: CancellationToken,
) -> Result<Ran, RunError> {
    let Run { head, plan, requests, target, roots, keep, admission, start, grace } = run;
    let client = Client::new(&target, roots, keep).map_err(RunError::Client)?;
    let (samples, inbox) = mpsc::channel(INBOX);
    let tally = Tally::new(head.objectives);
    progress.begin(start.instant, plan.requests.len() as u64);
    let collector = {
        let (handle, progress) = (Handle::current(), Arc::clone(&progress));
        tokio::task::spawn_blocking(move || collect(&handle, inbox, (observer, tally), &progress))
    };
    let pacer = Arc::new(Pacer::new(&plan, head.in_flight, start.instant));
    let performer = Arc::new(Performer {
        head: head.clone(),
        plan,
        client,
        admission,
        begins: start.instant,
        pacer: Arc::clone(&pacer),
        samples: samples.clone(),
        progress,
        cut: CancellationToken::new(),
    });
    // A run that is dropped stops too.
    let guard = StopOnDrop(Arc::clone(&performer));
    let tasks = TaskTracker::new();
    let paced = {
        let (handle, performer, tasks) = (Handle::current(), Arc::clone(&performer), tasks.clone());
        let send = move |due, prepared| performer.begin(due, prepared, &handle, &tasks);
        tokio::task::spawn_blocking(move || pacer.run(&*requests, send))
    };
    until_done(paced, &performer, &tasks, (stop, grace)).await?;
    for sample in performer.left_out() {
        // The collector lives as long as there are senders.
        samples.send(sample).await.ok();
    }
    let held_back = performer.pacer.held_back();
    drop((samples, performer, guard));
    let Collected { mut tally, observed } = collector.await?;
    tally.held_back = held_back;
    Ok(Ran { result: RunResult::of(head, tally), observed })
}

/// Waits for the last request.
async fn until_done(
    paced: tokio::task::JoinHandle<()>,
    performer: &Performer,
    tasks: &TaskTracker,
    (stop, grace): (CancellationToken, Duration),
) -> Result<(), JoinError> {
    let mut paced = paced;
    let stopped = tokio::select! {
        done = &mut paced => {
            done?;
            false
        }
        () = stop.cancelled() => true,
    };
    tasks.close();
    if stopped {
        performer.pacer.stop();
        paced.await?;
        if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
            performer.cut.cancel();
        }
    }
    tasks.wait().await;
    Ok(())
}

/// What phase an instant is in.
fn phase(plan: &Plan, at: Micros) -> Phase {
    if at < plan.head.options.warm_up { Phase::WarmUp } else { Phase::Measured }
}

struct StopOnDrop(Arc<Performer>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.pacer.stop();
        self.0.cut.cancel();
    }
}

impl Performer {
    /// The requests that were not begun.
    fn left_out(&self) -> Vec<Sample> {
        let now = Micros::from(self.begins.elapsed());
        let left = self.pacer.left_out().into_iter();
        left.filter_map(|index| {
            let planned = self.plan.requests.get(index)?;
            let at = planned.at.unwrap_or(now);
            Some(Sample::not_sent(planned.number, phase(&self.plan, at), at))
        })
        .collect()
    }
}
