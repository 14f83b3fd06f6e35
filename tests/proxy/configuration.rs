//! What the command line says about a configuration.

use crate::support::*;
use serde_json::Value;
use std::process::{Command, Output};

fn transom(home: &Home, args: &[&str]) -> Output {
    Command::new(BINARY).args(args).current_dir(home.path()).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(text).expect("UTF-8")
}

const BAD: &str = r#"[server]
lisen = ["127.0.0.1:7080"]
max_body = "much"

[[upstream]]
name = "u"
endpoints = ["http://127.0.0.1:1"]
timeouts = { conect = "1s" }

[[model]]
name = "m"
targets = [{ upstream = "nowhere" }]
"#;

#[test]
fn every_mistake_is_told_with_its_place() {
    let home = Home::new();
    home.write("bad.toml", BAD);
    let output = transom(&home, &["check", "bad.toml"]);
    let said = said(&output);
    assert!(!output.status.success() && output.status.code().is_some(), "{said}");
    for expected in ["bad.toml:2", "bad.toml:3", "bad.toml:8", "bad.toml:12"] {
        let line = said.lines().find(|line| line.contains(expected));
        assert!(line.is_some(), "{expected} in:\n{said}");
    }
    assert!(said.contains("\"listen\"") && said.contains("\"connect\""), "did you mean: {said}");
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn a_good_file_is_good() {
    let home = Home::new();
    home.write("good.toml", &Setup::to(["http://127.0.0.1:1"]).file(7080, 7081));
    let output = transom(&home, &["check", "good.toml"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_file_that_is_not_there_is_told_apart() {
    let home = Home::new();
    for args in [["check", "absent.toml"].as_slice(), &["serve", "--config", "absent.toml"]] {
        let output = transom(&home, args);
        assert!(
            !output.status.success() && said(&output).contains("absent.toml"),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn a_proxy_does_not_start_with_a_bad_file() {
    let home = Home::new();
    home.write("bad.toml", BAD);
    let output = transom(&home, &["serve", "--config", "bad.toml"]);
    assert!(!output.status.success(), "{}", said(&output));
    assert!(output.stdout.is_empty(), "standard output is for the access log");
    assert!(said(&output).contains("bad.toml:12"), "{}", said(&output));
}

#[test]
fn the_schema_is_json_and_knows_the_words() {
    let output = transom(&Home::new(), &["check", "--schema"]);
    assert!(output.status.success(), "{}", said(&output));
    let schema: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    for word in ["server", "upstream", "model", "key", "log"] {
        assert!(schema["properties"][word].is_object(), "{word}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_told_in_words() {
    let upstream = Upstream::start(serve_well);
    let proxy = Setup::to([upstream.url()]).start().await;
    let home = Home::new();
    let taken = proxy.data.port();
    home.write("transom.toml", &Setup::to([upstream.url()]).file(taken, 0));
    let output = transom(&home, &["serve", "--config", "transom.toml"]);
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains(&format!("127.0.0.1:{taken}")), "{}", said(&output));
}

#[tokio::test]
async fn flags_stand_in_for_a_file() {
    let traits = Traits { models: &["found"], ..Traits::default() };
    let upstream = Upstream::with(traits, serve_well);
    let (url, anywhere) = (upstream.url(), "127.0.0.1:0");
    let args = ["--listen", anywhere, "--admin", anywhere, "--upstream", &url, "--data", "there"];
    let proxy = Proxy::run(Home::new(), &args, &[]).await;
    assert_eq!(proxy.chat(r#"{"model":"found"}"#).await.status, 200);
}
