//! Holds what was written against the shape: names, types, formats, limits.
//!
//! Must not know: any particular setting. What is wrong is reported and left out, so that
//! the rest can still be checked for sense.

use super::error::quoted;
use super::path::{Path, Step};
use super::raw::RawSettings;
use super::report::Report;
use super::shape::{Shape, one_of};
use super::suggest::did_you_mean;
use super::tree::{Node, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Keys under which people write secrets.
const SECRETS: &[&str] = &["api_key", "api-key", "apikey", "key", "password", "secret", "token"];

/// All of `tree` that `shape` allows.
pub(super) fn settings(shape: &Shape, tree: &Node, report: &mut Report<'_>) -> RawSettings {
    let root = Path::default();
    let admitted = admit(shape, tree, &root, report).unwrap_or(Json::Object(Map::new()));
    serde_json::from_value(admitted).unwrap_or_else(|error| {
        report.at(&root, error);
        RawSettings::default()
    })
}

/// `node` as JSON without its faults; `None` when nothing is left.
fn admit(shape: &Shape, node: &Node, path: &Path, report: &mut Report<'_>) -> Option<Json> {
    let admitted = match (shape, &node.value) {
        (Shape::Text, Value::Text(text)) => Ok(Json::from(text.as_str())),
        (Shape::Formatted(rule), Value::Text(text)) => {
            rule.check(text).map(|()| Json::from(text.as_str()))
        }
        (Shape::Word(words), Value::Text(text)) => word(words, text),
        (Shape::Integer { least, most }, Value::Integer(number)) => integer(*least, *most, *number),
        (Shape::Number { least, most }, Value::Integer(number)) => {
            self::number((*least, *most), *number as f64)
        }
        (Shape::Number { least, most }, Value::Float(number)) => {
            self::number((*least, *most), *number)
        }
        (Shape::Boolean, Value::Boolean(flag)) => Ok(Json::from(*flag)),
        (Shape::List { fewest, .. }, Value::List(nodes)) if nodes.len() < *fewest => {
            Err("the list is empty".to_owned())
        }
        (Shape::List { items, .. }, Value::List(nodes)) => return list(items, nodes, path, report),
        (Shape::Table { keys, required }, Value::Table(entries)) => {
            for missing in required.iter().filter(|key| !entries.contains_key(*key)) {
                report.at(&path.key(missing), "is missing");
            }
            return Some(table(keys, entries, path, report));
        }
        (Shape::Either(shapes), value) => match shapes.iter().find(|shape| shape.fits(value)) {
            Some(shape) => return admit(shape, node, path, report),
            None => Err(wrong_kind(shape, value, path)),
        },
        (shape, value) => Err(wrong_kind(shape, value, path)),
    };
    admitted.map_err(|fault| report.at(path, fault)).ok()
}

/// Whole or not at all: without one item the places of the others would be wrong.
fn list(items: &Shape, nodes: &[Node], path: &Path, report: &mut Report<'_>) -> Option<Json> {
    let admitted: Vec<Option<Json>> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| admit(items, node, &path.index(index), report))
        .collect();
    admitted.into_iter().collect()
}

fn table(
    keys: &BTreeMap<String, Shape>,
    entries: &BTreeMap<String, Node>,
    path: &Path,
    report: &mut Report<'_>,
) -> Json {
    let mut admitted = Map::new();
    for (key, node) in entries {
        let below = path.key(key);
        match keys.get(key) {
            None => report.about(&below, unknown_key(key, keys, path)),
            Some(shape) => {
                let value = admit(shape, node, &below, report);
                admitted.extend(value.map(|value| (key.clone(), value)));
            }
        }
    }
    Json::Object(admitted)
}

fn word(words: &[String], text: &str) -> Result<Json, String> {
    if words.iter().any(|word| word == text) {
        return Ok(Json::from(text));
    }
    let near = did_you_mean(text, words.iter().map(String::as_str));
    Err(format!("{} is not {}{near}", quoted(text), one_of(words)))
}

fn integer(least: i64, most: i64, number: i128) -> Result<Json, String> {
    match i64::try_from(number) {
        Ok(number) if (least..=most).contains(&number) => Ok(Json::from(number)),
        _ if most == i64::MAX => Err(format!("must be {least} or more")),
        _ => Err(format!("must be {least} to {most}")),
    }
}

fn number((least, most): (f64, f64), number: f64) -> Result<Json, String> {
    match most {
        _ if number.is_finite() && (least..=most).contains(&number) => Ok(Json::from(number)),
        f64::MAX => Err(format!("must be {least} or more")),
        _ => Err(format!("must be {least} to {most}")),
    }
}

fn wrong_kind(shape: &Shape, value: &Value, path: &Path) -> String {
    let hint = match (shape, value, path.steps()) {
        (Shape::List { .. }, Value::Table(_), [Step::Key(key)]) => format!("; write [[{key}]]"),
        (Shape::List { items, .. }, value, _) if items.fits(value) => "; write it in [ ]".into(),
        _ => String::new(),
    };
    format!("expected {}, found {}{hint}", shape.expected(), value.noun())
}

/// Says nothing of the value, which may be a secret.
fn unknown_key(key: &str, keys: &BTreeMap<String, Shape>, path: &Path) -> String {
    let place = match path.steps() {
        [] => String::new(),
        _ => format!(" in {}", path.section()),
    };
    let secret = SECRETS.contains(&key.to_lowercase().as_str());
    let hint = if secret && keys.contains_key("api_key_env") {
        "; secrets are not written here: use \"api_key_env\" or \"api_key_file\"".to_owned()
    } else if secret && keys.contains_key("url_env") {
        "; secrets are not written here: use \"url_env\" or \"url_file\"".to_owned()
    } else if secret && keys.contains_key("secret_env") {
        "; secrets are not written here: use \"secret_env\" or \"secret_file\"".to_owned()
    } else if secret && keys.contains_key("token_sha256") {
        "; tokens are not written here: use \"token_sha256\", the hash of the token".to_owned()
    } else if secret && keys.contains_key("sha256") {
        "; keys are not written here: use \"sha256\", the hash of the key".to_owned()
    } else {
        did_you_mean(key, keys.keys().map(String::as_str))
    };
    format!("unknown key {}{place}{hint}", quoted(key))
}
