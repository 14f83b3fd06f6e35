//! What holds, setting by setting, with where it was said: by the tree that was written, and by
//! the defaults of the schema where nothing was.
//!
//! Must not know: any particular setting. Hashes are left out; no other secret can be written in a
//! configuration, and the variables and files that hold them are told by their names, which have
//! been found to lead somewhere.

use super::path::Path;
use super::shape::settings_schema;
use super::tree::{Node, Origin, Value};
use crate::admin::{ConfigEntry, ConfigOrigin, EffectiveConfig};
use serde_json::{Map, Value as Json};

/// All of `tree`, which was read from `file` and found right.
pub(super) fn of(file: &str, tree: &Node) -> EffectiveConfig {
    let mut entries = Vec::new();
    walk(settings_schema().as_value(), Some(tree), &Path::default(), &mut entries);
    EffectiveConfig { file: file.to_owned(), entries }
}

/// What there is at `path`, where `schema` says what may be and `node` what was written.
fn walk(schema: &Json, node: Option<&Node>, path: &Path, entries: &mut Vec<ConfigEntry>) {
    match node.map(|node| (&node.value, node)) {
        None => unwritten(schema, path, entries),
        Some((Value::Table(table), _)) => {
            for (key, below) in properties(schema) {
                walk(below, table.get(key), &path.key(key), entries);
            }
        }
        Some((Value::List(items), _)) if items.iter().any(is_table) => {
            let each = alternatives(schema).find_map(|schema| schema.get("items"));
            for (index, item) in items.iter().enumerate() {
                walk(each.unwrap_or(&Json::Null), Some(item), &path.index(index), entries);
            }
        }
        Some((value, node)) => entries.push(entry(path, said(value), origin(&node.origin))),
    }
}

/// The default; where there is none, those of what lies below. What has to be said as a whole,
/// or in one of several ways, is simply not there.
fn unwritten(schema: &Json, path: &Path, entries: &mut Vec<ConfigEntry>) {
    match (schema.get("default"), schema.get("required"), schema.get("properties")) {
        (Some(Json::Object(members)), ..) => {
            for (key, value) in members {
                entries.push(entry(&path.key(key), value.clone(), ConfigOrigin::Default));
            }
        }
        (Some(value), ..) => entries.push(entry(path, value.clone(), ConfigOrigin::Default)),
        (None, None, Some(Json::Object(below))) => {
            for (key, schema) in below {
                unwritten(schema, &path.key(key), entries);
            }
        }
        _ => {}
    }
}

fn entry(path: &Path, value: Json, origin: ConfigOrigin) -> ConfigEntry {
    let path = path.to_string();
    let is_shown = !path.ends_with("sha256");
    ConfigEntry { value: is_shown.then_some(value), path, origin }
}

/// `schema` itself and what it may be instead.
fn alternatives(schema: &Json) -> impl Iterator<Item = &Json> {
    let others = schema.get("anyOf").and_then(Json::as_array);
    std::iter::once(schema).chain(others.into_iter().flatten())
}

fn properties(schema: &Json) -> impl Iterator<Item = (&String, &Json)> {
    let found = alternatives(schema).find_map(|schema| schema.get("properties")?.as_object());
    found.map(Map::iter).into_iter().flatten()
}

fn is_table(node: &Node) -> bool {
    matches!(node.value, Value::Table(_))
}

fn origin(origin: &Origin) -> ConfigOrigin {
    match origin {
        Origin::Nowhere => ConfigOrigin::Default,
        Origin::Line(line) | Origin::Position { line, .. } => ConfigOrigin::Line(*line),
        Origin::Variable(name) => ConfigOrigin::Variable(name.clone()),
        Origin::Flag(name) => ConfigOrigin::Flag((*name).to_owned()),
    }
}

fn said(value: &Value) -> Json {
    match value {
        Value::Text(text) => text.as_str().into(),
        // No setting allows more.
        Value::Integer(number) => i64::try_from(*number).unwrap_or(i64::MAX).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(flag) => (*flag).into(),
        Value::List(items) => items.iter().map(|item| said(&item.value)).collect(),
        Value::Date | Value::Table(_) => Json::Null,
    }
}
