//! A report for a pipeline that knows tests: JUnit XML, a case for each run, metric and rung.
//!
//! | found | case |
//! |---|---|
//! | regressed, beyond the floor, of what decides | failure |
//! | the same of what only explains | skipped, and says so |
//! | improved, equivalent, within the floor, a run that counts | passed |
//! | inconclusive | skipped, with the reason: nothing was shown to be wrong, or right |
//! | invalid | error: the test itself is broken |
//!
//! The case `verdict` says the same of the whole. Whether a pipeline stops is told by the exit
//! code. Must not know: which pipeline reads it.

use super::input::ReportInput;
use super::summary::{ArmSummary, Spread, Standing, Summary};
use super::words;
use crate::human;
use crate::replay::{AnswerComparison, Comparison, MetricComparison, Role, Rung, Verdict};
use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

/// The report as one XML document.
///
/// # Errors
/// When XML cannot be written into memory, which it can.
pub fn junit(input: &ReportInput) -> Result<String, SerializeError> {
    let summary = Summary::of(input);
    let mut report = Report::new("transom replay");
    report.add_test_suite(runs(input, &summary));
    if let Some(comparison) = input.comparison() {
        report.add_test_suite(metrics(comparison, &summary));
        if let Some(answers) = &comparison.answers {
            report.add_test_suite(rungs(answers));
        }
    }
    report.to_string()
}

fn runs(input: &ReportInput, summary: &Summary<'_>) -> TestSuite {
    let mut suite = TestSuite::new("replay.runs");
    suite.add_property(property("report", &input.id));
    suite.add_property(property("began", humantime::format_rfc3339_seconds(input.began)));
    suite.add_property(property("program", &input.program));
    suite.add_property(property("schedule", words::schedule(&input.plan)));
    suite.add_property(property("seed", input.plan.options.seed));
    for arm in &summary.arms {
        suite.add_test_cases(run_cases(arm));
    }
    suite
}

fn run_cases(arm: &ArmSummary<'_>) -> Vec<TestCase> {
    let case = |(at, run): (usize, &super::Run)| {
        let status = if run.is_valid() {
            TestCaseStatus::success()
        } else {
            told(
                TestCaseStatus::non_success(NonSuccessKind::Error),
                "INVALID",
                &run.complaints().join(" "),
            )
        };
        let mut case = TestCase::new(arm.label(at), status);
        case.set_classname("replay.runs");
        case.add_property(property("target", &arm.arm.target));
        case.add_property(property("requests", run.requests));
        case.add_property(property("failed", run.failed()));
        case
    };
    arm.arm.runs.iter().enumerate().map(case).collect()
}

fn metrics(comparison: &Comparison, summary: &Summary<'_>) -> TestSuite {
    let mut suite = TestSuite::new("replay.comparison");
    let why = if comparison.reasons.is_empty() {
        summary.headline.clone()
    } else {
        comparison.reasons.join("\n")
    };
    let mut verdict = TestCase::new("verdict", status(comparison.verdict, &summary.headline, &why));
    verdict.set_classname("replay.comparison");
    suite.add_test_case(verdict);
    suite.add_test_cases(comparison.metrics.iter().map(|metric| {
        let said = metric_in_words(metric);
        let status = by_role(metric.role, metric.verdict, &said);
        let mut case = TestCase::new(words::metric(metric.metric), status);
        case.set_classname("replay.comparison");
        case.set_system_out(said);
        case
    }));
    suite
}

fn rungs(answers: &AnswerComparison) -> TestSuite {
    let mut suite = TestSuite::new("replay.answers");
    suite.add_test_cases(answers.rungs.iter().map(|rung| {
        let said = rung_in_words(rung);
        let status = by_role(rung.role, rung.verdict, &said);
        let mut case = TestCase::new(words::rung(&rung.name), status);
        case.set_classname("replay.answers");
        case.set_system_out(said);
        case
    }));
    suite
}

/// What decides nothing fails no pipeline.
fn by_role(role: Role, verdict: Verdict, said: &str) -> TestCaseStatus {
    match (role, verdict) {
        (Role::Informative, Verdict::Regressed) => {
            let said = format!("It decides nothing: {said}");
            told(TestCaseStatus::skipped(), words::verdict(verdict), &said)
        }
        _ => status(verdict, said, ""),
    }
}

fn status(verdict: Verdict, message: &str, description: &str) -> TestCaseStatus {
    let status = match verdict {
        Verdict::Improved | Verdict::Equivalent => TestCaseStatus::success(),
        Verdict::Regressed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Invalid => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Inconclusive => TestCaseStatus::skipped(),
    };
    let mut status = told(status, words::verdict(verdict), message);
    if !description.is_empty() {
        status.set_description(description);
    }
    status
}

fn told(mut status: TestCaseStatus, kind: &str, message: &str) -> TestCaseStatus {
    status.set_type(kind).set_message(message);
    status
}

fn property(name: &str, value: impl std::fmt::Display) -> Property {
    Property::new(name, value.to_string())
}

/// `TTFT p95: 391 ms → 415 ms, +6.1 % (+2.9 % to +9.4 %), p = 0.016`.
fn metric_in_words(metric: &MetricComparison) -> String {
    let unit = words::unit(metric.metric.quantity);
    let side = |values: &[f64]| {
        Spread::of(values).map_or_else(|| human::UNKNOWN.to_owned(), |of| unit.say(of.mean))
    };
    format!(
        "{}: {} → {}, {} ({}), p = {}",
        words::metric(metric.metric),
        side(&metric.a),
        side(&metric.b),
        unit.say_effect(&metric.effect),
        unit.say_interval(&metric.effect),
        human::probability(metric.p_adjusted),
    )
}

fn rung_in_words(rung: &Rung) -> String {
    let unit = words::Unit::Share;
    let examples: Vec<String> = rung.examples.iter().map(u64::to_string).collect();
    let shown = if examples.is_empty() {
        String::new()
    } else {
        format!(", as in requests {}", examples.join(", "))
    };
    format!(
        "{}: {} of pairs differ where A differs from itself in {}: {} ({}), p = {}{shown}",
        Standing::of_rung(rung).word,
        human::share(rung.differ),
        human::share(rung.floor),
        unit.say_effect(&rung.excess),
        unit.say_interval(&rung.excess),
        human::probability(rung.p_adjusted),
    )
}
