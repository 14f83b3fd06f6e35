//! `transom replay plan`
//!
//! Must not know: how a plan is made.

use super::Captured;
use super::schedule::Schedule;
use crate::cli::{Failure, say};
use crate::replay::{Plan, Recorded, Wanted, plan};
use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    captured: Captured,
    #[command(flatten)]
    schedule: Schedule,
    /// Where it is written; of shards, with their number before the extension
    #[arg(long, value_name = "FILE", default_value = "plan.jsonl.zst")]
    out: PathBuf,
    /// So many parts, for as many workers
    #[arg(long, value_name = "NUMBER")]
    shards: Option<NonZeroU32>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let recorded = arguments.captured.read()?;
    let plan = of(&recorded, &arguments.schedule)?;
    let Some(shards) = arguments.shards else { return write(&plan, &arguments.out) };
    for (index, shard) in plan.shard(shards)?.iter().enumerate() {
        write(shard, &numbered(&arguments.out, index))?;
    }
    Ok(())
}

/// The plan that `schedule` asks for.
pub(super) fn of(recorded: &Recorded, schedule: &Schedule) -> Result<Plan, Failure> {
    let inputs = recorded.inputs();
    match schedule.words(None).read(inputs.requests.len() as u64)? {
        Wanted::Run(options) => Ok(plan(inputs, &options)?),
        Wanted::Sweep { .. } => Err("a search has no plan of its own".into()),
    }
}

fn write(plan: &Plan, path: &Path) -> Result<(), Failure> {
    let digest = plan.write(File::create(path)?)?;
    let count = plan.requests.len();
    say(&mut io::stdout(), &format!("{}: {count} requests, {digest}", path.display()));
    Ok(())
}

/// `plan.jsonl.zst` becomes `plan.0.jsonl.zst`.
fn numbered(path: &Path, index: usize) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, extension) = name.split_once('.').unwrap_or((&name, "jsonl.zst"));
    path.with_file_name(format!("{stem}.{index}.{extension}"))
}
