//! TOML text to a tree of values with their lines.
//!
//! Must not know: which keys there are, the environment.

use super::report::Problem;
use super::tree::{Node, Origin, Value};
use std::ops::Range;
use toml::de::{DeInteger, DeTable, DeValue};

/// The document, or every place where it is not TOML (at most one a line). Messages never
/// repeat the text, which may hold a secret.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Problem>> {
    let lines = Lines::of(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let value = table(document.into_inner(), &lines);
        return Ok(Node { origin: Origin::Nowhere, value });
    }
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let (line, column) = lines.position(start);
            let origin = Origin::Position { line, column };
            Problem::whole(origin, format_args!("not TOML: {}", error.message()))
        })
        .collect();
    problems.sort_by(|a, b| a.origin.cmp(&b.origin));
    problems.dedup_by_key(|problem| match problem.origin {
        Origin::Position { line, .. } => line,
        _ => 0,
    });
    Err(problems)
}

fn table(entries: DeTable<'_>, lines: &Lines<'_>) -> Value {
    let entry = |(key, value): (toml::Spanned<_>, toml::Spanned<DeValue<'_>>)| {
        let origin = lines.origin(key.span());
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        (key.into_owned(), Node { origin, value: convert(value.into_inner(), lines) })
    };
    Value::Table(entries.into_iter().map(entry).collect())
}

fn convert(value: DeValue<'_>, lines: &Lines<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => Value::Integer(integer(&number)),
        // Written out in full it may be too long to be one; then it is infinite, and refused.
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::INFINITY)),
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(items) => {
            let item = |item: toml::Spanned<DeValue<'_>>| Node {
                origin: lines.origin(item.span()),
                value: convert(item.into_inner(), lines),
            };
            Value::List(items.into_iter().map(item).collect())
        }
        DeValue::Table(entries) => table(entries, lines),
    }
}

fn integer(number: &DeInteger<'_>) -> i128 {
    let saturated = if number.as_str().starts_with('-') { i128::MIN } else { i128::MAX };
    i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(saturated)
}

/// Where lines begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// Line and column of the character at byte `offset`, both from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.as_bytes().get(start..offset).unwrap_or_default();
        (line, 1 + String::from_utf8_lossy(before).chars().count())
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin::Line(self.position(span.start).0)
    }
}
