//! The cache of a running proxy, as its operators see it from a terminal.

use super::*;
use std::process::Output;
use tokio::process::Command;

async fn transom(arguments: &[&str], proxy: &Proxy) -> Output {
    let url = format!("http://{}", proxy.admin);
    let mut command = Command::new(BINARY);
    command.arg("cache").args(arguments).args(["--of", &url]);
    command.output().await.expect("the binary runs")
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(text).expect("UTF-8")
}

#[tokio::test]
async fn what_is_kept_and_saved_is_shown() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    assert_hit(&ask_again(&proxy, &[], CHAT).await);
    ask(&proxy, &[("x-transom-cache", "off")], CHAT).await;
    proxy.settled(3).await;
    let output = transom(&["stats"], &proxy).await;
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    let memory = said.lines().find(|line| line.starts_with("memory")).expect("a line");
    let cells: Vec<&str> = memory.split_whitespace().collect();
    // tier, state, entries, bytes, capacity, hits, misses, stale
    assert_eq!((cells[1], cells[2], cells[5..8].join(" ")), ("on", "1", "1 1 0".into()), "{said}");
    assert!(said.lines().any(|line| line.starts_with("redis   off")), "{said}");
    let tokens = format!("{} tokens", PROMPT_TOKENS + COMPLETION_TOKENS);
    assert!(said.contains(&tokens) && said.contains("asked 1"), "{said}");
}

#[tokio::test]
async fn a_purge_says_how_much_it_was_and_is_written_down() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    idle(&proxy).await;
    let other = transom(&["purge", "--model", "other"], &proxy).await;
    assert!(other.status.success() && said(&other).contains("memory 0"), "{}", said(&other));
    let all = transom(&["purge", "--all"], &proxy).await;
    assert!(all.status.success() && said(&all).contains("memory 1"), "{}", said(&all));
    assert!(said(&all).contains("redis –"), "{}", said(&all));
    assert_miss(&ask_again(&proxy, &[], CHAT).await);
    let audited = || {
        let lines = proxy.diagnostics();
        let audit: Vec<String> = lines
            .lines()
            .filter(|line| line.contains("transom::audit"))
            .map(str::to_owned)
            .collect();
        audit
    };
    until("the audit lines", || audited().len() == 2).await;
    let [other, all] = [&audited()[0], &audited()[1]];
    assert!(other.contains("tagged") && other.contains("other"), "{other}");
    assert!(all.contains("127.0.0.1") && !all.contains("tagged"), "{all}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_reason() {
    let upstream = Upstream::start(serve_numbered);
    let proxy = cached(&upstream, "true").start().await;
    ask(&proxy, &[], CHAT).await;
    let output = transom(&["purge", "--entry", "00"], &proxy).await;
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("64 hexadecimal digits"), "{}", said(&output));
    for arguments in [&["purge"][..], &["purge", "--all", "--model", "m"]] {
        let output = transom(arguments, &proxy).await;
        assert!(!output.status.success(), "{}", said(&output));
    }
    assert_hit(&ask_again(&proxy, &[], CHAT).await);
}
