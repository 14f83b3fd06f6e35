//! `transom keys`: API keys and tokens that exist in the clear only on the screen that shows them.
//!
//! Must not know: where keys are configured or checked.

use crate::cli::{Failure, say};
use crate::identity::Minted;
use clap::ValueEnum;
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
    /// Make a token for the pages and print it once, with what goes into the configuration
    User {
        /// Whose token it is
        #[arg(long)]
        name: String,
        /// What they may do
        #[arg(long, value_enum)]
        role: Role,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// See numbers, not content
    Viewer,
    /// See what callers and models wrote, too
    ViewerContent,
    /// See numbers, and act
    Operator,
    /// Everything
    Admin,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let text = match &arguments.command {
        Command::Create { alias } => {
            let minted = Minted::new(alias.clone(), None)?;
            let (key, sha256) = (minted.key.expose(), hex(&minted.sha256())?);
            let alias = serde_json::to_string(alias)?;
            format!(
                "# The key, shown only now: {key}\n\n\
                 [[key]]\nalias  = {alias}\nsha256 = \"{sha256}\""
            )
        }
        Command::User { name, role } => {
            let (token, sha256) = minted()?;
            let name = serde_json::to_string(name)?;
            let role = role.to_possible_value().ok_or("no such role")?;
            format!(
                "# The token, shown only now: {token}\n\n[[admin.user]]\n\
                 name         = {name}\nrole         = \"{}\"\ntoken_sha256 = \"{sha256}\"",
                role.get_name()
            )
        }
    };
    say(&mut io::stdout(), &text);
    Ok(())
}

/// A new token, and its hash.
fn minted() -> Result<(String, String), Failure> {
    let mut random = [0; 24];
    getrandom::fill(&mut random)?;
    let secret = format!("ta-{}", hex(&random)?);
    let sha256 = hex(&Sha256::digest(&secret))?;
    Ok((secret, sha256))
}

fn hex(bytes: &[u8]) -> Result<String, std::fmt::Error> {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}
