//! The shape of the configuration as data: what may be written where.
//!
//! Derived from the JSON Schema of [`RawSettings`], so the two cannot disagree. Must not
//! know: any particular setting.

use super::format::Rule;
use super::raw::RawSettings;
use super::tree::{Node, Origin, Value};
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The JSON Schema (draft 2020-12) of the configuration, pretty-printed, with descriptions
/// and defaults.
pub fn schema() -> String {
    format!("{:#}", settings_schema().as_value())
}

/// What may be written in one place.
pub(super) enum Shape {
    /// Any text.
    Text,
    /// Text that follows a rule.
    Formatted(&'static Rule),
    /// One of a few words.
    Word(Vec<String>),
    /// A whole number within limits.
    Integer { least: i64, most: i64 },
    /// Any number within limits.
    Number { least: f64, most: f64 },
    /// True or false.
    Boolean,
    /// Any number of the same, but not too few.
    List { items: Box<Self>, fewest: usize },
    /// Known keys.
    Table { keys: BTreeMap<String, Self>, required: BTreeSet<String> },
    /// The first of these that the written value could be.
    Either(Vec<Self>),
}

impl Shape {
    /// The whole configuration.
    pub(super) fn of_settings() -> Self {
        Self::of(settings_schema().as_value())
    }

    /// Understands what schemars makes of [`RawSettings`], no more.
    fn of(schema: &Json) -> Self {
        if let Some(alternatives) = schema["anyOf"].as_array() {
            return Self::Either(alternatives.iter().map(Self::of).collect());
        }
        if let Some(variants) = schema["oneOf"].as_array() {
            let words = variants.iter().filter_map(|variant| variant["const"].as_str());
            return Self::Word(owned(words));
        }
        match schema["type"].as_str() {
            Some("string") => match schema["format"].as_str().and_then(Rule::named) {
                Some(rule) => Self::Formatted(rule),
                None => Self::Text,
            },
            Some("integer") => Self::Integer {
                least: schema["minimum"].as_i64().unwrap_or(i64::MIN),
                most: schema["maximum"].as_i64().unwrap_or(i64::MAX),
            },
            Some("number") => Self::Number {
                least: schema["minimum"].as_f64().unwrap_or(f64::MIN),
                most: schema["maximum"].as_f64().unwrap_or(f64::MAX),
            },
            Some("boolean") => Self::Boolean,
            Some("array") => Self::List {
                items: Box::new(Self::of(&schema["items"])),
                fewest: schema["minItems"].as_u64().map_or(0, |fewest| fewest as usize),
            },
            _ => {
                let properties = schema["properties"].as_object().into_iter().flatten();
                let required = schema["required"].as_array().into_iter().flatten();
                Self::Table {
                    keys: properties.map(|(key, schema)| (key.clone(), Self::of(schema))).collect(),
                    required: owned(required.filter_map(Json::as_str)),
                }
            }
        }
    }

    /// Whether a value of this kind may stand here at all.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text | Self::Formatted(_) | Self::Word(_), Value::Text(_))
            | (Self::Integer { .. }, Value::Integer(_))
            | (Self::Number { .. }, Value::Integer(_) | Value::Float(_))
            | (Self::Boolean, Value::Boolean(_))
            | (Self::List { .. }, Value::List(_))
            | (Self::Table { .. }, Value::Table(_)) => true,
            (Self::Either(shapes), value) => shapes.iter().any(|shape| shape.fits(value)),
            _ => false,
        }
    }

    /// What an operator would call it.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Formatted(rule) => rule.expected(),
            Self::Word(words) => one_of(words),
            Self::Integer { .. } => "a whole number".into(),
            Self::Number { .. } => "a number".into(),
            Self::Boolean => "true or false".into(),
            Self::List { .. } => "a list".into(),
            Self::Table { .. } => "a table".into(),
            Self::Either(shapes) => {
                let each: Vec<String> = shapes.iter().map(Self::expected).collect();
                each.join(" or ")
            }
        }
    }

    /// `text` from an environment variable as a value of this shape: lists by comma. What
    /// cannot be read stays text, which is then refused like any other.
    pub(super) fn read(&self, text: &str, origin: &Origin) -> Node {
        let value = match self {
            Self::Integer { .. } => text.trim().parse().ok().map(Value::Integer),
            Self::Number { .. } => text.trim().parse().ok().map(Value::Float),
            Self::Boolean => text.trim().parse().ok().map(Value::Boolean),
            Self::List { items, .. } => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(Value::List(parts.map(|part| items.read(part, origin)).collect()))
            }
            Self::Either(shapes) => {
                let each = shapes.iter().map(|shape| shape.read(text, origin).value);
                each.zip(shapes).find(|(value, shape)| shape.fits(value)).map(|(value, _)| value)
            }
            _ => None,
        };
        let value = value.unwrap_or_else(|| Value::Text(text.to_owned()));
        Node { origin: origin.clone(), value }
    }
}

/// `one of "a", "b"`
pub(super) fn one_of(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("one of {}", quoted.join(", "))
}

fn owned<'a, C: FromIterator<String>>(words: impl Iterator<Item = &'a str>) -> C {
    words.map(str::to_owned).collect()
}

pub(super) fn settings_schema() -> Schema {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(tidy));
    let mut schema = settings.into_generator().into_root_schema_for::<RawSettings>();
    schema.insert("title".into(), "Transom".into());
    schema
}

/// Descriptions do not keep the line breaks of comments; and TOML has no null: what is
/// optional is left out.
fn tidy(schema: &mut Schema) {
    if let Some(Json::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if schema.get("default").is_some_and(Json::is_null) {
        schema.remove("default");
    }
    if let Some(alternatives) = schema.get_mut("anyOf").and_then(Json::as_array_mut) {
        alternatives.retain(|alternative| alternative["type"] != "null");
        if let [Json::Object(only)] = alternatives.as_mut_slice() {
            let only = std::mem::take(only);
            schema.remove("anyOf");
            for (key, value) in only {
                // The description of the setting goes before that of its type.
                if schema.get(&key).is_none() {
                    schema.insert(key, value);
                }
            }
        }
    }
    if let Some(types) = schema.get_mut("type").and_then(Json::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            schema.insert("type".into(), only);
        }
    }
}
