//! `make bench`: what a request and a stream event cost in CPU through each proxy.
//!
//! One program with three faces, so that each runs as its own process on its own
//! core: the comparison itself (which also generates the load), the mock upstream,
//! and the bare pingora pass-through. Start reading at [`rounds`].
//!
//! It knows proxies only from outside: a socket, a process id and, for Transom, the
//! admin port. It shares no code with the crate it measures.

mod answers;
mod bare_pingora;
mod cases;
mod cli;
mod cpu;
mod load;
mod mock;
mod pace;
mod process;
mod proxies;
mod report;
mod rounds;
mod scrape;
mod stats;
mod table;
mod traffic;
mod wire;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// A bench has one way to fail: say why and stop.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let args = cli::Args::parse();
    let outcome = match args.face {
        Some(cli::Face::Mock) => mock::run(),
        Some(cli::Face::BarePingora { listen, upstream }) => bare_pingora::run(&listen, upstream),
        Some(cli::Face::Scraper { admin }) => scrape::run(admin),
        None => rounds::run(&args.compare),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell a closed stderr.
            writeln!(std::io::stderr(), "bench: {error}").ok();
            ExitCode::FAILURE
        }
    }
}
