//! What other tools are told, held against what they can read.
//!
//! Must not know: configuration files.

use super::*;
use crate::types::Operation;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn slo(name: &str, indicator: Indicator) -> SloSettings {
    SloSettings { name: name.to_owned(), indicator, ..SloSettings::standard() }
}

fn first_token() -> SloSettings {
    SloSettings {
        scope: SloScope::Models("chat-*".to_owned()),
        objective: 0.95,
        ..slo("first-token", Indicator::FirstToken(Duration::from_millis(1_500)))
    }
}

#[test]
fn the_rules_in_the_repository_are_those_of_the_demo() {
    let written = prometheus(&[SloSettings::standard(), first_token()]).unwrap();
    let kept = include_str!("../../../../prometheus/rules/slo.yml");
    assert_eq!(kept.trim_end(), written.trim_end(), "write prometheus/rules/slo.yml anew");
}

#[test]
fn rules_ask_for_ratios_of_increases_guarded_against_few_events() {
    let rules = prometheus(&[slo("a \"b\" \\", Indicator::Availability)]).unwrap();
    for line in [
        "sum by (job, slo, model) (increase(transom_slo_events_total[5m]))",
        r#"transom:slo_error_ratio:increase1h{slo="a \"b\" \\"} > 0.144"#,
        r#"and transom:slo_bad_events:increase3d{slo="a \"b\" \\"} >= 5"#,
        "/ (transom:slo_events:increase30d > 0)",
        r#"- name: "transom slo a \"b\" \\""#,
    ] {
        assert!(rules.contains(line), "{line}\n{rules}");
    }
    assert!(!rules.contains("avg"));
}

#[test]
fn a_window_is_recorded_once_however_many_objectives_need_it() {
    let of_days = |days| SloSettings { window: days * DAY, ..SloSettings::standard() };
    let objectives: Vec<_> = [30, 30, 1, 2, 3, 7, 45, 90].map(of_days).to_vec();
    let rules = prometheus(&objectives).unwrap();
    let records = rules.lines().filter(|line| line.contains("increase") && line.contains("- rec"));
    let records: Vec<&str> = records.collect();
    let different: HashSet<&&str> = records.iter().collect();
    assert_eq!(different.len(), records.len(), "{records:?}");
    for used in rules.split("transom:").skip(1) {
        let name = used.split(['{', ' ', '\n']).next().unwrap();
        assert!(rules.contains(&format!("- record: transom:{name}\n")), "{name}");
    }
}

#[test]
fn openslo_names_are_host_names_and_windows_have_one_unit() {
    let mut odd = slo("Gut & Günstig", Indicator::Latency(Duration::from_secs(30)));
    odd.window = Duration::from_secs(36 * 3600);
    odd.scope = SloScope::Route(Operation::Embeddings);
    let twin = slo("gut---g-nstig", Indicator::Availability);
    let text = openslo(&[odd, twin]).unwrap();
    assert_eq!(text.matches("kind: SLO\n").count(), 2);
    for line in [
        "  name: gut---g-nstig\n",
        "  name: gut---g-nstig-2\n",
        "displayName: \"Gut & Günstig\"",
        "- duration: 36h\n",
        "- duration: 30d\n",
        "target: 0.99",
        "requests to /v1/embeddings are answered within 30s, over 1d12h",
        r#"sum(transom_slo_bad_events_total{slo="Gut & Günstig"})"#,
    ] {
        assert!(text.contains(line), "{line:?}\n{text}");
    }
}

#[test]
fn sloth_fills_in_its_own_windows() {
    let limits = Goodput {
        first_token: Some(Duration::from_secs(1)),
        per_token: Some(Duration::from_millis(50)),
        latency: None,
    };
    let text = sloth(&[first_token(), slo("good", Indicator::Goodput(limits))]).unwrap();
    for line in [
        r#"sum(increase(transom_slo_bad_events_total{slo="first-token"}[{{.window}}]))"#,
        "objective: 95\n",
        "each model chat-* begin to stream within 1.5s, over 30d",
        "with the first token in 1s, each token in 50ms, over 30d",
    ] {
        assert!(text.contains(line), "{line:?}\n{text}");
    }
}

#[test]
fn without_objectives_the_files_are_still_valid() {
    assert!(prometheus(&[]).unwrap().ends_with("\ngroups: []"));
    assert!(sloth(&[]).unwrap().ends_with("\nslos: []"));
    assert_eq!(openslo(&[]).unwrap().matches("kind:").count(), 1);
}
