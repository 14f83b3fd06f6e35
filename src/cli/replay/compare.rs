//! `transom replay compare`
//!
//! Must not know: statistics.

use super::report::{self, Files};
use crate::cli::{Failure, WithCode};
use crate::replay::answers::{ANSWERS_ROOM, AnswerLadder, AnswerSettings};
use crate::replay::compare::{
    Arms, CompareSettings, Exit, Order, RunFigures, compare, with_answers,
};
use crate::replay::directory::RunDirectory;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The directories of the runs that are compared with
    #[arg(long, required = true, num_args = 1.., value_name = "RUN")]
    a: Vec<PathBuf>,
    /// The directories of the runs that it is about
    #[arg(long, required = true, num_args = 1.., value_name = "RUN")]
    b: Vec<PathBuf>,
    /// Within this margin figures count as equal, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    margin: f64,
    /// The runs were made by turns: A, B, B, A
    #[arg(long)]
    interleaved: bool,
    /// Compare what the answers say as well; runs were made with --answers
    #[arg(long)]
    answers: bool,
    #[command(flatten)]
    files: Files,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !(arguments.margin > 0.0 && arguments.margin < 100.0) {
        return Err(Box::new(WithCode(
            Exit::Usage.code(),
            "--margin is above 0 and below 100".into(),
        )));
    }
    let (a, first) = report::arm("A", &arguments.a)?;
    let (b, _) = report::arm("B", &arguments.b)?;
    let settings =
        CompareSettings { margin: arguments.margin / 100.0, ..CompareSettings::default() };
    let order = if arguments.interleaved { Order::Interleaved } else { Order::InTurn };
    let figures = (figures(&arguments.a)?, figures(&arguments.b)?);
    let mut comparison = compare(&Arms { a: &figures.0, b: &figures.1, order }, &settings);
    if arguments.answers {
        let (a, b) = (opened(&arguments.a)?, opened(&arguments.b)?);
        let mut ladder = AnswerLadder::new(AnswerSettings::default());
        ladder.take_runs(&a, &b, ANSWERS_ROOM)?;
        let found = ladder.finish();
        comparison = with_answers(comparison, found.comparison, found.reasons);
    }
    let exit = Exit::from(comparison.verdict);
    let words = comparison.reasons.join("; ");
    arguments.files.write(&report::of(report::compared(a, b, comparison), &first))?;
    match exit {
        Exit::Ok => Ok(()),
        other => Err(Box::new(WithCode(other.code(), words))),
    }
}

fn opened(runs: &[PathBuf]) -> Result<Vec<RunDirectory>, Failure> {
    Ok(runs.iter().map(|path| RunDirectory::open(path)).collect::<Result<_, _>>()?)
}

fn figures(runs: &[PathBuf]) -> Result<Vec<RunFigures>, Failure> {
    let figures = |run: RunDirectory| Ok(RunFigures::of(&run.result_so_far()?));
    opened(runs)?.into_iter().map(figures).collect()
}
