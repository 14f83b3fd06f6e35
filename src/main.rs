//! The `transom` program: command line in, exit code out.
//!
//! Must not know: anything but the command line's entry point.

use std::process::ExitCode;

fn main() -> ExitCode {
    transom::cli::run()
}
