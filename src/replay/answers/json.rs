//! Equality of JSON texts: of what they look like, and of what they mean.
//!
//! The order of members and white space mean nothing; 1 and 1.0 are the same number. Must not
//! know: where a text comes from.

use serde_json::{Map, Number, Value};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A number that is the same for objects and arrays of the same structure: the same names
/// with values of the same kinds. How many elements an array has is no structure. `None` for
/// any other text, so that `42` or a sentence is just text.
pub fn structure(text: &str) -> Option<u64> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    Some(hash(&value, Detail::Structure))
}

/// The arguments of a tool call with a number each that is the same for the same value. A
/// text that is no object is one argument without a name.
pub fn arguments(text: &str) -> Vec<(String, u64)> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(members) => sorted(&members)
            .into_iter()
            .map(|(name, value)| (name.clone(), hash(value, Detail::Values)))
            .collect(),
        Err(_) => {
            vec![(String::new(), hash(&Value::String(text.trim().to_owned()), Detail::Values))]
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Structure,
    Values,
}

fn hash(value: &Value, detail: Detail) -> u64 {
    let mut hasher = DefaultHasher::new();
    kind(value).hash(&mut hasher);
    match value {
        Value::Object(members) => sorted(members).into_iter().for_each(|(name, value)| {
            (name, hash(value, detail)).hash(&mut hasher);
        }),
        Value::Array(elements) => {
            let mut elements: Vec<u64> = elements.iter().map(|one| hash(one, detail)).collect();
            if detail == Detail::Structure {
                elements.sort_unstable();
                elements.dedup();
            }
            elements.hash(&mut hasher);
        }
        _ if detail == Detail::Structure => {}
        Value::String(text) => text.hash(&mut hasher),
        Value::Number(number) => hash_number(number, &mut hasher),
        Value::Bool(is) => is.hash(&mut hasher),
        Value::Null => {}
    }
    hasher.finish()
}

const fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// Whole numbers as such, however they are written.
fn hash_number(number: &Number, hasher: &mut DefaultHasher) {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let float = number.as_f64().unwrap_or_default();
    match number.as_i64() {
        Some(whole) => whole.hash(hasher),
        None if float.fract() == 0.0 && float.abs() < EXACT => (float as i64).hash(hasher),
        None => (float.to_bits(), number.as_u64()).hash(hasher),
    }
}

/// By name, whatever order the map keeps.
fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_is_names_and_kinds() {
        let of = |text| structure(text).unwrap();
        assert_eq!(of(r#"{"a":1,"b":[{"c":"x"}]}"#), of(r#" {"b":[{"c":"y"},{"c":""}], "a":2.5}"#));
        assert_ne!(of(r#"{"a":1}"#), of(r#"{"a":"1"}"#));
        assert_ne!(of(r#"{"a":1}"#), of(r#"{"b":1}"#));
        assert_ne!(of("[]"), of("{}"));
        for text in ["42", "yes", "", "{broken", "```json\n{}\n```"] {
            assert_eq!(structure(text), None, "{text}");
        }
    }

    #[test]
    fn arguments_are_equal_by_what_they_mean() {
        let of = arguments;
        assert_eq!(of(r#"{"n":1,"q":"é"}"#), of(r#"{ "q": "\u00e9", "n": 1.0 }"#));
        assert_ne!(of(r#"{"l":[1,2]}"#), of(r#"{"l":[2,1]}"#));
        assert_ne!(of(r#"{"n":18446744073709551615}"#), of(r#"{"n":18446744073709551614}"#));
        assert_eq!(of(" "), []);
        assert_eq!(of("not JSON").len(), 1);
        assert_ne!(of("not JSON"), of("not json"));
    }
}
