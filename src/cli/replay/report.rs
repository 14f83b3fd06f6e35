//! `transom replay report`, and the reports of every other command.
//!
//! Must not know: what a report looks like.

use crate::cli::{Failure, say};
use crate::replay::Comparison;
use crate::replay::directory::RunDirectory;
use crate::replay::experiment::ExperimentRecord;
use crate::replay::report::{
    Arm, Arms, Colour, ReportInput, TerminalStyle, html, json, junit, load, markdown, report_of,
    terminal,
};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Columns of a terminal.
const WIDTH: usize = 110;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The directories of runs, all of one target, or the file of an experiment
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    files: Files,
}

/// Where reports are written besides the terminal.
#[derive(clap::Args)]
pub(super) struct Files {
    /// One page that needs nothing else, with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// For programs
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// For CI
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// For a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let [one] = arguments.runs.as_slice()
        && one.is_file()
    {
        let root = one.parent().unwrap_or_else(|| Path::new("."));
        let report = report_of(&ExperimentRecord::open(one)?, root)?;
        return arguments.files.write(&report.ok_or("nothing of it has run yet")?);
    }
    let (arm, first) = arm("", &arguments.runs)?;
    let arm = Arm { name: arm.target.clone(), ..arm };
    arguments.files.write(&of(Arms::One(arm), &first))
}

/// The runs in these directories, and the first of them.
pub(super) fn arm(name: &str, runs: &[PathBuf]) -> Result<(Arm, RunDirectory), Failure> {
    let first = runs.first().ok_or("no run was named")?;
    let first = RunDirectory::open(first)?;
    let runs: Result<_, _> = runs.iter().map(|path| load(path)).collect();
    let target = first.head().target.clone();
    Ok((Arm { name: name.to_owned(), target, runs: runs? }, first))
}

/// A report of `arms`, of which `first` is the first run.
pub(super) fn of(arms: Arms, first: &RunDirectory) -> ReportInput {
    let head = first.head();
    ReportInput {
        id: head.id.to_string(),
        began: UNIX_EPOCH + Duration::from(head.began),
        program: head.program.clone(),
        plan: head.plan.clone(),
        arms,
        study: None,
    }
}

/// Two arms and what came of their comparison.
pub(super) fn compared(a: Arm, b: Arm, comparison: Comparison) -> Arms {
    Arms::Two { a, b, comparison: Box::new(comparison) }
}

impl Files {
    /// Writes the files that are wanted, and shows the report.
    pub(super) fn write(&self, input: &ReportInput) -> Result<(), Failure> {
        let colour = if io::stdout().is_terminal() { Colour::Ansi } else { Colour::Plain };
        say(&mut io::stdout(), &terminal(input, TerminalStyle { width: WIDTH, colour }));
        let put = |path: &Option<PathBuf>, text: &dyn Fn() -> Result<String, Failure>| {
            path.as_deref().map_or(Ok(()), |path| written(path, &text()?))
        };
        put(&self.html, &|| Ok(html(input)?))?;
        put(&self.json, &|| Ok(json(input)?))?;
        put(&self.junit, &|| Ok(junit(input)?))?;
        put(&self.markdown, &|| Ok(markdown(input)))
    }
}

fn written(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}
