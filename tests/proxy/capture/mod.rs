//! Capture, as callers and operators meet it.
//!
//! Owns what its tests share: proxies that capture, and what they have written down, read with
//! the library.

mod commands;
mod contents;
mod limits;
mod places;
mod sampling;
mod secrets;

use crate::support::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::Instant;
use transom::capture::{Archive, Content, Exchange, Filter, LineWriter};

/// A question for a plain answer.
const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hello?"}]}"#;
/// A question for a stream, whose caller sees its usage.
const STREAM: &str = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hello?"}]}"#;

/// A header.
type Header<'a> = (&'a str, &'a str);

/// A proxy that keeps its data in `data`, and captures all models as these lines say.
fn capturing(data: &Home, upstream: &Upstream, lines: &str) -> Setup {
    section(data, upstream, &format!("models = [\"*\"]\n{lines}"))
}

/// One with this section of its file.
fn section(data: &Home, upstream: &Upstream, lines: &str) -> Setup {
    let data_dir = format!("data_dir = {:?}", data.path());
    let section = format!("[capture]\n{lines}");
    Setup::to([upstream.url()]).server(&data_dir).tables(&section)
}

/// The table of a model at the upstream `u`.
fn model(name: &str, line: &str) -> String {
    format!("[[model]]\nname = \"{name}\"\ntargets = [{{ upstream = \"u\" }}]\n{line}\n")
}

/// The table of a key.
fn key_table(alias: &str, key: &str) -> String {
    let hash: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[[key]]\nalias = \"{alias}\"\nsha256 = \"{hash}\"\n")
}

/// A question that says `text`.
fn saying(text: &str) -> String {
    CHAT.replace("Hello?", text)
}

/// A chat with headers, on a connection of its own.
async fn ask(proxy: &Proxy, headers: &[Header<'_>], body: &str) -> Response {
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", headers, body.as_bytes()).await;
    client.response().await
}

/// Stops a proxy, which has written down everything then.
async fn stop(mut proxy: Proxy) {
    proxy.terminate();
    let status = proxy.exited().await;
    assert!(status.success(), "{}", proxy.diagnostics());
}

/// Waits until so many requests have had this result, and returns the numbers.
async fn results(proxy: &Proxy, result: &str, count: usize) -> Metrics {
    let counted = |metrics: &Metrics| of_result(metrics, result) >= count as f64;
    let metrics = proxy.metrics_when(&format!("{count} {result}"), counted).await;
    assert_eq!(of_result(&metrics, result), count as f64, "{result}");
    metrics
}

/// Requests with this result.
fn of_result(metrics: &Metrics, result: &str) -> f64 {
    metrics.sum("transom_capture_records_total", &[("result", result)])
}

/// Where the captures lie.
fn captures(data: &Home) -> PathBuf {
    data.path().join("captures")
}

/// Everything that was captured, in the order it was received.
fn exchanges(data: &Home) -> Vec<Exchange> {
    let archive = Archive::open(captures(data), None).expect("no key is needed");
    let mut found = archive.exchanges(Filter::all()).expect("a readable directory");
    let exchanges = found.by_ref().map(|found| found.expect("a readable segment").1);
    let mut exchanges: Vec<Exchange> = exchanges.collect();
    assert_eq!(found.bad_frames(), 0);
    exchanges.sort_by_key(|exchange| exchange.times.received);
    exchanges
}

/// Waits until so many exchanges can be read.
async fn recorded(data: &Home, count: usize) {
    until(&format!("{count} records"), || exchanges(data).len() == count).await;
}

/// The one exchange that was captured.
fn only_exchange(data: &Home) -> Exchange {
    let mut all = exchanges(data);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// The whole body of the answer.
fn answered(exchange: &Exchange) -> &[u8] {
    let answer = exchange.answer.as_ref().expect("an answer");
    whole(&answer.message.body)
}

/// A body that was kept as a whole.
fn whole(content: &Content) -> &[u8] {
    let Content::Whole(bytes) = content else { panic!("not whole: {content:?}") };
    bytes
}

/// What was said last in a question.
fn asked(exchange: &Exchange) -> String {
    let body: Value = serde_json::from_slice(whole(&exchange.request.body)).expect("JSON");
    let messages = body["messages"].as_array().expect("messages");
    messages.last().expect("a message")["content"].as_str().expect("a text").to_owned()
}

/// That none of `secrets` stands in a file of the captures, packed or unpacked.
fn assert_nowhere(data: &Home, secrets: &[&str]) {
    let mut lines = LineWriter::plain(Vec::new());
    for exchange in exchanges(data) {
        // As a list of its fields as well: what no format says must not be there either.
        assert_without(format!("{exchange:?}").as_bytes(), secrets, "a record's fields");
        lines.write(&exchange).expect("a line");
    }
    assert_without(&lines.finish().expect("lines"), secrets, "the records");
    for file in files_below(&captures(data)) {
        let bytes = std::fs::read(&file).expect("a readable file");
        assert_without(&bytes, secrets, &file.display().to_string());
    }
}

fn assert_without(bytes: &[u8], secrets: &[&str], place: &str) {
    for secret in secrets {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} stands in {place}: {}", String::from_utf8_lossy(bytes));
    }
}

/// Every file below `directory`.
fn files_below(directory: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        if next.is_dir() {
            let entries = std::fs::read_dir(next).expect("a readable directory");
            waiting.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else {
            files.push(next);
        }
    }
    assert!(!files.is_empty(), "no files in {}", directory.display());
    files
}
