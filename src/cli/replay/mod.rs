//! `transom replay`: captured requests sent again, and what came of it.
//!
//! Owns which capture is meant. Must not know: how a request is sent, or judged.

mod compare;
mod plan;
mod progress;
mod report;
mod run;
mod schedule;

use crate::capture::{Assumed, DETECT, detect, import};
use crate::cli::Failure;
use crate::cli::capture::{Where, Which};
use crate::replay::request::RequestOptions;
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
    /// Compare runs with runs, and say whether anything got worse
    Compare(compare::Arguments),
    /// Show what came of runs
    Report(report::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Plan(arguments) => plan::run(arguments),
        Command::Run(arguments) => run::run(arguments),
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
    fn read(&self, options: RequestOptions) -> Result<Recorded, Failure> {
        let recorded = match &self.file {
            Some(path) => of_file(path, options)?,
            None => Recorded::of_archive(self.place.archive()?, self.which.filter(), options)?,
        };
        for (why, count) in recorded.left_out() {
            crate::cli::say(&mut io::stderr(), &format!("{count} left out: {why}"));
        }
        Ok(recorded)
    }
}

fn of_file(path: &Path, options: RequestOptions) -> Result<Recorded, Failure> {
    let mut source = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut head = Vec::new();
    source.by_ref().take(DETECT as u64).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let format = detect(&name, &head).ok_or("what format the file has cannot be told")?;
    let assumed = Assumed {
        began: Duration::ZERO,
        path: "/v1/chat/completions".to_owned(),
        model: options.model.clone(),
        streamed: None,
    };
    let mut gathered = InMemory::new(options);
    // Nothing of it is kept, so there is nothing to take out; credentials are not sent.
    import(format, source, &assumed, &mut |_| {}, &mut |exchange| {
        gathered.take(exchange).map_err(io::Error::other)
    })?;
    Ok(gathered.finish())
}
