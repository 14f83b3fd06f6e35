//! Collects mistakes and knows where each was written.
//!
//! Must not know: what a mistake is.

use super::path::Path;
use super::tree::{Node, Origin, Value};
use std::fmt::Display;

/// One mistake, not yet rendered.
#[derive(Debug)]
pub(super) struct Problem {
    pub origin: Origin,
    pub path: String,
    pub message: String,
}

impl Problem {
    /// A mistake of the whole, not of one setting.
    pub(super) fn whole(origin: Origin, message: impl Display) -> Self {
        Self { origin, path: String::new(), message: message.to_string() }
    }

    /// A mistake in the value at `path`.
    pub(super) fn new(origin: Origin, path: &Path, what: impl Display) -> Self {
        match path.to_string() {
            path if path.is_empty() => Self::whole(origin, what),
            path => Self { origin, message: format!("{path}: {what}"), path },
        }
    }
}

/// All mistakes of one configuration.
pub(super) struct Report<'a> {
    tree: &'a Node,
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    /// Continues the list of `problems` for the values of `tree`.
    pub(super) fn new(tree: &'a Node, problems: Vec<Problem>) -> Self {
        Self { tree, problems }
    }

    /// The value at `path` is wrong.
    pub(super) fn at(&mut self, path: &Path, what: impl Display) {
        let origin = self.tree.origin_of(path).clone();
        self.problems.push(Problem::new(origin, path, what));
    }

    /// As [`Report::at`], with a message that says by itself which setting is meant.
    pub(super) fn about(&mut self, path: &Path, message: String) {
        let origin = self.tree.origin_of(path).clone();
        self.problems.push(Problem { origin, path: path.to_string(), message });
    }

    /// `path` and where it was written, to be mentioned in the message of another.
    pub(super) fn mention(&self, path: &Path) -> String {
        match self.tree.origin_of(path) {
            Origin::Line(line) | Origin::Position { line, .. } => format!("{path} (line {line})"),
            Origin::Variable(name) => format!("{path} ({name})"),
            Origin::Flag(name) => format!("{path} ({name})"),
            Origin::Nowhere => path.to_string(),
        }
    }

    /// How many values were written at `path`, faulty ones included.
    pub(super) fn count(&self, path: &Path) -> usize {
        match self.tree.get(path).map(|node| &node.value) {
            None => 0,
            Some(Value::List(items)) => items.len(),
            Some(_) => 1,
        }
    }

    /// What was found.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}
