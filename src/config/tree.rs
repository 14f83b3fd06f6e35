//! A configuration as plain values that remember where they were written.
//!
//! Must not know: which keys there are.

use super::path::{Path, Step};
use std::collections::BTreeMap;

/// Where something was written, in the order in which errors are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// Nowhere in particular: the file as a whole, or a default.
    Nowhere,
    /// A line of the file, from 1.
    Line(usize),
    /// A character of the file, from 1.
    Position { line: usize, column: usize },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub origin: Origin,
    pub value: Value,
}

/// What TOML can say.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    /// Saturates far outside of what any setting allows.
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Date,
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

impl Node {
    /// Text from `origin`.
    pub(super) fn text(origin: Origin, text: impl Into<String>) -> Self {
        Self { origin, value: Value::Text(text.into()) }
    }

    /// An empty table.
    pub(super) fn table(origin: Origin) -> Self {
        Self { origin, value: Value::Table(BTreeMap::new()) }
    }

    /// An empty list.
    pub(super) fn list(origin: Origin) -> Self {
        Self { origin, value: Value::List(Vec::new()) }
    }

    /// The value of `key`, made by `absent` if there is none; `None` when this is no table.
    pub(super) fn entry(&mut self, key: &str, absent: impl FnOnce() -> Self) -> Option<&mut Self> {
        match &mut self.value {
            Value::Table(table) => Some(table.entry(key.to_owned()).or_insert_with(absent)),
            _ => None,
        }
    }

    /// The value at `path`.
    pub(super) fn get(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, Self::below)
    }

    /// Where the value at `path` was written, or else the nearest value around it.
    pub(super) fn origin_of(&self, path: &Path) -> &Origin {
        let mut node = self;
        for step in path.steps() {
            let Some(below) = node.below(step) else { break };
            node = below;
        }
        &node.origin
    }

    fn below(&self, step: &Step) -> Option<&Self> {
        match (step, &self.value) {
            (Step::Key(key), Value::Table(table)) => table.get(key),
            (Step::Index(index), Value::List(items)) => items.get(*index),
            _ => None,
        }
    }
}

impl Value {
    /// What an operator would call it.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a fraction",
            Self::Boolean(_) => "true or false",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}
