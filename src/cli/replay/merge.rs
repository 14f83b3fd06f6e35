//! `transom replay merge`
//!
//! Must not know: how histograms are added up.

use super::carrying;
use super::report::{self, Files};
use crate::cli::{Failure, say};
use crate::replay::directory::RunDirectory;
use crate::replay::report::Arms;
use std::io;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The directories of the workers' runs
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Where the whole run is kept
    #[arg(long, value_name = "DIRECTORY", default_value = "replays")]
    out: PathBuf,
    #[command(flatten)]
    files: Files,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let shards: Result<Vec<_>, _> =
        arguments.runs.iter().map(|path| RunDirectory::open(path)).collect();
    let whole = RunDirectory::merge(&shards?, &arguments.out)?;
    let target = whole.head().target.clone();
    let (arm, first) = report::arm(&target, &[whole.path().to_owned()])?;
    let report = report::of(Arms::One(arm), &first);
    arguments.files.write(&report)?;
    say(&mut io::stdout(), &format!("kept in {}", whole.path().display()));
    carrying::conclude(&report)
}
