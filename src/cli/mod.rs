//! The command line: one small file per subcommand.
//!
//! Must not know: how anything is carried out.

mod cache;
mod capture;
mod check;
mod demo;
mod detect;
mod keys;
mod logging;
mod remote;
mod replay;
mod runtime;
mod serve;
mod sim;
mod slo;
mod storage;
mod table;
mod traffic;
mod upstreams;

use clap::{Parser, Subcommand};
use std::io::{self, Write};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "transom",
    version,
    about = "An observability-first inference proxy: every number it shows is true"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the proxy
    Serve(serve::Arguments),
    /// Run simulated models, the proxy before them, and gentle traffic
    Demo(demo::Arguments),
    /// Run a simulated model server
    Sim(sim::Arguments),
    /// Look after the response cache, or see what one would have done
    Cache(cache::Arguments),
    /// Look at what was captured, carry it elsewhere, or forget it
    Capture(capture::Arguments),
    /// Send captured requests again, and see what comes of it
    Replay(Box<replay::Arguments>),
    /// Show or export objectives and error budgets
    Slo(slo::Arguments),
    /// Look at the upstreams of a running proxy, and share traffic out otherwise
    Upstreams(upstreams::Arguments),
    /// Send gentle sample traffic
    Traffic(traffic::Arguments),
    /// Check a configuration file, or print its JSON Schema
    Check(check::Arguments),
    /// Make API keys, and tokens for the pages
    Keys(keys::Arguments),
}

/// Why a command failed, in words for the operator.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A failure with an exit code of its own, for scripts.
#[derive(Debug, thiserror::Error)]
#[error("{1}")]
pub(crate) struct WithCode(u8, String);

/// Reads the command line and runs what it says.
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Sim(arguments) => sim::run(arguments),
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Capture(arguments) => capture::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Slo(arguments) => slo::run(&arguments),
        Command::Upstreams(arguments) => upstreams::run(&arguments),
        Command::Traffic(arguments) => traffic::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Keys(arguments) => keys::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&mut io::stderr(), &format!("transom: {failure}"));
            let code = failure.downcast_ref::<WithCode>().map(|WithCode(code, _)| *code);
            code.map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}

/// Writes a line for a person. A reader that went away is no failure of ours.
fn say(out: &mut impl Write, line: &str) {
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    drop(written);
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn no_two_options_of_a_command_have_one_name() {
        Arguments::command().debug_assert();
    }
}
