//! `transom cache`: how the response cache is doing, what it is to forget, and what one
//! would have done.
//!
//! Must not know: how anything is kept or found.

mod purge;
mod stats;
mod what_if;

use crate::cli::Failure;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show the tiers of a running proxy, and what they have saved
    Stats(stats::Arguments),
    /// Make a running proxy forget answers
    Purge(purge::Arguments),
    /// Show what caches would have done for captured traffic
    WhatIf(what_if::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Stats(arguments) => stats::run(arguments),
        Command::Purge(arguments) => purge::run(arguments),
        Command::WhatIf(arguments) => what_if::run(arguments),
    }
}

/// The admin pages of a proxy.
#[derive(clap::Args)]
struct Of {
    /// Where the proxy's admin pages are
    #[arg(long = "of", value_name = "URL", default_value = "http://127.0.0.1:7081")]
    url: String,
}
