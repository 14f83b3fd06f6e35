//! Runs that are made for one question.

use super::*;
use std::time::Duration;
use tokio::time::sleep;

/// A backend that answers well, after so many milliseconds.
fn slow(millis: u64) -> Upstream {
    Upstream::start(move |call| async move {
        // The time that a model takes; nothing is waited for.
        sleep(Duration::from_millis(millis)).await;
        serve_well(call).await
    })
}

#[tokio::test]
async fn of_two_targets_by_turns_the_slower_one_is_found_and_stops_a_pipeline() {
    let home = Home::new();
    let file = captured(&home, 12);
    let (a, b) = (slow(5), slow(60));
    let reports = "--html r.html --json r.json --junit r.xml --markdown r.md";
    let arguments = format!(
        "ab {} --a {} --b {} --runs 5 --rate 60/s --answers {reports}",
        file.display(),
        a.url(),
        b.url()
    );
    let output = replay_that_counts(&home, &arguments).await;
    assert_code(&output, 1);
    let report = read_json(&home, "r.json");
    assert_eq!(report["outcome"], "REGRESSED", "{}", said(&output));
    let metrics = report["comparison"]["metrics"].as_array().unwrap();
    let found = metrics.iter().find(|metric| {
        metric["metric"]["quantity"] == "latency" && metric["metric"]["statistic"] == "p95"
    });
    assert_eq!(found.unwrap()["verdict"], "REGRESSED");
    // What the answers say is the same, and is not held against B.
    let rungs = report["comparison"]["answers"]["rungs"].as_array().unwrap();
    assert!(!rungs.is_empty() && rungs.iter().all(|rung| rung["verdict"] != "REGRESSED"));
    assert!(read(&home, "r.html").starts_with("<!doctype html>"));
    assert!(read(&home, "r.xml").contains("<failure"), "for a pipeline that knows tests");
    assert!(read(&home, "r.md").contains("REGRESSED"));
    // What was kept says the same again.
    let kept = said(&output);
    let kept = kept.lines().find_map(|line| line.strip_prefix("kept in ")).unwrap();
    let again = replay(&home, &format!("report {kept} --json again.json")).await;
    assert_code(&again, 0);
    assert_eq!(read_json(&home, "again.json")["comparison"], report["comparison"]);
}

#[tokio::test]
async fn runs_of_the_same_say_how_much_runs_differ() {
    let home = Home::new();
    let file = captured(&home, 20);
    let upstream = slow(5);
    let arguments = format!(
        "calibrate {} --target {} --runs 3 --rate 80/s --json r.json",
        file.display(),
        upstream.url()
    );
    let output = replay_that_counts(&home, &arguments).await;
    assert_code(&output, 0);
    let study = &read_json(&home, "r.json")["study"]["calibrated"];
    assert_eq!(upstream.count() % 60, 0, "three runs of twenty, however often");
    assert_eq!(study["deals"], 200);
    let counted = study["runs"].as_u64().unwrap();
    assert!(counted <= 3, "{study}");
    assert!(said(&output).contains("Noise between runs"), "{}", said(&output));
}

#[tokio::test]
async fn a_search_finds_what_is_borne_and_what_is_not() {
    let home = Home::new();
    let file = captured(&home, 20);
    let good = slow(1);
    let arguments = format!(
        "run {} --target {} --sweep 10..15/s_each_1s --good-latency 5s --json r.json",
        file.display(),
        good.url()
    );
    let knee = |home: &Home| read_json(home, "r.json")["study"]["swept"]["knee"].clone();
    for attempt in 1..=ATTEMPTS {
        assert_code(&search(&home, &arguments).await, 0);
        if knee(&home)["generator_limit"].is_null() || attempt == ATTEMPTS {
            break;
        }
    }
    assert_eq!(knee(&home), json!({ "at_least": 15.0 }));
    let arguments = arguments.replace("--good-latency 5s", "--good-latency 1us");
    for attempt in 1..=ATTEMPTS {
        assert_code(&search(&home, &arguments).await, 0);
        if knee(&home)["generator_limit"].is_null() || attempt == ATTEMPTS {
            break;
        }
    }
    assert_eq!(knee(&home), json!({ "below": 10.0 }));
}

/// With the spaces inside its rates, which other arguments have between them.
async fn search(home: &Home, arguments: &str) -> Output {
    let mut command = Command::new(BINARY);
    let arguments = arguments.split_whitespace().map(|word| word.replace("/s_each_", "/s each "));
    command.arg("replay").args(arguments).current_dir(home.path());
    command.output().await.expect("the binary runs")
}

#[tokio::test]
async fn production_itself_can_be_compared_with() {
    let home = Home::new();
    let upstream = Upstream::start(serve_well);
    let tables = "[capture]\nmodels = [\"*\"]\nmode = \"full\"";
    let data_dir = format!("data_dir = {:?}", home.path());
    let proxy = Setup::to([upstream.url()]).server(&data_dir).tables(tables).start().await;
    let mut client = proxy.client().await;
    for _ in 0..220 {
        client.post("/v1/chat/completions", &[], CHAT.as_bytes()).await;
        assert_eq!(client.response().await.status, 200);
    }
    let mut proxy = proxy;
    proxy.terminate();
    proxy.exited().await;
    let data = format!("--data {}", home.path().display());
    for _ in 0..2 {
        let arguments =
            format!("run {data} --target {} --rate 100/s --requests 20", upstream.url());
        assert_code(&replay_that_counts(&home, &arguments).await, 0);
    }
    let runs = runs(&home);
    let valid: Vec<_> = runs.iter().rev().take(2).map(|run| run.display().to_string()).collect();
    let arguments =
        format!("compare --recorded --blocks 2 {data} --b {} --json r.json", valid.join(" "));
    let output = replay(&home, &arguments).await;
    let report = read_json(&home, "r.json");
    let arm = &report["arms"][0];
    assert_eq!((&arm["name"], arm["runs"].as_array().unwrap().len()), (&json!("production"), 2));
    let requests: u64 =
        arm["runs"].as_array().unwrap().iter().map(|run| run["requests"].as_u64().unwrap()).sum();
    assert_eq!(requests, 220);
    assert!([2, INVALID].contains(&output.status.code().unwrap()), "{}", said(&output));
    assert!(!report["comparison"]["metrics"].as_array().unwrap().is_empty(), "{report}");
}
