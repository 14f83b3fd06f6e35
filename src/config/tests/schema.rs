//! The published schema and what is accepted are the same.

use super::example::EXAMPLE;
use super::read;
use crate::config::schema;
use serde_json::{Value as Json, json};

fn published() -> Json {
    serde_json::from_str(&schema()).unwrap()
}

fn as_json(text: &str) -> Json {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

#[test]
fn the_schema_is_valid_and_accepts_the_example() {
    let validator = jsonschema::draft202012::new(&published()).unwrap();
    assert!(validator.is_valid(&as_json(EXAMPLE)));
    assert!(validator.is_valid(&json!({})));
}

#[test]
fn every_setting_is_described_and_shows_its_default() {
    fn walk(schema: &Json, path: &str) {
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            assert!(below["description"].is_string(), "{path} is not described");
            walk(below, &path);
            walk(&below["items"], &path);
        }
    }
    let schema = published();
    walk(&schema, "");
    let default = |pointer: &str| schema.pointer(pointer).unwrap()["default"].clone();
    assert_eq!(default("/properties/server/properties/max_body"), "32MiB");
    assert_eq!(default("/properties/server/properties/listen"), json!(["127.0.0.1:7080"]));
    assert_eq!(default("/properties/log/properties/level"), "info");
    let upstream = "/properties/upstream/items/properties";
    assert_eq!(default(&format!("{upstream}/timeouts/properties/total")), "15m");
    assert_eq!(default(&format!("{upstream}/balance")), "p2c_tokens");
    assert_eq!(default(&format!("{upstream}/include_usage")), true);
    let cache = "/properties/cache/properties";
    for (key, expected) in [
        ("memory", "256MiB"),
        ("disk", "4GiB"),
        ("when", "always"),
        ("ttl", "1h"),
        ("collapse", "30s"),
        ("pace", "at_once"),
    ] {
        assert_eq!(default(&format!("{cache}/{key}")), expected, "{key}");
    }
}

#[test]
fn nothing_in_the_schema_is_null() {
    assert!(!schema().contains("null"));
}

/// Replaces every value of the example by one of another kind, and renames every key: the
/// schema and the reader must refuse the same.
#[test]
fn the_schema_and_the_reader_agree_on_what_is_wrong() {
    let validator = jsonschema::draft202012::new(&published()).unwrap();
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    let replacements = ["1", "-1", "2000", "1.5", "true", "\"x\"", "[]", "[1]", "{}", "{ x = 1 }"];
    let mut refused = 0;
    for (number, line) in lines.iter().enumerate() {
        let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with(' ')) else {
            continue;
        };
        let value = if key.starts_with("targets") { "[" } else { value };
        let renamed = format!("x{key} = {value}");
        let changed = replacements.iter().map(|to| format!("{key} = {to}"));
        for line in changed.chain([renamed]) {
            let mut lines = lines.clone();
            lines[number] = &line;
            let text = lines.join("\n");
            let Ok(document) = text.parse::<toml::Table>() else { continue };
            let document = serde_json::to_value(document).unwrap();
            if !validator.is_valid(&document) {
                refused += 1;
                assert!(read(&text).is_err(), "only the schema refuses {line}");
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
