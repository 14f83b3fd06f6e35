//! One run, from its plan to its directory.
//!
//! Owns what all runs of an experiment have in common, the purse too. Must not know: which run
//! comes after which.

use super::record::RecordError;
use super::redacted::Redacted;
use super::standing::Watch;
use crate::replay::client::{KeepAnswers, Target};
use crate::replay::compare::Arm;
use crate::replay::directory::{DirectoryError, RunDirectory};
use crate::replay::engine::{self, Budget, Run, RunError, Start};
use crate::replay::outcome::{Objectives, RunHead, RunId, RunResult};
use crate::replay::{
    BarrierError, CapReached, Plan, PlanError, Planned, Recorded, SpendCaps, SpendForecast,
    SpendGuard, StartAt, TargetFacts,
};
use crate::trust::system_roots;
use crate::types::{Clock, Micros, Random};
use rustls::RootCertStore;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

/// Requests in flight when a run is stopped have so long to end.
const GRACE: Duration = Duration::from_secs(5);

/// What all runs of an experiment have in common.
pub struct Setup {
    /// The requests that plans speak of.
    pub requests: Arc<Recorded>,
    /// Where runs are kept.
    pub root: PathBuf,
    /// What a good answer is.
    pub objectives: Objectives,
    /// The longest that an answer is waited for.
    pub timeout: Duration,
    /// Requests in flight at a time; a run that is held back by it does not count.
    pub in_flight: u32,
    /// Whether answers are kept.
    pub keep: KeepAnswers,
    /// What all runs together may use.
    pub caps: SpendCaps,
}

/// Where the runs of an arm go.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The address, and as whom.
    pub target: Target,
    /// What is known of it.
    pub facts: TargetFacts,
    /// The model that is asked for in place of the recorded ones.
    pub model: Option<String>,
}

/// Why an experiment could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The plan cannot be written.
    #[error("the plan cannot be written: {0}")]
    PlanFile(io::Error),
    /// There is no result.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The run cannot be written, or read back.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The experiment cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The others have begun.
    #[error(transparent)]
    Barrier(#[from] BarrierError),
    /// Samples could not be written; the figures are there.
    #[error("not every sample could be written: {0}")]
    Samples(io::Error),
    /// Nobody can be trusted.
    #[error("{0}")]
    Roots(io::Error),
}

/// Carries out runs.
pub struct Runner {
    setup: Setup,
    guard: SpendGuard,
    roots: RootCertStore,
    random: Random,
    clock: Clock,
    watch: Arc<Watch>,
    stop: CancellationToken,
    capped: OnceLock<CapReached>,
}

impl Runner {
    /// For runs of one experiment, which `stop` ends.
    ///
    /// # Errors
    /// When a target is `https://` and the system trusts nobody.
    pub fn new(
        setup: Setup,
        to: &[Destination],
        watch: Arc<Watch>,
        stop: CancellationToken,
    ) -> Result<Self, ExperimentError> {
        let needs_trust = to.iter().any(|to| to.target.is_tls());
        let roots = if needs_trust {
            system_roots().map_err(ExperimentError::Roots)?
        } else {
            RootCertStore::empty()
        };
        Ok(Self {
            guard: SpendGuard::new(setup.caps, None),
            setup,
            roots,
            random: Random::from_system(),
            clock: Clock::system(),
            watch,
            stop,
            capped: OnceLock::new(),
        })
    }

    /// Carries out one run: at once, or when `start` comes.
    ///
    /// # Errors
    /// When nothing came of it, or that cannot be kept.
    pub async fn run(
        &self,
        plan: &Arc<Plan>,
        (arm, to): (Arm, &Destination),
        start: Option<StartAt>,
    ) -> Result<RunDirectory, ExperimentError> {
        let head = self.head(plan, to);
        let directory = RunDirectory::create(&self.setup.root, &head)?;
        let plan_digest = plan.write(directory.plan_file()?).map_err(ExperimentError::PlanFile)?;
        let begins = self.begins(start).await?;
        let head = RunHead { plan_digest, began: begins.date, ..head };
        let observed = self.observed(plan, (arm, to), &directory, (head, begins)).await;
        self.watch.end();
        directory.finish(&observed?)?;
        Ok(directory)
    }

    /// What sending `plan` to `to` will probably use.
    pub fn forecast(requests: &Recorded, plan: &Plan, to: &TargetFacts) -> SpendForecast {
        let estimates = plan.requests.iter().map(|planned| requests.estimate(planned.exchange));
        SpendForecast::of(estimates, to.price)
    }

    /// What was asked for.
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Whether the experiment is to end now, and why.
    pub fn stopped(&self) -> Option<String> {
        let capped = self.capped.get().map(ToString::to_string);
        self.stop.is_cancelled().then(|| capped.unwrap_or_else(|| "it was interrupted".to_owned()))
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(super) fn mint(&self) -> RunId {
        RunId::mint(self.clock, self.random.next_u64())
    }

    pub(super) fn now(&self) -> Micros {
        self.clock.date().duration_since(UNIX_EPOCH).unwrap_or_default().into()
    }

    async fn observed(
        &self,
        plan: &Arc<Plan>,
        (arm, to): (Arm, &Destination),
        directory: &RunDirectory,
        (head, start): (RunHead, Start),
    ) -> Result<RunResult, ExperimentError> {
        let requests = Arc::clone(&self.setup.requests);
        let guard = self.guard.at_price(to.facts.price);
        let estimate = move |planned: &Planned| requests.estimate(planned.exchange);
        let budget = Arc::new(Budget::new(guard, estimate, self.stop.clone()));
        let run = Run {
            head,
            plan: Arc::clone(plan),
            requests: Arc::new(self.setup.requests.asked_for(to.model.clone())),
            target: to.target.clone(),
            roots: self.roots.clone(),
            keep: self.setup.keep,
            admission: Arc::clone(&budget) as _,
            start,
            grace: GRACE,
        };
        let samples = Box::new(Redacted::new(directory.sample_writer()?));
        let ran = engine::run(run, samples, self.watch.begin(arm), self.stop.clone()).await?;
        if let Some(reached) = budget.reached() {
            self.capped.get_or_init(|| reached);
        }
        ran.observed.map_err(ExperimentError::Samples)?;
        Ok(ran.result)
    }

    async fn begins(&self, start: Option<StartAt>) -> Result<Start, ExperimentError> {
        let Some(start) = start else { return Ok(Start::soon(self.clock)) };
        let left = start.wait(|| self.clock.date(), tokio::time::sleep);
        let left = self.stop.run_until_cancelled(left).await.transpose()?;
        Ok(Start::after(self.clock, left.unwrap_or_default()))
    }

    fn head(&self, plan: &Plan, to: &Destination) -> RunHead {
        RunHead {
            version: 1,
            id: self.mint(),
            began: Micros(0),
            target: to.target.to_string(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            plan: plan.head.clone(),
            plan_digest: String::new(),
            objectives: self.setup.objectives,
            model: to.model.clone(),
            timeout: self.setup.timeout.into(),
            in_flight: self.setup.in_flight,
        }
    }
}
