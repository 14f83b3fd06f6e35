//! What keeps a replay from doing harm.

use super::*;
use std::time::UNIX_EPOCH;
use transom::replay::directory::RunDirectory;

/// Bad usage: nothing was sent.
const USAGE: i32 = 4;

#[tokio::test]
async fn a_run_that_would_use_more_than_it_may_is_not_begun() {
    let home = Home::new();
    let file = captured(&home, 20);
    let upstream = Upstream::start(serve_well);
    let run = format!("run {} --target {} --rate 100/s", file.display(), upstream.url());
    let output = replay(&home, &format!("{run} --max-tokens 100")).await;
    assert_code(&output, USAGE);
    assert!(said(&output).contains("20 requests, about"), "{}", said(&output));
    assert!(said(&output).contains("more than --max-tokens allows"), "{}", said(&output));
    let output = replay(&home, &format!("{run} --max-cost 1")).await;
    assert_code(&output, USAGE);
    assert!(said(&output).contains("give a price"), "{}", said(&output));
    let output =
        replay(&home, &format!("{run} --max-cost 0.001 --price-in 10 --price-out 30")).await;
    assert_code(&output, USAGE);
    assert!(said(&output).contains("--max-cost"), "{}", said(&output));
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn a_cap_that_is_reached_ends_the_run_and_the_report_says_so() {
    let home = Home::new();
    let file = captured(&home, 60);
    let upstream = Upstream::start(serve_well);
    let arguments = format!(
        "run {} --target {} --rate 100/s --max-tokens 300 --yes --json r.json",
        file.display(),
        upstream.url()
    );
    let output = replay(&home, &arguments).await;
    assert_code(&output, INVALID);
    assert!(said(&output).contains("stopped: --max-tokens was reached"), "{}", said(&output));
    let sent = upstream.count() as u64;
    assert!((1..60).contains(&sent), "{sent}");
    let failures = &read_json(&home, "r.json")["arms"][0]["runs"][0]["failures"];
    assert_eq!(failures["not_sent"], 60 - sent);
}

#[tokio::test]
async fn an_upstream_in_production_is_not_loaded_without_a_word() {
    let home = Home::new();
    let file = captured(&home, 3);
    let upstream = Upstream::start(serve_well);
    let config = format!(
        "[[upstream]]\nname = \"live\"\nendpoints = [{:?}]\nproduction = true\n",
        upstream.url()
    );
    home.write("t.toml", &config);
    let arguments = format!(
        "run {} --config t.toml --target {}/v1 --rate 50/s",
        file.display(),
        upstream.url()
    );
    let output = replay(&home, &arguments).await;
    assert_code(&output, USAGE);
    assert!(said(&output).contains("live is in production"), "{}", said(&output));
    assert_eq!(upstream.requests().len(), 0);
    let output = replay(&home, &format!("{arguments} --yes")).await;
    assert!([0, INVALID].contains(&output.status.code().unwrap()), "{}", said(&output));
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn a_replay_that_can_wait_begins_when_the_power_is_clean() {
    let home = Home::new();
    let file = captured(&home, 3);
    let upstream = Upstream::start(serve_well);
    let now = transom::types::Clock::system().date().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let slots = [(now - 60, now + 3, 500), (now + 3, now + 7_200, 90)];
    let slot = |(from, to, intensity): (u64, u64, u32)| json!({ "from": from, "to": to, "intensity": intensity });
    home.write("forecast.json", &json!(slots.map(slot)).to_string());
    let arguments = format!(
        "run {} --target {} --rate 50/s --low-carbon forecast.json --within 1h",
        file.display(),
        upstream.url()
    );
    let output = replay(&home, &arguments).await;
    assert!(said(&output).contains("90 gCO2/kWh on average instead of"), "{}", said(&output));
    let began = RunDirectory::open(&runs(&home)[0]).unwrap().head().began.seconds();
    assert!(began >= (now + 3) as f64, "{began} {now}");
    // The best window is now: nothing is waited for.
    home.write("forecast.json", &json!([slot((now - 60, now + 7_200, 90))]).to_string());
    let output = replay(&home, &arguments).await;
    assert!(said(&output).contains("Begins at once"), "{}", said(&output));
}

#[tokio::test]
async fn a_key_is_sent_to_its_target_and_stands_nowhere() {
    const KEY: &str = "sk-canary-of-the-target-0123456789";
    let home = Home::new();
    let file = captured(&home, 3);
    let upstream = Upstream::start(serve_well);
    let arguments = format!(
        "run {} --target {} --rate 50/s --key-env TARGET_KEY --answers --html r.html --json r.json",
        file.display(),
        upstream.url()
    );
    let output = command(&home, &arguments).env("TARGET_KEY", KEY).output().await.unwrap();
    assert_eq!(upstream.count(), 3);
    for request in upstream.requests() {
        assert_eq!(request.head.header("authorization"), Some(&*format!("Bearer {KEY}")));
    }
    assert!(!said(&output).contains(KEY));
    let [run] = &runs(&home)[..] else { panic!("one run") };
    let kept = std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let reports = ["r.html", "r.json"].map(|name| home.path().join(name));
    for path in kept.chain(reports) {
        let bytes = std::fs::read(&path).unwrap();
        let plain = zstd::decode_all(&bytes[..]).unwrap_or(bytes);
        let found = plain.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!found, "{}", path.display());
    }
}
