//! The response cache, as callers and operators meet it.
//!
//! Owns what its tests share: questions whose answers can be had again, backends that number
//! their answers, and what an answer must say of the cache.

mod bypass;
mod commands;
mod control;
mod handover;
mod hits;
mod page;
mod purge;
mod scopes;
mod shared;
mod stale;
mod stored;
mod tiers;
mod traps;

use crate::support::*;
use sha2::{Digest, Sha256};
use std::io::Result;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A question whose answer can be had again.
const CHAT: &str =
    r#"{"model":"m","temperature":0,"messages":[{"role":"user","content":"Hello?"}]}"#;
/// The same, for a stream; its caller sees no usage.
const STREAM: &str = r#"{"model":"m","temperature":0,"stream":true,"messages":[{"role":"user","content":"Hello?"}]}"#;

/// A header.
type Header<'a> = (&'a str, &'a str);

/// A proxy whose model `m`, also known as `alias`, is cached as this TOML value says.
fn cached(upstream: &Upstream, cache: &str) -> Setup {
    Setup::to([upstream.url()]).models(&model("m", cache))
}

/// The table of a model at the upstream `u`.
fn model(name: &str, cache: &str) -> String {
    format!(
        "[[model]]\nname = \"{name}\"\naliases = [\"{name}-alias\"]\n\
         targets = [{{ upstream = \"u\" }}]\nprice = {{ input = 1000, output = 2000 }}\n\
         cache = {cache}\n"
    )
}

/// The table of a key.
fn key_table(alias: &str, key: &str, tenant: Option<&str>) -> String {
    let hash: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    let tenant = tenant.map(|name| format!("tenant = \"{name}\"\n")).unwrap_or_default();
    format!("[[key]]\nalias = \"{alias}\"\nsha256 = \"{hash}\"\n{tenant}")
}

/// A chat with headers, on a connection of its own.
async fn ask(proxy: &Proxy, headers: &[Header<'_>], body: &str) -> Response {
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", headers, body.as_bytes()).await;
    client.response().await
}

/// As [`ask`], once nothing is under way any more: whatever is to be kept has been.
async fn ask_again(proxy: &Proxy, headers: &[Header<'_>], body: &str) -> Response {
    idle(proxy).await;
    ask(proxy, headers, body).await
}

/// Asks until an answer is as wanted.
async fn ask_until(
    proxy: &Proxy,
    (headers, body): (&[Header<'_>], &str),
    wanted: impl Fn(&Response) -> bool,
) -> Response {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let response = ask_again(proxy, headers, body).await;
        if wanted(&response) {
            return response;
        }
        assert!(Instant::now() < deadline, "waited in vain for another answer: {response:?}");
    }
}

/// Waits until no request is under way.
async fn idle(proxy: &Proxy) {
    in_flight(proxy, 0).await;
}

/// Waits until `count` requests are under way.
async fn in_flight(proxy: &Proxy, count: usize) {
    let under_way = |metrics: &Metrics| {
        metrics.sum("transom_in_flight_requests", &[]) == count as f64
            && (count > 0 || metrics.sum("transom_open_streams", &[]) == 0.0)
    };
    proxy.metrics_when(&format!("{count} requests under way"), under_way).await;
}

/// A plain answer that says `text`.
fn plain_saying(text: &str) -> String {
    chat_body().replace("Hello, world", text)
}

/// A streamed answer that says `text`, as a caller sees it who did not ask for usage.
fn stream_saying(text: &str) -> String {
    [role(), token(text), finish(), DONE.to_owned()].concat()
}

/// What [`serve_numbered`] answers to its request `number`, as the caller of `body` sees it.
fn numbered(body: &str, number: usize) -> String {
    let is_stream = body.contains("\"stream\":true");
    if is_stream { stream_saying(&number.to_string()) } else { plain_saying(&number.to_string()) }
}

/// Answers well, and says in each answer which one it is, counted from 0.
async fn serve_numbered(mut call: Call) -> Result<After> {
    let body = call.body().await?;
    let number = call.number.to_string();
    let asked = String::from_utf8_lossy(&body);
    if !asked.contains("\"stream\":true") {
        return call.answer(json_answer(200, &plain_saying(&number))).await;
    }
    let usage =
        if asked.contains("\"include_usage\":true") { usage_event() } else { String::new() };
    call.write(STREAM_HEAD).await?;
    for event in [role(), token(&number), finish(), usage + DONE] {
        call.write(chunk(event)).await?;
    }
    call.answer(LAST_CHUNK).await
}

/// `X-Cache`, or `""` where there is none.
fn x_cache(response: &Response) -> &str {
    response.header("x-cache").unwrap_or_default()
}

/// `Cache-Status`, or `""` where there is none.
fn cache_status(response: &Response) -> &str {
    assert!(response.head.all("cache-status").len() <= 1, "{response:?}");
    response.header("cache-status").unwrap_or_default()
}

/// Seconds that `Cache-Status` says an answer is still fresh; negative past its time.
fn ttl(response: &Response) -> i64 {
    let ttl = cache_status(response).strip_prefix("transom; hit; ttl=");
    ttl.and_then(|ttl| ttl.parse().ok()).unwrap_or_else(|| panic!("no ttl: {response:?}"))
}

/// Demands a whole answer from the cache, fresh, with ids of its own.
fn assert_hit(response: &Response) {
    assert_eq!((response.status, x_cache(response)), (200, "HIT"), "{response:?}");
    assert!(response.whole && ttl(response) >= 0, "{response:?}");
    let age = response.header("age").and_then(|age| age.parse::<u64>().ok());
    assert!(age.is_some(), "{response:?}");
    response.trace_id();
}

/// Demands a whole answer from the cache, past its time.
fn assert_stale(response: &Response) {
    assert_eq!((response.status, x_cache(response)), (200, "STALE"), "{response:?}");
    assert!(response.whole && ttl(response) < 0, "{response:?}");
    assert!(response.header("age").is_some(), "{response:?}");
    response.trace_id();
}

/// Demands a whole answer from the upstream, for want of one in the cache.
fn assert_miss(response: &Response) {
    assert_eq!((response.status, x_cache(response)), (200, "MISS"), "{response:?}");
    assert!(response.whole && cache_status(response).starts_with("transom; fwd="), "{response:?}");
    assert_eq!(response.header("age"), None, "{response:?}");
    response.trace_id();
}

/// Demands an answer that went past the cache for this reason.
fn assert_bypass(response: &Response, reason: &str) {
    let expected = format!("transom; fwd=bypass; detail={reason}");
    let told = (response.status, x_cache(response), cache_status(response));
    assert_eq!(told, (200, "BYPASS", &*expected), "{response:?}");
    assert_eq!(response.header("age"), None, "{response:?}");
}

/// Demands that neither the answer nor a second one comes from the cache.
async fn assert_never_kept(proxy: &Proxy, body: &str) {
    for _ in 0..2 {
        let response = ask_again(proxy, &[], body).await;
        assert_ne!(x_cache(&response), "HIT", "{response:?}");
        assert_ne!(x_cache(&response), "STALE", "{response:?}");
    }
}

/// Every file below `directory`.
fn files_below(directory: &Path) -> Vec<PathBuf> {
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
    files
}
