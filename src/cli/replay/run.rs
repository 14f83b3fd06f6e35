//! `transom replay run`
//!
//! Must not know: how a request is sent, or what makes a run invalid.

use super::report::Files;
use super::schedule::Schedule;
use super::sending::{Sending, To};
use super::spending::Spending;
use super::waiting::{Waiting, lasts};
use super::{Captured, carrying};
use crate::cli::{Failure, WithCode};
use crate::replay::compare::Exit;
use crate::replay::experiment::{Asked, Planning, Question, Runner};
use crate::replay::outcome::Objectives;
use crate::replay::{Plan, Recorded, SpendForecast, Wanted, plan};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    captured: Captured,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    schedule: Schedule,
    /// Search for the highest rate in between at which answers are good: "10..500/s each 30s"
    #[arg(long, value_name = "RATES")]
    sweep: Option<String>,
    /// The share of answers that have to be good in a search, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 95.0, requires = "sweep")]
    attain: f64,
    /// A plan that was computed before, in place of a schedule
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    spending: Spending,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    files: Files,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { captured, spending, sending, waiting, .. } = arguments;
    let recorded = Arc::new(captured.read()?);
    let (question, send) = arguments.asked(&recorded)?;
    let aim = arguments.to.aim()?;
    let facts = spending.facts(&aim, &captured.settings()?);
    let to = aim.destination(facts, sending, spending.consent());
    let (forecast, lasts) = match &send {
        Planning::Same(plan) => (Runner::forecast(&recorded, plan, &to.facts), lasts(plan, 1)),
        Planning::EachStage(_) => (SpendForecast::default(), Duration::ZERO),
    };
    spending.agree(&[(&to, forecast)])?;
    let start = sending.start_at.map_or_else(|| waiting.start(lasts), |at| Ok(Some(at)))?;
    let setup = sending.setup(&recorded, spending.caps());
    carrying::experiment(setup, &Asked { question, a: to, b: None, send, start }, &arguments.files)
}

impl Arguments {
    fn asked(&self, recorded: &Recorded) -> Result<(Question, Planning), Failure> {
        if let Some(path) = &self.plan {
            return Ok((Question::Run, Planning::Same(Arc::new(saved(path, recorded)?))));
        }
        let inputs = recorded.inputs();
        let words = self.schedule.words(self.sweep.clone());
        match words.read(inputs.requests.len() as u64)? {
            Wanted::Run(options) => {
                Ok((Question::Run, Planning::Same(Arc::new(plan(inputs, &options)?))))
            }
            Wanted::Sweep { settings: search, each } => {
                if self.sending.objectives() == Objectives::default() {
                    let why = "--sweep needs to know what a good answer is: --good-ttft, \
                               --good-tpot or --good-latency";
                    return Err(Box::new(WithCode(Exit::Usage.code(), why.to_owned())));
                }
                let attain = self.attain / 100.0;
                Ok((Question::Sweep { search, attain }, Planning::EachStage(Box::new(each))))
            }
        }
    }
}

/// The plan at `path`, if it is about this capture.
fn saved(path: &Path, recorded: &Recorded) -> Result<Plan, Failure> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let plan = Plan::read(file)?;
    if plan.head.capture != recorded.inputs().digest {
        return Err("the plan was made from another capture, or from other parts of it".into());
    }
    Ok(plan)
}
