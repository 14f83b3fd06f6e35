//! Plans on disk.

use super::*;
use crate::replay::planner::PlanInput;
use crate::replay::planner::tests::{options, planned_of};
use crate::replay::{Arrival, PlanOptions, Repeat, Schedule, Stage};
use crate::types::Micros;

fn some_plan() -> Plan {
    let stage = Stage { from: 12.5, to: 80.0, lasts: Micros(10_000_000) };
    let schedule = Schedule::Open { arrival: Arrival::Gamma { shape: 0.3 }, stages: vec![stage] };
    let inputs = [PlanInput { received: Micros(5), ..PlanInput::default() }];
    planned_of(&inputs, &PlanOptions { repeat: Repeat::Loop, ..options(schedule) })
}

fn written(plan: &Plan) -> Vec<u8> {
    let mut bytes = Vec::new();
    plan.write(&mut bytes).unwrap();
    bytes
}

/// The file with its text changed.
fn changed(plan: &Plan, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let text = zstd::decode_all(&written(plan)[..]).unwrap();
    let text = change(String::from_utf8(text).unwrap());
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    let plan = some_plan();
    let mut bytes = Vec::new();
    let digest = plan.write(&mut bytes).unwrap();
    let read = Plan::read(&bytes[..]).unwrap();
    assert_eq!(read, plan);
    assert_eq!((read.digest(), plan.digest()), (digest.clone(), digest));
    assert!(bytes.len() < plan.requests.len() * 40, "{} bytes", bytes.len());
}

#[test]
fn a_head_comes_first_and_then_a_request_a_line() {
    let plan = some_plan();
    let text = zstd::decode_all(&written(&plan)[..]).unwrap();
    let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    assert!(lines[0].starts_with(br#"{"version":1,"options":{"schedule":{"kind":"open""#));
    assert!(lines[1].starts_with(br#"{"number":0,"exchange":0,"at":"#));
    assert_eq!(lines.len(), 1 + plan.requests.len() + 1 + 1);
}

#[test]
fn another_version_is_refused_whatever_else_it_says() {
    let plan = some_plan();
    let newer = changed(&plan, |text| text.replacen(r#"{"version":1"#, r#"{"version":2"#, 1));
    assert!(matches!(Plan::read(&newer[..]), Err(PlanFileError::Version(2))));
    let foreign = zstd::encode_all(&b"{\"version\":9,\"plan\":[]}\n"[..], 1).unwrap();
    assert!(matches!(Plan::read(&foreign[..]), Err(PlanFileError::Version(9))));
}

#[test]
fn a_plan_that_was_cut_anywhere_is_refused() {
    let plan = some_plan();
    let bytes = written(&plan);
    for end in (0..bytes.len()).step_by(97) {
        assert!(Plan::read(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
    let without_end = changed(&plan, |text| {
        let end = text.trim_end().rfind('\n').unwrap();
        text[..=end].to_owned()
    });
    assert!(matches!(Plan::read(&without_end[..]), Err(PlanFileError::Cut)));
}

#[test]
fn a_plan_that_was_changed_is_refused() {
    let plan = some_plan();
    let seed = changed(&plan, |text| text.replacen(r#""seed":7"#, r#""seed":8"#, 1));
    assert!(matches!(Plan::read(&seed[..]), Err(PlanFileError::Changed)));
    let lacking = changed(&plan, |text| {
        text.lines()
            .enumerate()
            .filter(|(at, _)| *at != 3)
            .map(|(_, it)| format!("{it}\n"))
            .collect()
    });
    assert!(matches!(Plan::read(&lacking[..]), Err(PlanFileError::Changed)));
}

#[test]
fn lines_that_make_no_sense_are_named() {
    let plan = some_plan();
    let told = |from: &str, to: &str| {
        Plan::read(&changed(&plan, |text| text.replacen(from, to, 1))[..]).unwrap_err().to_string()
    };
    let unknown = told(r#""exchange":0"#, r#""exchange":1"#);
    assert_eq!(unknown, "line 2 of the plan: the capture has no such request");
    let twice = told(r#""number":1,"#, r#""number":0,"#);
    assert_eq!(twice, "line 3 of the plan: its number was there before");
    assert!(told(r#""number":1,"#, r#""number":-1,"#).starts_with("line 3 of the plan: "));
    assert!(Plan::read(&b"no zstd"[..]).is_err());
}

#[test]
fn rates_are_read_to_the_last_digit() {
    // Without serde_json's `float_roundtrip` every ninth of these is another number, and the
    // digest of a plan that was read another one than that of the plan that was written.
    let random = crate::types::Random::seeded(5);
    let mut plan = Plan { requests: Vec::new(), ..some_plan() };
    for _ in 0..200 {
        let rate = random.below(1_000_000_000) as f64 / (1 + random.below(100_000)) as f64;
        plan.head.options.schedule = Schedule::Recorded { speed: rate };
        let read = Plan::read(&written(&plan)[..]).unwrap();
        assert_eq!((read.digest(), read), (plan.digest(), plan.clone()));
    }
}
