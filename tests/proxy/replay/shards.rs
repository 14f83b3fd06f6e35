//! One run of many workers.

use super::*;
use std::time::Duration;
use transom::replay::directory::RunDirectory;

#[tokio::test]
async fn workers_begin_together_and_what_they_have_seen_is_put_together() {
    let home = Home::new();
    let file = captured(&home, 40);
    let upstream = Upstream::start(serve_well);
    let file = file.display();
    let output =
        replay(&home, &format!("plan {file} --rate 80/s --shards 2 --out p.jsonl.zst")).await;
    assert_code(&output, 0);
    let start = transom::types::Clock::system().date() + Duration::from_secs(2);
    let start_at = humantime::format_rfc3339_millis(start);
    let worker = |number: u32| {
        let arguments = format!(
            "run {file} --target {} --plan p.{number}.jsonl.zst --start-at {start_at}",
            upstream.url()
        );
        let mut command = command(&home, &arguments);
        async move { command.output().await.expect("the binary runs") }
    };
    let (first, second) = tokio::join!(worker(0), worker(1));
    assert_eq!(upstream.count(), 40, "{} {}", said(&first), said(&second));
    let workers = runs(&home);
    let began: Vec<_> =
        workers.iter().map(|run| RunDirectory::open(run).unwrap().head().began.seconds()).collect();
    assert!((began[0] - began[1]).abs() < 0.005, "by one clock: {began:?}");
    let paths: Vec<_> = workers.iter().map(|run| run.display().to_string()).collect();
    let merged =
        replay(&home, &format!("merge {} --out whole --json r.json", paths.join(" "))).await;
    assert!([0, INVALID].contains(&merged.status.code().unwrap()), "{}", said(&merged));
    let report = read_json(&home, "r.json");
    assert_eq!(report["arms"][0]["runs"][0]["requests"], 40);
    let whole = std::fs::read_dir(home.path().join("whole")).unwrap().next().unwrap().unwrap();
    let whole = RunDirectory::open(&whole.path()).unwrap();
    assert_eq!(whole.samples().unwrap().count(), 40);
    // Half of it is not the whole.
    let half = replay(&home, &format!("merge {} --out half", paths[0])).await;
    assert_code(&half, INVALID);
    assert!(said(&half).contains("is missing"), "{}", said(&half));
    let twice = replay(&home, &format!("merge {0} {0} --out twice", paths[0])).await;
    assert!(said(&twice).contains("are the same shard"), "{}", said(&twice));
}

#[tokio::test]
async fn a_worker_that_comes_too_late_does_not_begin() {
    let home = Home::new();
    let file = captured(&home, 3);
    let upstream = Upstream::start(serve_well);
    let arguments = format!(
        "run {} --target {} --rate 50/s --start-at 2020-01-01T00:00:00Z",
        file.display(),
        upstream.url()
    );
    let output = replay(&home, &arguments).await;
    assert!(!output.status.success());
    assert!(said(&output).contains("before this worker was there"), "{}", said(&output));
    assert_eq!(upstream.count(), 0);
}
