//! `transom check`: a configuration file's mistakes, all of them.
//!
//! Must not know: what is a mistake.

use crate::cli::{Failure, say};
use crate::config::{self, Environment, Overrides};
use std::io;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The file to check
    #[arg(required_unless_present = "schema")]
    file: Option<PathBuf>,
    /// Print the JSON Schema of configuration files
    #[arg(long)]
    schema: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.schema {
        say(&mut io::stdout(), &config::schema());
    }
    if let Some(file) = &arguments.file {
        let settings = config::load(file, &Environment::from_process(), &Overrides::default())?;
        let (upstreams, models) = (settings.upstreams.len(), settings.models.len());
        let found = format!("{}: fine ({upstreams} upstreams, {models} models)", file.display());
        say(&mut io::stdout(), &found);
    }
    Ok(())
}
