//! Which run comes after which.
//!
//! Must not know: how a run is carried out, or what is made of them all.

use super::findings::stage_result;
use super::record::{Ending, ExperimentRecord, Question};
use super::runner::{Destination, ExperimentError, Runner};
use crate::replay::compare::{Arm, interleave};
use crate::replay::planner::{Sweep, plan};
use crate::replay::{Plan, PlanOptions, StartAt};
use std::sync::Arc;

/// What is to be done.
pub struct Asked {
    /// The question.
    pub question: Question,
    /// Where the runs of A go.
    pub a: Destination,
    /// Where those of B go, where there is a B.
    pub b: Option<Destination>,
    /// What is sent.
    pub send: Planning,
    /// When the first run begins; at once unless said.
    pub start: Option<StartAt>,
}

impl Asked {
    /// Where runs go: one arm, or A and B.
    pub fn to(&self) -> Vec<Destination> {
        std::iter::once(&self.a).chain(&self.b).cloned().collect()
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Planning {
    /// The same in every run.
    Same(Arc<Plan>),
    /// What these give with the rate of each stage of a search.
    EachStage(Box<PlanOptions>),
}

/// Begins the record of what `asked` is about, and writes it down.
///
/// # Errors
/// When it cannot be written.
pub fn begin(runner: &Runner, asked: &Asked) -> Result<ExperimentRecord, ExperimentError> {
    let targets: Vec<_> = asked.to().iter().map(|to| to.target.to_string()).collect();
    let record = ExperimentRecord::new(runner.mint(), runner.now(), asked.question, &targets);
    record.save(&runner.setup().root)?;
    Ok(record)
}

/// Carries out what is asked, run by run, until its end or until it is stopped. `record` says at
/// any time what was done, and in the end how it ended.
///
/// # Errors
/// When a run fails; the record says so too.
pub async fn carry_out(
    runner: &Runner,
    asked: &Asked,
    record: &mut ExperimentRecord,
) -> Result<(), ExperimentError> {
    runner.watch().expect(asked.question.runs());
    let carried_out = match &asked.send {
        Planning::Same(plan) => in_order(runner, asked, plan, record).await,
        Planning::EachStage(each) => search(runner, asked, each, record).await,
    };
    record.ending = Some(match (&carried_out, runner.stopped()) {
        (Err(error), _) => Ending::Failed(error.to_string()),
        (Ok(()), Some(why)) => Ending::Stopped(why),
        (Ok(()), None) => Ending::Done,
    });
    record.save(&runner.setup().root)?;
    carried_out
}

/// The same again and again, or A and B by turns.
async fn in_order(
    runner: &Runner,
    asked: &Asked,
    plan: &Arc<Plan>,
    record: &mut ExperimentRecord,
) -> Result<(), ExperimentError> {
    let mut start = asked.start;
    for arm in order(&asked.question) {
        if runner.stopped().is_some() {
            break;
        }
        let to = asked.b.as_ref().filter(|_| arm == Arm::B).unwrap_or(&asked.a);
        let run = runner.run(plan, (arm, to), start.take()).await?;
        record.add(arm, run.head().id.clone());
        record.save(&runner.setup().root)?;
    }
    Ok(())
}

fn order(question: &Question) -> Vec<Arm> {
    match *question {
        Question::Run | Question::Sweep { .. } => vec![Arm::A],
        Question::Calibrate { runs } => vec![Arm::A; runs as usize],
        Question::Compare { runs, seed, .. } => interleave(runs as usize, seed),
    }
}

/// One rate after the other.
async fn search(
    runner: &Runner,
    asked: &Asked,
    each: &PlanOptions,
    record: &mut ExperimentRecord,
) -> Result<(), ExperimentError> {
    let Question::Sweep { search, attain } = asked.question else { return Ok(()) };
    let (mut sweep, mut last, mut sent) = (Sweep::new(search), None, 0);
    while let Some(stage) = sweep.next(last) {
        let options = sweep.options(each, stage, sent);
        let plan = Arc::new(plan(runner.setup().requests.inputs(), &options)?);
        sent += plan.requests.len() as u64;
        let run = runner.run(&plan, (Arm::A, &asked.a), None).await?;
        record.add(Arm::A, run.head().id.clone());
        record.save(&runner.setup().root)?;
        if runner.stopped().is_some() {
            break;
        }
        last = Some(stage_result(&run.result_so_far()?, attain));
    }
    Ok(())
}
