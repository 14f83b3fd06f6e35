//! From what an operator wrote to validated settings, with every mistake found at once.
//!
//! `raw` is the one description of the file's shape: the JSON Schema comes from it, and
//! from that the checks of names, types and formats. What the shape allows is then checked
//! for sense in `check`. Both report into one list, so a file is corrected in one go.
//! Must not know: what the settings are used for.

mod admit;
mod check;
mod document;
mod effective;
mod env;
mod error;
mod file;
mod format;
mod overrides;
mod path;
mod raw;
mod report;
mod settings;
mod shape;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;

pub use env::Environment;
pub use error::{ConfigError, ConfigErrors};
pub use overrides::Overrides;
pub use settings::{ServerSettings, Settings};
pub use shape::schema;

use report::{Problem, Report};
use shape::Shape;
use std::path::Path;
use tree::{Node, Origin};

/// The settings of the TOML file at `path`, under what the environment and the command
/// line say instead.
///
/// # Errors
/// When the file cannot be read, and everything that is wrong with it.
pub fn load(
    path: &Path,
    env: &Environment,
    overrides: &Overrides,
) -> Result<Settings, ConfigErrors> {
    let name = path.display().to_string();
    match file::read(path) {
        Ok(text) => from_text(&name, &text, env, overrides),
        Err(why) => Err(ConfigErrors::new(&name, vec![Problem::whole(Origin::Nowhere, why)])),
    }
}

/// The settings of `text`, TOML; errors call it `name`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn from_text(
    name: &str,
    text: &str,
    env: &Environment,
    overrides: &Overrides,
) -> Result<Settings, ConfigErrors> {
    let tree = document::parse(text).map_err(|problems| ConfigErrors::new(name, problems))?;
    settle(name, tree, env, overrides)
}

/// The settings without any file.
///
/// # Errors
/// Everything that is wrong with the environment and the command line.
pub fn empty(env: &Environment, overrides: &Overrides) -> Result<Settings, ConfigErrors> {
    settle("", Node::table(Origin::Nowhere), env, overrides)
}

/// Everything that is wrong with `text`, without a look at this machine: neither at the
/// variables and files that it names nor at the environment that settings may come from.
pub fn faults(text: &str) -> Vec<ConfigError> {
    let settled = from_text("", text, &Environment::blind(), &Overrides::default());
    settled.err().map_or_else(Vec::new, |errors| errors.list().to_vec())
}

fn settle(
    name: &str,
    mut tree: Node,
    env: &Environment,
    overrides: &Overrides,
) -> Result<Settings, ConfigErrors> {
    let shape = Shape::of_settings();
    let mut problems = Vec::new();
    env::overlay(&mut tree, &shape, env, &mut problems);
    overrides.overlay(&mut tree, &mut problems);
    let mut report = Report::new(&tree, problems);
    let raw = admit::settings(&shape, &tree, &mut report);
    let settings = check::settings(raw, env, &mut report);
    match report.into_problems() {
        problems if problems.is_empty() => {
            Ok(Settings { effective: effective::of(name, &tree), ..settings })
        }
        problems => Err(ConfigErrors::new(name, problems)),
    }
}
