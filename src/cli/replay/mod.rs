//! `transom replay`: captured requests sent again, and what came of it.
//!
//! Owns which capture is meant. Must not know: how a request is sent, or judged.

mod ab;
mod calibrate;
mod carrying;
mod compare;
mod merge;
mod plan;
mod progress;
mod report;
mod run;
mod schedule;
mod sending;
mod spending;
mod waiting;

use crate::capture::{Assumed, DETECT, Exchange, detect, import};
use crate::cli::Failure;
use crate::cli::capture::{Where, Which};
use crate::config::Settings;
use crate::replay::{InMemory, Recorded};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Compute what a run is going to do, and write it down
    Plan(Box<plan::Arguments>),
    /// Send captured requests again
    Run(Box<run::Arguments>),
    /// Run two targets by turns, and say whether the second one is worse
    Ab(Box<ab::Arguments>),
    /// Run the same again and again, to see how much runs differ, and what could be found
    Calibrate(Box<calibrate::Arguments>),
    /// Put the runs of a sharded plan together
    Merge(merge::Arguments),
    /// Compare runs with runs, and say whether anything got worse
    Compare(compare::Arguments),
    /// Show what came of runs
    Report(report::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Plan(arguments) => plan::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Ab(arguments) => ab::run(arguments),
        Command::Calibrate(arguments) => calibrate::run(arguments),
        Command::Merge(arguments) => merge::run(arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Report(arguments) => report::run(arguments),
    }
}

/// The requests that are meant.
#[derive(clap::Args)]
struct Captured {
    /// A file in the interchange format or that of another tool [default: what the proxy itself
    /// has captured]
    file: Option<PathBuf>,
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    which: Which,
}

impl Captured {
    /// The configuration of the proxy that captured, or none.
    fn settings(&self) -> Result<Settings, Failure> {
        self.place.settings()
    }

    fn read(&self) -> Result<Recorded, Failure> {
        let recorded = match &self.file {
            Some(path) => of_file(path)?,
            None => Recorded::of_archive(self.place.archive()?, self.which.filter())?,
        };
        for (why, count) in recorded.left_out() {
            crate::cli::say(&mut io::stderr(), &format!("{count} left out: {why}"));
        }
        Ok(recorded)
    }
}

impl Captured {
    /// Hands each exchange that is meant to `take`.
    fn each(&self, take: &mut dyn FnMut(&Exchange)) -> Result<(), Failure> {
        if let Some(path) = &self.file {
            return each_of_file(path, &mut |exchange| {
                take(&exchange);
                Ok(())
            });
        }
        for found in self.place.archive()?.exchanges(self.which.filter())? {
            take(&found?.1);
        }
        Ok(())
    }
}

fn of_file(path: &Path) -> Result<Recorded, Failure> {
    let mut gathered = InMemory::default();
    each_of_file(path, &mut |exchange| gathered.take(exchange).map_err(io::Error::other))?;
    Ok(gathered.finish())
}

fn each_of_file(
    path: &Path,
    take: &mut dyn FnMut(Exchange) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut source = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut head = Vec::new();
    source.by_ref().take(DETECT as u64).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let format = detect(&name, &head).ok_or("what format the file has cannot be told")?;
    let assumed = Assumed {
        began: Duration::ZERO,
        path: "/v1/chat/completions".to_owned(),
        // Traces of arrivals name none; `--as-model` takes its place.
        model: Some("unknown".to_owned()),
        streamed: None,
    };
    // Nothing of it is kept, so there is nothing to take out; credentials are not sent.
    import(format, source, &assumed, &mut |_| {}, take)?;
    Ok(())
}
