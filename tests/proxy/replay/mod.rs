//! Replay, as operators meet it: at the terminal and over the admin API.
//!
//! Owns what its tests share: captured requests, and the command with what came of it.

mod admin;
mod experiments;
mod guards;
mod runs;
mod shards;

use crate::support::*;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use tokio::process::{Child, Command};

/// A question to be captured.
const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hello?"}]}"#;
/// A machine that is busy with other tests makes a run invalid, and says so: it is then made
/// anew, so many times at most.
const ATTEMPTS: usize = 5;
/// The exit code of a run that does not count.
const INVALID: i32 = 3;

/// A file of so many captured requests.
fn captured(home: &Home, count: usize) -> PathBuf {
    let line = |number: usize| {
        let body = json!({
            "model": "m", "max_tokens": 10,
            "messages": [{ "role": "user", "content": format!("Question {number}") }],
        });
        let request = json!({
            "custom_id": format!("r{number}"), "method": "POST", "url": "/v1/chat/completions",
            "body": body,
        });
        format!("{request}\n")
    };
    home.write("captured.jsonl", &(0..count).map(line).collect::<String>())
}

/// `transom replay …` in `home`.
fn command(home: &Home, arguments: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("replay").args(arguments.split_whitespace()).current_dir(home.path());
    command.kill_on_drop(true);
    command
}

/// What came of it.
async fn replay(home: &Home, arguments: &str) -> Output {
    command(home, arguments).output().await.expect("the binary runs")
}

/// The same, made anew as long as the machine was too busy for it.
async fn replay_that_counts(home: &Home, arguments: &str) -> Output {
    for _ in 1..ATTEMPTS {
        let output = replay(home, arguments).await;
        if output.status.code() != Some(INVALID) {
            return output;
        }
    }
    replay(home, arguments).await
}

/// One that goes on beside the test.
fn begun(home: &Home, arguments: &str) -> Child {
    let mut command = command(home, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

/// What it said, on both streams.
fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).expect("UTF-8")
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

/// A file of `home`, as JSON.
fn read_json(home: &Home, name: &str) -> Value {
    serde_json::from_str(&read(home, name)).expect("JSON")
}

fn read(home: &Home, name: &str) -> String {
    std::fs::read_to_string(home.path().join(name)).expect("a file")
}

/// The directories of the runs in `home`, in the order of time.
fn runs(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.path().join("replays")).expect("runs are kept there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_dir()).collect();
    paths.sort();
    paths
}
