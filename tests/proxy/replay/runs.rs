//! One run.

use super::*;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use transom::replay::directory::RunDirectory;

#[tokio::test]
async fn a_run_sends_what_was_captured_and_keeps_everything_it_has_seen() {
    let home = Home::new();
    let file = captured(&home, 30);
    let upstream = Upstream::start(serve_well);
    let arguments =
        format!("run {} --target {} --rate 200/s --json r.json", file.display(), upstream.url());
    let output = replay(&home, &arguments).await;
    assert!([0, INVALID].contains(&output.status.code().unwrap()), "{}", said(&output));
    let received = upstream.requests();
    assert_eq!(received.len(), 30);
    let [run] = &runs(&home)[..] else { panic!("one run: {}", said(&output)) };
    let id = run.file_name().unwrap().to_str().unwrap();
    for request in &received {
        assert!(request.head.header("x-transom-replay").unwrap().starts_with(id), "{request:?}");
    }
    let mut asked: Vec<String> = received.iter().map(text).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 30, "every request once");
    let directory = RunDirectory::open(run).unwrap();
    assert_eq!(directory.samples().unwrap().filter(Result::is_ok).count(), 30);
    let result = directory.result().unwrap().expect("it has ended");
    assert_eq!((result.figures.requests, result.figures.succeeded), (30, 30));
    assert_eq!(read_json(&home, "r.json")["arms"][0]["runs"][0]["requests"], 30);
    for file in fs::read_dir(run).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_run_that_is_interrupted_still_says_what_it_has_seen() {
    let home = Home::new();
    let file = captured(&home, 400);
    let upstream = Upstream::start(serve_well);
    let arguments =
        format!("run {} --target {} --rate 20/s --json r.json", file.display(), upstream.url());
    let child = begun(&home, &arguments);
    until("some requests", || upstream.count() >= 5).await;
    interrupt(&child);
    let output = within("the report", child.wait_with_output()).await.unwrap();
    assert_code(&output, INVALID);
    let report = read_json(&home, "r.json");
    let run = &report["arms"][0]["runs"][0];
    assert_eq!(report["outcome"], "INVALID");
    assert_eq!(run["requests"], 400);
    assert!(run["failures"]["not_sent"].as_u64().unwrap() < 396, "{run}");
    assert!(said(&output).contains("stopped: it was interrupted"), "{}", said(&output));
}

/// The body.
fn text(request: &Received) -> String {
    String::from_utf8(request.body.to_vec()).expect("UTF-8")
}

fn interrupt(child: &Child) {
    let id = Pid::from_raw(child.id().unwrap() as i32);
    kill(id, Signal::SIGINT).unwrap();
}

#[tokio::test]
async fn another_model_can_be_asked_for() {
    let home = Home::new();
    let file = captured(&home, 3);
    let upstream = Upstream::start(serve_well);
    let arguments =
        format!("run {} --target {} --rate 50/s --as-model other", file.display(), upstream.url());
    replay(&home, &arguments).await;
    assert_eq!(upstream.count(), 3);
    for request in upstream.requests() {
        assert!(text(&request).contains(r#""model":"other""#), "{request:?}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let file = captured(&home, 3);
    let upstream = Upstream::start(serve_well);
    let file = file.display();
    for (arguments, why) in [
        (format!("run {file} --target ftp://h --rate 5/s"), "http:// or https://"),
        (format!("run {file} --target {} --rate fast", upstream.url()), "--rate"),
        (format!("run {file} --target {} --sweep 5..10/s", upstream.url()), "--good-ttft"),
        (format!("run nothing.jsonl --target {} --rate 5/s", upstream.url()), "nothing.jsonl"),
        (
            format!("run {file} --target {} --rate 5/s --key-env NOT_SET_ANYWHERE", upstream.url()),
            "NOT_SET_ANYWHERE",
        ),
    ] {
        let output = replay(&home, &arguments).await;
        assert!(!output.status.success(), "{arguments}");
        assert!(said(&output).contains(why), "{arguments}: {}", said(&output));
    }
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn a_trace_of_arrivals_is_sent_to_the_model_that_is_named() {
    let home = Home::new();
    let line = |at: u64| {
        format!(
            "{{\"timestamp\":{at},\"input_length\":32,\"output_length\":4,\"hash_ids\":[{at}]}}\n"
        )
    };
    let file = home.write("arrivals.jsonl", &[0, 20, 40].map(line).concat());
    let upstream = Upstream::start(serve_well);
    let arguments =
        format!("run {} --target {} --as-model m --json r.json", file.display(), upstream.url());
    replay(&home, &arguments).await;
    assert_eq!(upstream.count(), 3);
    assert!(upstream.requests().iter().all(|request| text(request).contains(r#""model":"m""#)));
}
