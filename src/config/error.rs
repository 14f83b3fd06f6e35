//! What is wrong with a configuration, in the words of an operator.
//!
//! Must not know: how mistakes are found. Values of secrets never get here.

use super::report::Problem;
use super::tree::Origin;
use std::fmt;

/// The longest piece of an operator's text that is repeated in a message, in characters.
const QUOTED: usize = 60;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it was written: `transom.toml:12`, an environment variable, a flag; empty when
    /// it was written nowhere.
    pub place: String,
    /// Line of the file, from 1, when it is in a file.
    pub line: Option<usize>,
    /// The setting, such as `upstream[0].timeouts.connect`; empty for the whole file.
    pub path: String,
    /// One line: what is wrong and what to write instead.
    pub message: String,
}

/// Every mistake of a configuration, in the order of the file; those of the environment
/// and of the command line come last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(super) fn new(file: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| (&a.origin, &a.path).cmp(&(&b.origin, &b.path)));
        Self(problems.into_iter().map(|problem| problem.rendered(file)).collect())
    }

    /// At least one.
    pub fn list(&self) -> &[ConfigError] {
        &self.0
    }
}

impl Problem {
    fn rendered(self, file: &str) -> ConfigError {
        let (place, line) = match self.origin {
            Origin::Nowhere => (file.to_owned(), None),
            Origin::Line(line) => (format!("{file}:{line}"), Some(line)),
            Origin::Position { line, column } => (format!("{file}:{line}:{column}"), Some(line)),
            Origin::Variable(name) => (name, None),
            Origin::Flag(name) => (name.to_owned(), None),
        };
        ConfigError { place, line, path: self.path, message: self.message }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, message, .. } = self;
        if place.is_empty() { f.write_str(message) } else { write!(f, "{place}: {message}") }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.0 {
            writeln!(f, "{error}")?;
        }
        match self.0.len() {
            1 => f.write_str("1 error"),
            count => write!(f, "{count} errors"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

/// `text` in quotes, on one line and not too long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
    }
}
