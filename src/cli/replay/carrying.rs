//! An experiment carried out at a terminal.
//!
//! Must not know: what is asked, or how a report looks.

use super::progress;
use super::report::Files;
use crate::cli::{Failure, WithCode, runtime, say};
use crate::replay::Validity;
use crate::replay::compare::Exit;
use crate::replay::experiment::{
    Asked, Ending, ExperimentRecord, Runner, Setup, Watch, begin, carry_out,
};
use crate::replay::report::{Arms, ReportInput, report_of};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Carries out what is asked, shows how far it is, and tells what came of it: also when it is
/// stopped.
pub(super) fn experiment(setup: Setup, asked: &Asked, files: &Files) -> Result<(), Failure> {
    raise_open_files();
    let mut setup = Some(setup);
    runtime::run(0, async |stop| {
        let setup = setup.take().ok_or("an experiment is carried out once")?;
        let root = setup.root.clone();
        let watch = Arc::<Watch>::default();
        let runner = Runner::new(setup, &asked.to(), Arc::clone(&watch), stop)?;
        let mut record = begin(&runner, asked)?;
        let shown = CancellationToken::new();
        let carried_out = async {
            let done = carry_out(&runner, asked, &mut record).await;
            shown.cancel();
            done
        };
        let (done, ()) = tokio::join!(carried_out, progress::show(watch, shown.clone()));
        done?;
        tell(&record, &root, files)
    })
}

/// Shows the report of an experiment, and ends as it ended.
pub(super) fn tell(record: &ExperimentRecord, root: &Path, files: &Files) -> Result<(), Failure> {
    let Some(report) = report_of(record, root)? else {
        return Err(format!("nothing has run: {}", words(record)).into());
    };
    files.write(&report)?;
    let file = root.join(format!("{}.json", record.id));
    say(&mut io::stdout(), &format!("kept in {}", file.display()));
    match &record.ending {
        Some(Ending::Failed(why)) => return Err(why.clone().into()),
        Some(Ending::Stopped(why)) => say(&mut io::stderr(), &format!("stopped: {why}")),
        Some(Ending::Done) | None => {}
    }
    conclude(&report)
}

/// Ends as the verdict has it.
pub(super) fn conclude(report: &ReportInput) -> Result<(), Failure> {
    let (exit, why) = match &report.arms {
        Arms::Two { comparison, .. } => {
            (Exit::from(comparison.verdict), comparison.reasons.join(" "))
        }
        // A search has stages that do not count, and says what it has found.
        Arms::One(_) if report.study.is_some() => return Ok(()),
        Arms::One(arm) => {
            let invalid = arm.runs.iter().find_map(|run| match &run.validity {
                Validity::Valid => None,
                Validity::Invalid(why) => Some(why.join(" ")),
            });
            let Some(why) = invalid else { return Ok(()) };
            (Exit::Invalid, format!("the run does not count: {why}"))
        }
    };
    match exit {
        Exit::Ok => Ok(()),
        exit => Err(Box::new(WithCode(exit.code(), why))),
    }
}

fn words(record: &ExperimentRecord) -> String {
    match &record.ending {
        Some(Ending::Failed(why) | Ending::Stopped(why)) => why.clone(),
        Some(Ending::Done) | None => "there was nothing to do".to_owned(),
    }
}

/// Every request in flight may need a connection: as many as the system allows.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    // Where that is not allowed, a run that needs more says so.
    setrlimit(Resource::Nofile, raised).ok();
}
