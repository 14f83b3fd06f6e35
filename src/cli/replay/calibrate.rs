//! `transom replay calibrate`
//!
//! Must not know: statistics.

use super::report::Files;
use super::schedule::Schedule;
use super::sending::{Sending, To};
use super::spending::Spending;
use super::waiting::{Waiting, lasts};
use super::{Captured, carrying, plan};
use crate::cli::Failure;
use crate::replay::experiment::{Asked, Planning, Question, Runner};
use std::sync::Arc;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    captured: Captured,
    #[command(flatten)]
    to: To,
    /// Runs of the same; ten are worth it
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=64))]
    runs: u32,
    #[command(flatten)]
    schedule: Schedule,
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
    let Arguments { captured, spending, sending, waiting, runs, .. } = arguments;
    let recorded = Arc::new(captured.read()?);
    let plan = Arc::new(plan::of(&recorded, &arguments.schedule)?);
    let aim = arguments.to.aim()?;
    let facts = spending.facts(&aim, &captured.settings()?);
    let a = aim.destination(facts, sending, spending.consent());
    let forecast = Runner::forecast(&recorded, &plan, &a.facts).times(*runs);
    spending.agree(&[(&a, forecast)])?;
    let lasts = lasts(&plan, *runs);
    let start = sending.start_at.map_or_else(|| waiting.start(lasts), |at| Ok(Some(at)))?;
    let question = Question::Calibrate { runs: *runs };
    let asked = Asked { question, a, b: None, send: Planning::Same(plan), start };
    carrying::experiment(sending.setup(&recorded, spending.caps()), &asked, &arguments.files)
}
