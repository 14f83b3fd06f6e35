//! What `transom cache what-if` says about captures.

use crate::support::*;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// A request of `key` at `second`, answered well after 2.5 s.
fn line_of(key: &str, second: u64, body: &Value) -> Value {
    json!({
        "v": 1, "received": second, "path": "/v1/chat/completions", "key": key,
        "request": body, "status": 200, "complete": true, "duration_seconds": 2.5,
        "response_bytes": 100, "usage": { "input_tokens": 10, "output_tokens": 20 },
        "cost_usd": 0.01,
    })
}

fn line(second: u64, body: &Value) -> Value {
    line_of("team", second, body)
}

fn chat() -> Value {
    json!({ "model": "m", "temperature": 0, "messages": [] })
}

fn capture(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn what_if(arguments: &[&str], capture: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(["cache", "what-if"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // It may end before it has read everything.
    drop(child.stdin.take().expect("a pipe").write_all(capture.as_bytes()));
    child.wait_with_output().expect("it ends")
}

fn text(arguments: &[&str], capture: &str) -> String {
    let output = what_if(arguments, capture);
    assert!(output.status.success(), "{}", error(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn told(arguments: &[&str], capture: &str) -> Value {
    let text = text(&[arguments, &["--json", "-"]].concat(), capture);
    serde_json::from_str(&text).expect("JSON and nothing else")
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_cell_is_what_one_cache_would_have_done() {
    let capture = capture(&[
        line(0, &chat()),
        line(1, &chat()),
        line(60, &chat()),
        line(61, &json!({ "model": "m", "messages": [] })),
        line(400, &chat()),
        json!({ "received": 401, "path": "/v1/models", "request": {} }),
        json!({ "received": 402, "path": "/v1/embeddings", "request_body": "{" }),
        json!({ "received": 403, "path": "/v1/embeddings" }),
    ]);
    let told = told(&["--ttl", "5m,1h", "--size", "1MiB", "--scope", "key"], &capture);
    assert_eq!(told["requests"], 8);
    let others = ["no_inference", "no_body", "refused"].map(|name| told[name].as_u64());
    assert_eq!(others, [1, 1, 1].map(Some));
    assert_eq!(told["first"], "1970-01-01T00:00:00Z");
    let cells = told["cells"].as_array().expect("cells");
    let counts =
        |cell: &Value| ["requests", "hits", "collapsed", "misses"].map(|name| cell[name].as_u64());
    let counted: Vec<_> = cells.iter().map(counts).collect();
    assert_eq!(counted, [[5, 1, 1, 2].map(Some), [5, 2, 1, 1].map(Some)]);
    assert_eq!((&cells[1]["ttl_seconds"], &cells[1]["hit_ratio"]), (&3600.0.into(), &0.4.into()));
    assert_eq!(cells[1]["saved"], json!({ "seconds": 7.5, "tokens": 90, "usd": 0.03 }));
    assert_eq!(cells[0]["bypassed"], json!({ "sampled": 1 }));
}

#[test]
fn without_further_words_there_is_a_table_of_27_caches() {
    let text = text(&["-"], &capture(&[line(0, &chat()), line(9, &chat())]));
    assert_eq!(text.lines().filter(|line| line.contains(" 50.0 % ")).count(), 27, "{text}");
    assert!(text.starts_with("2 requests from 1970-01-01T00:00:00Z to"), "{text}");
}

#[test]
fn what_the_capture_does_not_say_is_a_dash_and_not_a_zero() {
    let line = |second: u64| {
        json!({
            "received": second, "path": "/v1/chat/completions", "request": chat(),
            "status": 200, "complete": true,
        })
    };
    let capture = capture(&[line(0), line(1)]);
    let told = told(&["--scope", "key,global", "--ttl", "1h", "--size", "1MiB"], &capture);
    let [key, global] = [&told["cells"][0], &told["cells"][1]];
    assert_eq!(key["bypassed"], json!({ "unknown_caller": 2 }));
    assert_eq!((&global["hits"], &global["peak_bytes"]), (&1.into(), &Value::Null));
    assert_eq!(global["saved"], json!({ "seconds": null, "tokens": null, "usd": null }));
    assert_eq!(global["unknown"], json!({ "sizes": 1, "seconds": 1, "tokens": 1, "usd": 1 }));
    let text = text(&["--scope", "global", "--ttl", "1h", "-"], &capture);
    assert!(text.contains('–') && text.contains("`response_bytes`"), "{text}");
}

#[test]
fn tenants_prices_and_settings_come_from_a_configuration() {
    let home = Home::new();
    let key = |alias: &str, digit: char| {
        let sha256 = digit.to_string().repeat(64);
        format!("[[key]]\nalias = \"{alias}\"\ntenant = \"t\"\nsha256 = \"{sha256}\"\n")
    };
    let model = "[[upstream]]\nname = \"u\"\nendpoints = [\"http://127.0.0.1:1\"]\n\
         [[model]]\nname = \"m\"\ntargets = [{ upstream = \"u\" }]\n\
         price = { input = 1.0, output = 2.0 }\ncache = { collapse = \"off\" }\n";
    let config = home.write("transom.toml", &(model.to_owned() + &key("a", '1') + &key("b", '2')));
    let config = ["--config", config.to_str().expect("UTF-8")];
    let by = |key: &str, second: u64| {
        let mut line = line_of(key, second, &chat());
        line["cost_usd"] = Value::Null;
        line
    };
    let capture = capture(&[by("a", 0), by("a", 1), by("b", 10)]);
    let grid = ["--scope", "tenant", "--ttl", "1h", "--size", "1MiB"];
    let own = &told(&[&grid[..], &config].concat(), &capture)["cells"][0];
    assert_eq!([&own["hits"], &own["collapsed"]], [1, 0], "{own}");
    assert_eq!(own["saved"]["usd"], 50e-6, "{own}");
    let plain = &told(&grid, &capture)["cells"][0];
    assert_eq!([&plain["hits"], &plain["collapsed"]], [0, 1], "they are alone: {plain}");
}

#[test]
fn a_bad_capture_is_told_with_its_line() {
    let capture = capture(&[line(0, &chat()), json!({ "received": 1 })]);
    let output = what_if(&["-"], &capture);
    let said = error(&output);
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    assert!(said.contains("line 2: missing field `path`"), "{said}");
    let absent = what_if(&["there-is-no-such.jsonl"], "");
    let said = error(&absent);
    assert!(!absent.status.success() && said.contains("there-is-no-such.jsonl"), "{said}");
    assert!(text(&["-"], "").starts_with("0 requests: "));
}
