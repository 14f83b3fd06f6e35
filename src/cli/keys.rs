//! `transom keys`: API keys that exist in the clear only on the screen that shows them.
//!
//! Must not know: where keys are configured or checked.

use crate::cli::{Failure, say};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a key and print it once, with what goes into the configuration
    Create {
        /// The name the key is known by
        #[arg(long)]
        alias: String,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Command::Create { alias } = &arguments.command;
    let mut random = [0; 24];
    getrandom::fill(&mut random)?;
    let key = format!("tk-{}", hex(&random)?);
    let sha256 = hex(&Sha256::digest(&key))?;
    let alias = serde_json::to_string(alias)?;
    let text = format!(
        "# The key, shown only now: {key}\n\n[[key]]\nalias  = {alias}\nsha256 = \"{sha256}\""
    );
    say(&mut io::stdout(), &text);
    Ok(())
}

fn hex(bytes: &[u8]) -> Result<String, std::fmt::Error> {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}
