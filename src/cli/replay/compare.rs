//! `transom replay compare`
//!
//! Must not know: statistics.

use super::report::{self, Files};
use super::{Captured, carrying};
use crate::cli::{Failure, WithCode};
use crate::replay::compare::{Arms, Blocks, CompareSettings, Exit, Order, RunFigures, compare};
use crate::replay::directory::RunDirectory;
use crate::replay::experiment::{Production, figures, say_alike};
use crate::replay::report::{Arm, Run};
use std::num::NonZeroU32;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The directories of the runs that are compared with
    #[arg(long, num_args = 1.., value_name = "RUN", required_unless_present = "recorded")]
    a: Vec<PathBuf>,
    /// The directories of the runs that it is about
    #[arg(long, required = true, num_args = 1.., value_name = "RUN")]
    b: Vec<PathBuf>,
    /// Compare with what was captured, as it went in production
    #[arg(long, conflicts_with_all = ["a", "interleaved", "answers"])]
    recorded: bool,
    /// The parts of equal time that the captured traffic is cut into; each counts as a run
    #[arg(long, value_name = "NUMBER", default_value = "5", requires = "recorded")]
    blocks: NonZeroU32,
    #[command(flatten)]
    captured: Captured,
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
    let settings =
        CompareSettings { margin: margin(arguments.margin)?, ..CompareSettings::default() };
    let (b, first) = report::arm("B", &arguments.b)?;
    let opened_b = opened(&arguments.b)?;
    let figures_b = figures(&opened_b)?;
    let (a, comparison) = if arguments.recorded {
        let (a, figures_a) = arguments.production(&first)?;
        let arms = Arms { a: &figures_a, b: &figures_b, order: Order::Recorded };
        (a, compare(&arms, &settings))
    } else {
        let (a, _) = report::arm("A", &arguments.a)?;
        let opened_a = opened(&arguments.a)?;
        let order = if arguments.interleaved { Order::Interleaved } else { Order::InTurn };
        let arms = Arms { a: &figures(&opened_a)?, b: &figures_b, order };
        let comparison = compare(&arms, &settings);
        let comparison = match arguments.answers {
            true => say_alike(comparison, &opened_a, &opened_b)?,
            false => comparison,
        };
        (a, comparison)
    };
    let report = report::of(report::compared(a, b, comparison), &first);
    arguments.files.write(&report)?;
    carrying::conclude(&report)
}

/// The margin that was typed, as a share.
pub(super) fn margin(percent: f64) -> Result<f64, Failure> {
    if percent > 0.0 && percent < 100.0 {
        Ok(percent / 100.0)
    } else {
        let why = "--margin is above 0 and below 100".to_owned();
        Err(Box::new(WithCode(Exit::Usage.code(), why)))
    }
}

impl Arguments {
    /// What was captured, as runs that are judged by the objectives of `beside`.
    fn production(&self, beside: &RunDirectory) -> Result<(Arm, Vec<RunFigures>), Failure> {
        let mut times = Vec::new();
        self.captured.each(&mut |exchange| times.push(exchange.times.received))?;
        let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
            return Err("there is nothing that was captured".into());
        };
        let blocks = Blocks { first: *first, last: *last, count: self.blocks };
        let mut production = Production::new(blocks, beside.head());
        self.captured.each(&mut |exchange| production.take(exchange))?;
        let results = production.finish();
        let figures = results.iter().map(RunFigures::of).collect();
        let runs = results.iter().map(Run::of).collect();
        let target = "as it was captured".to_owned();
        Ok((Arm { name: "production".to_owned(), target, runs }, figures))
    }
}

fn opened(runs: &[PathBuf]) -> Result<Vec<RunDirectory>, Failure> {
    Ok(runs.iter().map(|path| RunDirectory::open(path)).collect::<Result<_, _>>()?)
}
