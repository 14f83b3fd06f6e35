//! `transom capture`: what was captured, to be looked at, carried elsewhere, or forgotten.
//!
//! Owns where captures are looked for, and which are meant. Must not know: how they are stored.

mod erase;
mod export;
mod import;
mod list;
mod show;
mod verify;

use crate::app::segment_rows;
use crate::capture::{Archive, Filter};
use crate::cli::{Failure, say, storage};
use crate::config::{self, Environment, Overrides, Settings};
use crate::store::CaptureIndex;
use crate::types::Outcome;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List exchanges, a line each
    Ls(list::Arguments),
    /// Show one exchange
    Show(show::Arguments),
    /// Write exchanges in a format of another tool
    Export(export::Arguments),
    /// Take in exchanges from a file of another tool
    Import(import::Arguments),
    /// Remove exchanges for good
    Erase(erase::Arguments),
    /// Read everything, and say what cannot be
    Verify(verify::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Ls(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Erase(arguments) => erase::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
    }
}

/// Where captures are.
#[derive(clap::Args)]
pub(super) struct Where {
    /// The configuration file of the proxy that captured, for its directory and its key
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory where that proxy keeps everything [default: transom-data]
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
}

impl Where {
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let env = Environment::from_process();
        let overrides = Overrides { data_dir: self.data.clone(), ..Overrides::default() };
        Ok(match &self.config {
            Some(path) => config::load(path, &env, &overrides)?,
            None => config::empty(&env, &overrides)?,
        })
    }

    /// The captures, which must be there: who mistypes a directory must not believe that
    /// something was erased, or is whole.
    pub(super) fn archive(&self) -> Result<Archive, Failure> {
        let archive = archive(&self.settings()?)?;
        if !archive.directory().is_dir() {
            let directory = archive.directory().display();
            return Err(format!("there is no directory of captures at {directory}").into());
        }
        Ok(archive)
    }
}

/// The captures that these settings lead to, there or not.
fn archive(settings: &Settings) -> Result<Archive, Failure> {
    let directory = storage::captures(&settings.server.data_dir);
    let archive = Archive::open(&directory, settings.capture.encryption.as_ref())?;
    // Only where there is one already: a look must not leave anything behind.
    let rows = CaptureIndex::is_in(&directory).then(|| segment_rows(&directory)).flatten();
    Ok(match rows {
        Some(rows) => archive.with_rows(rows),
        None => archive,
    })
}

/// Tells of records that were passed over.
fn tell_bad_frames(count: u64) {
    if count > 0 {
        let words = format!("{count} records cannot be read; see `transom capture verify`");
        say(&mut io::stderr(), &words);
    }
}

/// Which exchanges are meant: those that have all of these.
#[derive(clap::Args)]
pub(super) struct Which {
    /// Received then or later: a date such as 2026-01-01T00:00:00Z, or `2h` for that long ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Duration>,
    /// Received before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Duration>,
    /// Of a configured model
    #[arg(long)]
    model: Option<String>,
    /// Of an API key, by its alias
    #[arg(long, value_name = "ALIAS")]
    key: Option<String>,
    /// Of a conversation
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// That ended so, such as success or upstream_error
    #[arg(long, value_parser = outcome)]
    outcome: Option<Outcome>,
    /// That were answered with this status
    #[arg(long)]
    status: Option<u16>,
}

impl Which {
    pub(super) fn filter(&self) -> Filter {
        Filter {
            since: self.since,
            until: self.until,
            session: self.session.clone(),
            key: self.key.clone(),
            model: self.model.clone(),
            outcome: self.outcome,
            status: self.status,
            ..Filter::all()
        }
    }
}

/// Since 1970.
fn time(text: &str) -> Result<Duration, String> {
    let ago = humantime::parse_duration(text).ok();
    let date = match ago {
        Some(ago) => crate::types::Clock::system().date().checked_sub(ago),
        None => humantime::parse_rfc3339_weak(text).ok(),
    };
    let since_1970 = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
    since_1970.ok_or_else(|| "neither a date nor a time such as 2h".to_owned())
}

fn outcome(word: &str) -> Result<Outcome, String> {
    let known = || Outcome::ALL.iter().map(|outcome| outcome.label()).collect::<Vec<_>>();
    let found = Outcome::ALL.iter().find(|outcome| outcome.label() == word);
    found.copied().ok_or_else(|| format!("one of {}", known().join(", ")))
}
