//! Where queries stand: in dashboards, rules and the tests of rules.

use super::files_below;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What is written in some files.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Each query and the file it stands in.
    pub(crate) queries: Vec<(PathBuf, String)>,
    /// Metrics that rules record.
    pub(crate) recorded: BTreeSet<String>,
    /// Labels that rules add.
    pub(crate) labels: BTreeSet<String>,
}

/// Every query and variable of the dashboards below `folder`. They may use what the rules
/// next to it record.
pub(crate) fn of_dashboards(folder: &Path) -> io::Result<Written> {
    let rules = of_rules(&folder.with_file_name("prometheus"))?;
    let mut written = Written { queries: Vec::new(), ..rules };
    for path in files_below(folder, &["json"]) {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let mut found = Vec::new();
        expressions(&dashboard, &mut found);
        let variables = dashboard["templating"]["list"].as_array().into_iter().flatten();
        for variable in variables.filter(|variable| variable["type"] == "query") {
            let query = &variable["query"];
            let text = query.as_str().or_else(|| query["query"].as_str());
            let missing = || io::Error::other(format!("{}: no query: {variable}", path.display()));
            found.push(text.ok_or_else(missing)?.to_owned());
        }
        written.queries.extend(found.into_iter().map(|text| (path.clone(), text)));
    }
    Ok(written)
}

/// Every query of the rules below `folder`, and every series of their tests.
pub(crate) fn of_rules(folder: &Path) -> io::Result<Written> {
    let mut written = Written::default();
    for path in files_below(folder, &["yml", "yaml"]) {
        let text = fs::read_to_string(&path)?;
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((key, value)) = entry(line) else { continue };
            match key {
                "expr" => written.queries.push((path.clone(), value_at(&lines, at, value))),
                "record" => _ = written.recorded.insert(unquoted(value)),
                "labels" => written.labels.extend(keys_below(&lines, at)),
                _ => {}
            }
            if let Some((_, series)) = line.split_once("series: ") {
                written.queries.push((path.clone(), unquoted(series)));
            }
        }
    }
    Ok(written)
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        Value::Object(fields) => {
            for (key, field) in fields {
                match field.as_str() {
                    Some(text) if key == "expr" => found.push(text.to_owned()),
                    _ => expressions(field, found),
                }
            }
        }
        _ => {}
    }
}

/// The key and the value of a line of YAML.
fn entry(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start().trim_start_matches("- ").trim_start_matches('{');
    let (key, value) = line.split_once(':')?;
    key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then_some((key, value.trim()))
}

/// A scalar that begins in line `at`: a block, or text that may go on below.
fn value_at(lines: &[&str], at: usize, value: &str) -> String {
    let below = below(lines, at).collect::<Vec<_>>().join("\n");
    match value.chars().next() {
        Some('|' | '>') | None => below,
        Some('"' | '\'') => unquoted(value),
        _ => format!("{value}\n{below}"),
    }
}

/// The lines below line `at` that are indented deeper than its key.
fn below<'a>(lines: &'a [&'a str], at: usize) -> impl Iterator<Item = &'a str> {
    let key = indent(&lines[at].replacen("- ", "  ", 1));
    let rest = lines[at + 1..].iter().copied();
    rest.take_while(move |line| line.trim().is_empty() || indent(line) > key)
}

fn keys_below(lines: &[&str], at: usize) -> Vec<String> {
    below(lines, at).filter_map(entry).map(|(key, _)| key.to_owned()).collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A scalar without its quotes and what follows them.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let Some(quote) = value.chars().next().filter(|c| "\"'".contains(*c)) else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut characters = value[1..].chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quote == '"' => text.extend(characters.next()),
            '\'' if quote == '\'' && characters.peek() == Some(&'\'') => {
                text.extend(characters.next())
            }
            _ if character == quote => break,
            _ => text.push(character),
        }
    }
    text
}

#[test]
fn queries_are_found_however_yaml_writes_them() {
    let folder = std::env::temp_dir().join(format!("transom-queries-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let rules = "groups:\n  - rules:\n      - record: a:b\n        expr: |\n          one{x=\"1\"}\n\n          + two\n        \
                 labels: # some\n          added: \"y\"\n      - expr: three\n          / four\n      \
                 - expr: 'five{x=''1''}' # end\n      - expr: \"six{x=\\\"1\\\"}\"\n  \
                 - {series: 'seven{x=\"1\"}', values: \"1\"}\n  - series: eight\n";
    fs::write(folder.join("rules.yml"), rules).unwrap();
    let written = of_rules(&folder).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let found: Vec<_> = written.queries.iter().map(|(_, text)| squeezed(text)).collect();
    assert_eq!(
        found,
        [
            "one{x=\"1\"} + two",
            "three / four",
            "five{x='1'}",
            "six{x=\"1\"}",
            "seven{x=\"1\"}",
            "eight"
        ]
    );
    assert_eq!(written.recorded.into_iter().collect::<Vec<_>>(), ["a:b"]);
    assert_eq!(written.labels.into_iter().collect::<Vec<_>>(), ["added"]);
}
