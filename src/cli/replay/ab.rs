//! `transom replay ab`
//!
//! Must not know: statistics.

use super::report::Files;
use super::schedule::Schedule;
use super::sending::{Sending, aim};
use super::spending::Spending;
use super::waiting::{Waiting, lasts};
use super::{Captured, carrying, compare, plan};
use crate::cli::Failure;
use crate::replay::experiment::{Asked, Planning, Question, Runner};
use std::sync::Arc;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    captured: Captured,
    /// What is compared with, such as http://127.0.0.1:8000
    #[arg(long, value_name = "URL")]
    a: String,
    /// What it is about
    #[arg(long, value_name = "URL")]
    b: String,
    /// The environment variable that holds the API key of A
    #[arg(long, value_name = "VARIABLE")]
    a_key_env: Option<String>,
    /// The environment variable that holds the API key of B
    #[arg(long, value_name = "VARIABLE")]
    b_key_env: Option<String>,
    /// The model that A is asked for in place of the recorded ones
    #[arg(long, value_name = "MODEL")]
    a_model: Option<String>,
    /// The model that B is asked for in place of the recorded ones
    #[arg(long, value_name = "MODEL")]
    b_model: Option<String>,
    /// Runs of each, by turns
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=64))]
    runs: u32,
    /// Within this margin figures count as equal, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    margin: f64,
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
    let margin = compare::margin(arguments.margin)?;
    let recorded = Arc::new(captured.read()?);
    let plan = Arc::new(plan::of(&recorded, &arguments.schedule)?);
    let settings = captured.settings()?;
    let to = |url: &str, key: &Option<String>, model: &Option<String>| {
        let aim = aim(url, key.as_deref(), model.clone())?;
        let facts = spending.facts(&aim, &settings);
        Ok::<_, Failure>(aim.destination(facts, sending, spending.consent()))
    };
    let a = to(&arguments.a, &arguments.a_key_env, &arguments.a_model)?;
    let b = to(&arguments.b, &arguments.b_key_env, &arguments.b_model)?;
    let forecast = |to| Runner::forecast(&recorded, &plan, to).times(*runs);
    spending.agree(&[(&a, forecast(&a.facts)), (&b, forecast(&b.facts))])?;
    let start = sending
        .start_at
        .map_or_else(|| waiting.start(lasts(&plan, runs.saturating_mul(2))), |at| Ok(Some(at)))?;
    let question = Question::Compare {
        runs: *runs,
        margin,
        answers: sending.answers,
        seed: plan.head.options.seed,
    };
    let asked = Asked { question, a, b: Some(b), send: Planning::Same(plan), start };
    carrying::experiment(sending.setup(&recorded, spending.caps()), &asked, &arguments.files)
}
