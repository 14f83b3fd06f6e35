//! Replays for a process that does other things too: one at a time, on threads of their own.
//!
//! Owns whose turn it is. Must not know: how an order reaches it, or who reads the report.

use crate::capture::{Archive, Filter};
use crate::replay::client::KeepAnswers;
use crate::replay::experiment::{
    Asked, Destination, ExperimentRecord, Planning, Question, Runner, Setup, Standing, Watch,
    begin, carry_out,
};
use crate::replay::outcome::{Objectives, RunId};
use crate::replay::planner::{ScheduleWords, Wanted, plan};
use crate::replay::{Recorded, Refusal, SpendCaps, SpendForecast, refusals};
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Threads that send and receive.
const THREADS: usize = 2;

/// What is to be replayed, and why.
pub struct Order {
    /// Where captured requests are.
    pub archive: Archive,
    /// Which of them.
    pub filter: Filter,
    /// What is asked.
    pub asks: Asks,
    /// When they are sent.
    pub schedule: ScheduleWords,
    /// Where the runs of A go.
    pub a: Destination,
    /// Where those of B go, where two are compared.
    pub b: Option<Destination>,
    /// What a good answer is.
    pub objectives: Objectives,
    /// The longest that an answer is waited for.
    pub timeout: Duration,
    /// Requests in flight at a time.
    pub in_flight: u32,
    /// What all runs together may use.
    pub caps: SpendCaps,
    /// Whether somebody has said yes to what speaks against it.
    pub consent: Consent,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asks {
    /// How does it do? With a search in the schedule: what rate does it bear, so that this share
    /// of answers is good?
    Run {
        /// Of a search: 0.95 is 95 %.
        attain: f64,
    },
    /// Is B worse than A?
    Compare {
        /// Runs of each.
        runs: u32,
        /// The margin within which figures count as equal: 0.05 is 5 %.
        margin: f64,
        /// Whether what the answers say is compared as well.
        answers: bool,
    },
    /// How much do runs of the same differ?
    Calibrate {
        /// Runs.
        runs: u32,
    },
}

/// Whether somebody has said yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nobody has.
    Missing,
    /// To loading a target in production, and to being cut short by a cap.
    Given,
}

/// Why an order is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Another one is.
    #[error("another replay is under way")]
    Busy,
    /// Something speaks against it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Spending(Vec<Refusal>),
    /// It makes no sense.
    #[error("{0}")]
    Order(String),
    /// The capture cannot be read, or nothing can be written.
    #[error("{0}")]
    Failed(String),
}

/// Where replays are ordered. Cloning shares it.
#[derive(Clone)]
pub struct Desk(Arc<Shared>);

struct Shared {
    root: PathBuf,
    turn: Mutex<Turn>,
    stop: CancellationToken,
}

#[derive(Default)]
enum Turn {
    #[default]
    Free,
    /// The capture is read.
    Preparing,
    Running(Running),
}

struct Running {
    id: RunId,
    watch: Arc<Watch>,
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

impl Desk {
    /// Of replays that are kept below `root`, and end with `stop`.
    pub fn new(root: PathBuf, stop: CancellationToken) -> Self {
        Self(Arc::new(Shared { root, turn: Mutex::default(), stop }))
    }

    /// Where replays are kept.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Begins what is ordered. Reads the capture, so it takes its time.
    ///
    /// # Errors
    /// When it is not carried out.
    pub fn begin(&self, order: Order) -> Result<ExperimentRecord, Refused> {
        {
            let mut turn = self.0.turn.lock();
            if !turn.is_free() {
                return Err(Refused::Busy);
            }
            *turn = Turn::Preparing;
        }
        let begun = self.launch(order);
        let mut turn = self.0.turn.lock();
        match begun {
            Ok((record, running)) => {
                *turn = Turn::Running(running);
                Ok(record)
            }
            Err(refused) => {
                *turn = Turn::Free;
                Err(refused)
            }
        }
    }

    /// How far the replay with this id is; `None` where it is not under way.
    pub fn standing(&self, id: &RunId) -> Option<Standing> {
        match &*self.0.turn.lock() {
            Turn::Running(running) if running.is(id) => Some(running.watch.standing()),
            _ => None,
        }
    }

    /// The replay under way.
    pub fn current(&self) -> Option<RunId> {
        match &*self.0.turn.lock() {
            Turn::Running(running) if !running.thread.is_finished() => Some(running.id.clone()),
            _ => None,
        }
    }

    /// Stops the replay with this id; what has run by then is reported. `false` where it is not
    /// under way.
    pub fn stop(&self, id: &RunId) -> bool {
        match &*self.0.turn.lock() {
            Turn::Running(running) if running.is(id) => {
                running.stop.cancel();
                true
            }
            _ => false,
        }
    }

    /// Waits for the replay under way, which has been stopped.
    pub fn finish(&self) {
        let turn = std::mem::take(&mut *self.0.turn.lock());
        if let Turn::Running(running) = turn
            && running.thread.join().is_err()
        {
            tracing::error!(id = %running.id, "the thread of a replay panicked");
        }
    }

    fn launch(&self, order: Order) -> Result<(ExperimentRecord, Running), Refused> {
        let (setup, asked) = prepared(order, &self.0.root)?;
        let (watch, stop) = (Arc::<Watch>::default(), self.0.stop.child_token());
        let failed = |error: &dyn std::fmt::Display| Refused::Failed(error.to_string());
        let runner = Runner::new(setup, &asked.to(), Arc::clone(&watch), stop.clone());
        let runner = runner.map_err(|error| failed(&error))?;
        let record = begin(&runner, &asked).map_err(|error| failed(&error))?;
        let mut done = record.clone();
        let thread = thread::Builder::new().name("replay".into()).spawn(move || {
            if let Err(error) = carried_out(&runner, &asked, &mut done) {
                tracing::error!(id = %done.id, %error, "a replay failed");
            }
        });
        let thread = thread.map_err(|error| failed(&error))?;
        let running = Running { id: record.id.clone(), watch, stop, thread };
        Ok((record, running))
    }
}

impl Turn {
    fn is_free(&self) -> bool {
        match self {
            Self::Free => true,
            Self::Preparing => false,
            Self::Running(running) => running.thread.is_finished(),
        }
    }
}

impl Running {
    fn is(&self, id: &RunId) -> bool {
        self.id == *id && !self.thread.is_finished()
    }
}

fn carried_out(
    runner: &Runner,
    asked: &Asked,
    record: &mut ExperimentRecord,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("replay")
        .enable_all()
        .build()?;
    Ok(runtime.block_on(carry_out(runner, asked, record))?)
}

/// What is needed to carry out an order to which nothing speaks against.
fn prepared(order: Order, root: &Path) -> Result<(Setup, Asked), Refused> {
    let unreadable = |error: crate::replay::RecordedError| Refused::Failed(error.to_string());
    let requests = Recorded::of_archive(order.archive, order.filter).map_err(unreadable)?;
    let inputs = requests.inputs();
    let nonsense = |error: &dyn std::fmt::Display| Refused::Order(error.to_string());
    let wanted = order.schedule.read(inputs.requests.len() as u64);
    let wanted = wanted.map_err(|error| nonsense(&error))?;
    let (question, send) = match (wanted, order.asks) {
        (Wanted::Sweep { settings: search, each }, Asks::Run { attain }) => {
            if order.objectives == Objectives::default() {
                return Err(Refused::Order("a search needs to know what a good answer is".into()));
            }
            (Question::Sweep { search, attain }, Planning::EachStage(Box::new(each)))
        }
        (Wanted::Sweep { .. }, _) => {
            return Err(Refused::Order("a search is a question of its own".into()));
        }
        (Wanted::Run(options), asks) => {
            let plan = plan(inputs, &options).map_err(|error| nonsense(&error))?;
            (asks.question(options.seed), Planning::Same(Arc::new(plan)))
        }
    };
    let answers = matches!(order.asks, Asks::Compare { answers: true, .. });
    let setup = Setup {
        requests: Arc::new(requests),
        root: root.to_owned(),
        objectives: order.objectives,
        timeout: order.timeout,
        in_flight: order.in_flight,
        keep: if answers { KeepAnswers::Yes } else { KeepAnswers::No },
        caps: order.caps,
    };
    let asked = Asked { question, a: order.a, b: order.b, send, start: None };
    agreed(&setup, &asked, order.consent)?;
    Ok((setup, asked))
}

/// Whether nothing speaks against it, or somebody has said yes.
fn agreed(setup: &Setup, asked: &Asked, consent: Consent) -> Result<(), Refused> {
    let runs = asked.question.runs().unwrap_or(1) / u32::from(asked.b.is_some()).saturating_add(1);
    let forecast = |to: &Destination| match &asked.send {
        Planning::Same(plan) => Runner::forecast(&setup.requests, plan, &to.facts).times(runs),
        Planning::EachStage(_) => SpendForecast::default(),
    };
    let to = asked.to();
    let all = to.iter().map(forecast).fold(SpendForecast::default(), |all, one| all.and(&one));
    let found = to.iter().flat_map(|to| refusals(&to.facts, &all, setup.caps));
    let found: Vec<_> =
        found.filter(|refusal| consent == Consent::Missing || !refusal.yields_to_yes()).collect();
    if found.is_empty() { Ok(()) } else { Err(Refused::Spending(found)) }
}

impl Asks {
    fn question(self, seed: u64) -> Question {
        match self {
            Self::Run { .. } => Question::Run,
            Self::Compare { runs, margin, answers } => {
                Question::Compare { runs, margin, answers, seed }
            }
            Self::Calibrate { runs } => Question::Calibrate { runs },
        }
    }
}
