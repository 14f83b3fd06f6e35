//! What the README promises, held against the program.

use std::fs;
use std::process::{Command, Output};

fn readme() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    fs::read_to_string(path).unwrap_or_default()
}

/// The TOML example.
fn example(readme: &str) -> &str {
    let after = readme.split("```toml\n").nth(1).unwrap_or_default();
    after.split("```").next().unwrap_or_default()
}

fn transom(arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_transom"))
        .args(arguments)
        .env("VLLM_KEY", "any")
        .env("OPS_WEBHOOK", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .output()
}

#[test]
fn the_example_configuration_is_valid() {
    let path = std::env::temp_dir().join(format!("transom-readme-{}.toml", std::process::id()));
    fs::write(&path, example(&readme())).unwrap();
    let checked = transom(&["check", path.to_str().unwrap()]).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn the_example_shows_every_section_there_is() {
    let schema = transom(&["check", "--schema"]).unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    let example: toml::Table = example(&readme()).parse().unwrap();
    for section in schema["properties"].as_object().unwrap().keys() {
        assert!(example.contains_key(section), "README.md: the example lacks [{section}]");
    }
}
