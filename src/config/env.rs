//! The environment: what it says about settings, and the secrets it holds.
//!
//! `TRANSOM__SERVER__LISTEN` is `server.listen`, `TRANSOM__UPSTREAM__0__NAME` is
//! `upstream[0].name`; lists are written with commas. Must not know: any particular setting.

use super::path::Path;
use super::report::Problem;
use super::shape::Shape;
use super::tree::{Node, Origin, Value};
use std::collections::BTreeMap;
use std::fmt;

/// What the names of all variables that are settings begin with.
const PREFIX: &str = "TRANSOM__";

/// Of a value that has none below it.
const SINGLE: &str = "is a single value";

/// A snapshot of environment variables. `Debug` shows no values.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    sight: Sight,
}

/// Whether what a setting names is looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Sight {
    #[default]
    Sees,
    Blind,
}

impl Environment {
    /// The variables of this process. What is not UTF-8 is read with replacement characters.
    pub fn from_process() -> Self {
        let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
        std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
    }

    /// One in which nothing is looked at, neither variables nor the files that settings name:
    /// for text of somebody who must not learn what there is.
    pub fn blind() -> Self {
        Self { variables: BTreeMap::new(), sight: Sight::Blind }
    }

    /// Whether it is [`Environment::blind`].
    pub(super) fn is_blind(&self) -> bool {
        self.sight == Sight::Blind
    }

    /// The value of the variable `name`, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let pair = |(name, value): (N, V)| (name.into(), value.into());
        Self { variables: variables.into_iter().map(pair).collect(), sight: Sight::default() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Puts what `env` says about settings in the place of what `tree` says.
pub(super) fn overlay(
    tree: &mut Node,
    shape: &Shape,
    env: &Environment,
    problems: &mut Vec<Problem>,
) {
    let mut variables: Vec<Variable<'_>> = env.variables.iter().filter_map(Variable::of).collect();
    // So that item 2 is there before item 10 is added.
    variables.sort_by(|a, b| a.parts.cmp(&b.parts));
    for variable in variables {
        if let Err((path, why)) = variable.put(tree, shape, &variable.parts, Path::default()) {
            problems.push(Problem::new(variable.origin(), &path, why));
        }
    }
}

/// A variable that is a setting.
struct Variable<'a> {
    name: &'a str,
    value: &'a str,
    parts: Vec<Part>,
}

/// Between two double underscores.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Index(usize),
    Key(String),
}

impl<'a> Variable<'a> {
    fn of((name, value): (&'a String, &'a String)) -> Option<Self> {
        let part = |part: &str| match part.parse() {
            Ok(index) => Part::Index(index),
            Err(_) => Part::Key(part.to_lowercase()),
        };
        let parts = name.strip_prefix(PREFIX)?.split("__").map(part).collect();
        Some(Self { name, value, parts })
    }

    fn origin(&self) -> Origin {
        Origin::Variable(self.name.to_owned())
    }

    /// Writes the value where `parts` lead from `node`. An unknown key is written too: the
    /// shape then refuses it as it does in a file.
    fn put(
        &self,
        node: &mut Node,
        shape: &Shape,
        parts: &[Part],
        path: Path,
    ) -> Result<(), (Path, String)> {
        let Some((part, rest)) = parts.split_first() else {
            *node = shape.read(self.value, &self.origin());
            return Ok(());
        };
        match (holder(shape), part, &mut node.value) {
            (Some(Shape::Table { keys, .. }), Part::Key(key), Value::Table(entries)) => {
                let path = path.key(key);
                let Some(shape) = keys.get(key) else {
                    entries.insert(key.clone(), Node::text(self.origin(), self.value));
                    return Ok(());
                };
                let vacant = self.vacant(shape, rest, &path)?;
                self.put(entries.entry(key.clone()).or_insert(vacant), shape, rest, path)
            }
            (Some(Shape::List { items, .. }), Part::Index(index), Value::List(nodes)) => {
                let next = path.index(nodes.len());
                let path = path.index(*index);
                if *index == nodes.len() {
                    nodes.push(self.vacant(items, rest, &path)?);
                }
                match nodes.get_mut(*index) {
                    Some(below) => self.put(below, items, rest, path),
                    None => Err((path, format!("items have no gaps between them; next is {next}"))),
                }
            }
            (Some(Shape::Table { .. }), _, Value::Table(_)) => {
                Err((path, "has keys, not numbered items".to_owned()))
            }
            (Some(Shape::List { .. }), _, Value::List(_)) => {
                Err((path, "has numbered items, from 0, not keys".to_owned()))
            }
            _ => Err((path, SINGLE.to_owned())),
        }
    }

    /// What is at `path` before anything is written into it.
    fn vacant(&self, shape: &Shape, rest: &[Part], path: &Path) -> Result<Node, (Path, String)> {
        match holder(shape) {
            Some(Shape::List { .. }) => Ok(Node::list(self.origin())),
            Some(_) => Ok(Node::table(self.origin())),
            None if rest.is_empty() => Ok(Node::text(self.origin(), "")),
            None => Err((path.clone(), SINGLE.to_owned())),
        }
    }
}

/// The shape that has values below it, among those that `shape` may be.
fn holder(shape: &Shape) -> Option<&Shape> {
    match shape {
        Shape::Table { .. } | Shape::List { .. } => Some(shape),
        Shape::Either(shapes) => shapes.iter().find_map(holder),
        _ => None,
    }
}
