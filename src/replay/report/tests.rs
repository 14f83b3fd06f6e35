//! Reports of simulated runs, in every form.

use super::*;
use crate::replay::{Role, Validity, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;

/// Every kind of report there is.
fn all() -> Vec<(&'static str, ReportInput)> {
    vec![
        ("regressed", simulated::regressed()),
        ("inconclusive", simulated::inconclusive()),
        ("single", simulated::single()),
        ("invalid", simulated::invalid()),
        ("empty", simulated::empty()),
        ("broken", simulated::broken()),
        ("hostile", simulated::hostile()),
    ]
}

fn value(input: &ReportInput) -> Value {
    serde_json::from_str(&json(input).unwrap()).unwrap()
}

/// A page without its text, and without what is in quotes.
fn markup(page: &str) -> String {
    let tags = page.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    let bare = |tag: &str| tag.split('"').step_by(2).collect::<Vec<_>>().join("_");
    tags.map(|tag| format!("<{}>", bare(tag))).collect()
}

#[test]
fn every_form_says_the_same_verdict() {
    for (name, input) in all() {
        let word = value(&input)["outcome"].as_str().unwrap().to_owned();
        assert!(html(&input).unwrap().contains(&format!("<title>{word}:")), "{name}");
        assert!(markdown(&input).contains(&format!(" {word}\n")), "{name}");
        let style = TerminalStyle::default();
        assert!(terminal(&input, style).lines().next().unwrap().contains(&word), "{name}");
    }
}

#[test]
fn the_page_needs_nothing_else_and_allows_nothing_else() {
    for (name, input) in all() {
        let page = html(&input).unwrap();
        let markup = markup(&page);
        for outside in [
            "<script", "<link", "<img", "<iframe", " src=", " href=", "url(", "@import", " style=",
            "onerror",
        ] {
            assert!(!markup.contains(outside), "{name}: {outside}");
        }
        let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap();
        let policy = policy.split('"').next().unwrap().replace("&#39;", "'");
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        use base64::Engine;
        use sha2::Digest;
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
        let wanted = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
        );
        assert_eq!(policy, wanted, "{name}");
        assert!(!page.contains("NaN") && !page.contains(">inf"), "{name}");
    }
}

#[test]
fn a_page_of_ten_runs_is_small() {
    let size = html(&simulated::large()).unwrap().len();
    assert!(size < 500_000, "{size}");
}

#[test]
fn a_page_stays_small_with_many_runs() {
    let mut input = simulated::regressed();
    if let Arms::Two { a, b, .. } = &mut input.arms {
        for arm in [a, b] {
            arm.runs = arm.runs.iter().cycle().take(40).cloned().collect();
        }
    }
    let size = html(&input).unwrap().len();
    assert!(size < 700_000, "{size}");
    assert!(markdown(&input).len() < 65_536);
}

#[test]
fn no_two_elements_of_a_page_share_an_id() {
    for (name, input) in all() {
        let page = html(&input).unwrap();
        let ids: Vec<&str> =
            page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let unique: BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: {ids:?}");
        for rest in page.split("labelledby=\"").skip(1) {
            let named = rest.split('"').next().unwrap();
            assert!(ids.contains(&named), "{name}: {named} is nowhere");
        }
    }
}

#[test]
fn nobody_elses_text_is_markup() {
    let input = simulated::hostile();
    let page = html(&input).unwrap();
    assert!(page.contains("alert(1)") && page.contains("&#60;script&#62;"));
    let comment = markdown(&input);
    assert!(!comment.contains("<script") && !comment.contains("<img"), "{comment}");
    assert!(!comment.contains("@team") && !comment.contains('\u{1b}'), "{comment}");
    let xml = junit(&input).unwrap();
    assert!(!xml.contains("<script") && !xml.contains('\u{1b}'), "{xml}");
}

#[test]
fn the_json_has_the_members_it_promises() {
    let report = value(&simulated::regressed());
    assert_eq!(
        (report["schema"].as_str(), report["version"].as_u64()),
        (Some("transom.replay.report"), Some(1))
    );
    assert_eq!(report["outcome"], "REGRESSED");
    assert_eq!(report["began"], "2026-03-01T12:00:00.000000Z");
    assert_eq!(report["plan"]["options"]["seed"], 42);
    let arm = &report["arms"][1];
    assert_eq!((&arm["letter"], &arm["name"]), (&"B".into(), &"candidate".into()));
    let figure = &arm["figures"][0];
    assert_eq!(figure["quantity"], "ttft");
    assert_eq!(figure["statistic"], "mean");
    assert_eq!(figure["unit"], "seconds");
    assert!(figure["low"].as_f64() <= figure["mean"].as_f64());
    assert!(figure["mean"].as_f64() <= figure["high"].as_f64());
    let run = &arm["runs"][2];
    assert_eq!(run["label"], "B3");
    assert_eq!(run["validity"]["is"], "valid");
    assert!(run["failures"].as_object().unwrap().values().all(Value::is_u64));
    assert_eq!(run["send_lag"]["limit"], 24_000);
    let buckets = run["send_lag"]["buckets"].as_array().unwrap();
    let lagged: u64 = buckets.iter().filter_map(|bucket| bucket["requests"].as_u64()).sum();
    assert_eq!(lagged, 600);
    assert_eq!(report["comparison"]["metrics"].as_array().unwrap().len(), 9);
    assert_eq!(report["comparison"]["metrics"][0]["effect"]["kind"], "ratio");
}

#[test]
fn what_is_no_number_is_null_in_json() {
    let report = value(&simulated::broken());
    assert!(report["arms"][0]["runs"][0]["figures"][0]["value"].is_null());
    assert!(report["comparison"]["metrics"][0]["effect"]["high"].is_null());
    let single = value(&simulated::single());
    assert!(single["comparison"].is_null() && single["arms"][0]["letter"].is_null());
}

#[test]
fn a_pipeline_sees_failures_skips_and_errors() {
    let count = |input: &ReportInput, what: &str| junit(input).unwrap().matches(what).count();
    let regressed = simulated::regressed();
    let metrics = &regressed.comparison().unwrap().metrics;
    let worse = metrics.iter().filter(|metric| metric.verdict == Verdict::Regressed);
    let (deciding, explaining): (Vec<_>, Vec<_>) =
        worse.partition(|metric| metric.role == Role::Primary);
    assert!(!deciding.is_empty() && !explaining.is_empty());
    // One for the verdict, one for the rung.
    assert_eq!(count(&regressed, "<failure "), deciding.len() + 2);
    assert_eq!(count(&regressed, "message=\"It decides nothing: "), explaining.len());
    assert_eq!(count(&regressed, "<testcase "), 10 + 1 + 9 + 7);
    let inconclusive = simulated::inconclusive();
    assert_eq!(count(&inconclusive, "<failure "), 0);
    assert_eq!(count(&inconclusive, "<skipped "), 10);
    let invalid = simulated::invalid();
    assert_eq!(count(&invalid, "<error "), 1);
    assert!(junit(&invalid).unwrap().contains("The generator lagged"));
}

#[test]
fn a_metric_that_only_explains_fails_no_pipeline() {
    let mut input = simulated::regressed();
    if let Arms::Two { comparison, .. } = &mut input.arms {
        comparison.verdict = Verdict::Equivalent;
        comparison.metrics.iter_mut().for_each(|metric| metric.role = Role::Informative);
        let rungs = &mut comparison.answers.as_mut().unwrap().rungs;
        rungs.iter_mut().for_each(|rung| rung.role = Role::Informative);
    }
    let xml = junit(&input).unwrap();
    assert!(!xml.contains("<failure "), "{xml}");
    assert!(xml.contains("type=\"REGRESSED\""), "{xml}");
}

#[test]
fn a_comment_says_the_verdict_first_and_folds_the_rest() {
    let comment = markdown(&simulated::regressed());
    let mut lines = comment.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some(MARKDOWN_MARK));
    assert_eq!(lines.next(), Some("### `!` REGRESSED"));
    assert_eq!(lines.next(), Some("**candidate is worse than baseline, beyond the noise.**"));
    let table = comment.find("| Metric |").unwrap();
    assert!(table < comment.find("<details>").unwrap());
    let opened = comment.matches("<details>").count();
    assert_eq!((opened, comment.matches("</details>").count()), (4, 4));
    for row in comment.lines().filter(|line| line.starts_with("| TTFT p")) {
        assert_eq!(row.matches('|').count(), 8, "{row}");
    }
}

#[test]
fn figures_are_of_the_runs_that_count() {
    let mut input = simulated::single();
    let mean = |input: &ReportInput| value(input)["arms"][0]["figures"][0]["mean"].as_f64();
    let before = mean(&input);
    if let Arms::One(arm) = &mut input.arms {
        arm.runs[1].validity = Validity::Invalid(vec!["It was stopped.".to_owned()]);
        arm.runs[1].figures.values_mut().for_each(|figure| *figure *= 100.0);
    }
    let after = mean(&input);
    assert!(after.unwrap() < before.unwrap() * 1.1, "{before:?} {after:?}");
    let report = value(&input);
    assert_eq!(report["outcome"], "VALID");
    assert_eq!(report["reasons"][0], "Run 2: It was stopped.");
    if let Arms::One(arm) = &mut input.arms {
        arm.runs.iter_mut().for_each(|run| run.validity = Validity::Invalid(Vec::new()));
    }
    assert_eq!(value(&input)["outcome"], "INVALID");
}

#[test]
fn requests_that_were_not_sent_or_left_as_planned_did_not_fail() {
    use crate::replay::Failure;
    let Arms::One(arm) = simulated::single().arms else { return };
    let mut run = arm.runs[0].clone();
    let (failed, judged) = (run.failed(), run.judged());
    run.failures.insert(Failure::Cancelled, 30);
    run.failures.insert(Failure::NotSent, 12);
    assert_eq!((run.failed(), run.judged()), (failed, judged - 42));
    run.failures.insert(Failure::RateLimited, 5);
    assert_eq!((run.failed(), run.judged()), (failed + 5, judged - 42));
}
