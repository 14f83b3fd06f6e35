//! Verdicts and their reasons, on runs made by hand.

use super::simulation::{FAILURES, LATENCY, TTFT, arms, figures, runs};
use crate::replay::compare::{Arms, CompareSettings, Order, compare, with_answers};
use crate::replay::{
    AnswerComparison, Comparison, Effect, Metric, Quantity, Role, Statistic, Validity, Verdict,
};

const A: [f64; 5] = [0.400, 0.404, 0.396, 0.402, 0.398];

fn scaled(factor: f64) -> Vec<f64> {
    A.iter().rev().map(|value| value * factor).collect()
}

fn only(metric: Metric) -> CompareSettings {
    CompareSettings { primary: vec![metric], ..CompareSettings::default() }
}

fn of_ttft(b: &[f64]) -> Comparison {
    compare(&arms(&runs(TTFT, &A), &runs(TTFT, b)), &only(TTFT))
}

#[test]
fn a_slowdown_is_told_with_its_size_its_interval_and_its_p() {
    let slower = of_ttft(&scaled(1.06));
    assert_eq!(slower.verdict, Verdict::Regressed);
    assert_eq!(
        slower.reasons,
        ["p95 TTFT rose by 6.0 % (4.7 to 7.3 %), p = 0.008 after correction."]
    );
    let Effect::Ratio { value, low, high } = slower.metrics[0].effect else { panic!() };
    assert!((value - 1.06).abs() < 1e-9 && low < value && value < high);
    assert_eq!((slower.runs, slower.verdict.exit_code()), ((5, 5), 1));
}

#[test]
fn a_speedup_is_an_improvement_and_more_goodput_too() {
    let faster = of_ttft(&scaled(0.9));
    assert_eq!((faster.verdict, faster.verdict.exit_code()), (Verdict::Improved, 0));
    assert!(faster.reasons[0].starts_with("p95 TTFT fell by 10.0 % (8."), "{:?}", faster.reasons);
    let goodput = Metric { quantity: Quantity::Goodput, statistic: Statistic::Total };
    let settings = only(goodput);
    let of_goodput = |factor| {
        compare(&arms(&runs(goodput, &A), &runs(goodput, &scaled(factor))), &settings).verdict
    };
    assert_eq!(of_goodput(1.1), Verdict::Improved);
    assert_eq!(of_goodput(0.9), Verdict::Regressed);
}

#[test]
fn what_is_surely_less_than_the_margin_is_equal() {
    let equal = of_ttft(&scaled(1.001));
    assert_eq!((equal.verdict, equal.verdict.exit_code()), (Verdict::Equivalent, 0));
    let expected = "p95 TTFT is equal within 5.0 %: B is 0.10 % above A (";
    assert!(equal.reasons[0].starts_with(expected), "{:?}", equal.reasons);
    // Sure, but small: 2 % where 5 % count as equal.
    let tiny = of_ttft(&A.iter().map(|value| value * 1.02).collect::<Vec<_>>());
    assert!(tiny.metrics[0].p < 0.05);
    assert_eq!(tiny.verdict, Verdict::Equivalent);
}

#[test]
fn an_interval_that_leaves_the_margin_beside_an_equal_metric_is_explained() {
    let close = (0..40).map(|step| 1.03 + 0.0005 * f64::from(step));
    let close = close.map(|factor| of_ttft(&scaled(factor)));
    let leaving = close.filter(|found| {
        let Effect::Ratio { high, .. } = found.metrics[0].effect else { panic!() };
        found.verdict == Verdict::Equivalent && high > 1.05
    });
    let leaving: Vec<_> = leaving.collect();
    assert!(!leaving.is_empty(), "the levels differ");
    let expected = "; that is the interval at 95 %, and the one at 90 % decides.";
    assert!(leaving.iter().all(|found| found.reasons[0].ends_with(expected)), "{leaving:?}");
    assert!(!of_ttft(&scaled(1.001)).reasons[0].contains("decides"));
}

#[test]
fn each_metric_says_whether_it_decides() {
    let other = Metric { quantity: Quantity::Tpot, statistic: Statistic::P50 };
    let both = |factor: f64| {
        let mut runs = runs(TTFT, &A);
        for (run, value) in runs.iter_mut().zip(scaled(factor)) {
            run.values.insert(other, value);
        }
        runs
    };
    let found = compare(&arms(&both(1.0), &both(1.5)), &only(TTFT));
    let said: Vec<_> =
        found.metrics.iter().map(|one| (one.metric, one.role, one.verdict)).collect();
    assert_eq!(
        said,
        [
            (TTFT, Role::Primary, Verdict::Equivalent),
            (other, Role::Informative, Verdict::Regressed)
        ]
    );
    assert_eq!((found.verdict, found.share_margin), (Verdict::Equivalent, 0.01));
}

#[test]
fn what_cannot_be_told_says_how_many_runs_would() {
    let unclear = of_ttft(&[0.36, 0.46, 0.41, 0.44, 0.38]);
    assert_eq!((unclear.verdict, unclear.verdict.exit_code()), (Verdict::Inconclusive, 2));
    let reason = &unclear.reasons[0];
    assert!(reason.starts_with("p95 TTFT cannot be told: B is "), "{reason}");
    assert!(reason.ends_with(" runs of each would find a change of 5.0 %."), "{reason}");
}

#[test]
fn too_few_runs_are_told_from_runs_that_do_not_differ() {
    let settings = CompareSettings::default();
    let few = compare(&arms(&runs(TTFT, &A[..2]), &runs(TTFT, &[0.8, 0.81])), &settings);
    assert_eq!(few.verdict, Verdict::Inconclusive);
    assert_eq!(
        few.reasons[0],
        "2 and 2 runs are too few to find a difference in 1 metric: their smallest p is 0.33, \
         0.33 after correction. 4 and 4 runs would do."
    );
    let Effect::Ratio { low, high, .. } = few.metrics[0].effect else { panic!() };
    assert!(low > 1.5 && high < 3.0, "the t interval stands in: {low} {high}");
    for (a, b) in [(1, 5), (5, 1), (1, 1)] {
        let one = compare(&arms(&runs(TTFT, &A[..a]), &runs(TTFT, &A[..b])), &settings);
        assert_eq!((one.verdict, one.metrics.len()), (Verdict::Inconclusive, 0));
        assert!(one.reasons[0].contains("too few"), "{:?}", one.reasons);
    }
}

#[test]
fn too_many_metrics_for_so_few_runs_are_told() {
    let all = |factor: f64| -> Vec<_> {
        let quantiles = [Statistic::P50, Statistic::P90, Statistic::P95, Statistic::P99];
        let quantities = [Quantity::Ttft, Quantity::Latency];
        let metrics: Vec<Metric> = quantities
            .iter()
            .flat_map(|q| quantiles.map(|s| Metric { quantity: *q, statistic: s }))
            .collect();
        let run = |value: &f64| {
            figures(&metrics.iter().map(|m| (*m, value * factor)).collect::<Vec<_>>())
        };
        A.iter().map(run).collect()
    };
    let (a, b) = (all(1.0), all(1.5));
    let primary: Vec<Metric> = a[0].values.keys().copied().collect();
    let settings = CompareSettings { primary, ..CompareSettings::default() };
    let many = compare(&arms(&a, &b), &settings);
    assert_eq!(many.verdict, Verdict::Inconclusive);
    assert_eq!(
        many.reasons[0],
        "5 and 5 runs are too few to find a difference in 8 metrics: their smallest p is 0.0079, \
         0.063 after correction. 6 and 6 runs would do."
    );
    // As informative ones beside a primary one they do no harm.
    let settings = CompareSettings { primary: vec![TTFT], ..settings };
    let one = compare(&arms(&a, &b), &settings);
    assert_eq!((one.verdict, one.metrics[0].metric), (Verdict::Regressed, TTFT));
    assert!(one.metrics[1..].iter().all(|metric| metric.p_adjusted > metric.p));
}

#[test]
fn one_regression_outweighs_an_improvement() {
    let two = |ttft: &[f64], latency: &[f64]| -> Vec<_> {
        ttft.iter().zip(latency).map(|(t, l)| figures(&[(TTFT, *t), (LATENCY, *l)])).collect()
    };
    let a = two(&A, &A);
    let verdict = |ttft: f64, latency: f64| {
        let b = two(&scaled(ttft), &scaled(latency));
        compare(&arms(&a, &b), &CompareSettings::default())
    };
    let both = verdict(0.8, 1.2);
    assert_eq!(both.verdict, Verdict::Regressed);
    assert!(both.reasons[0].starts_with("p95 latency rose"), "{:?}", both.reasons);
    assert_eq!(verdict(0.8, 1.0).verdict, Verdict::Improved);
    assert_eq!(verdict(1.0, 1.0).verdict, Verdict::Equivalent);
}

#[test]
fn failures_are_compared_in_percentage_points() {
    let a = runs(FAILURES, &[0.0, 0.001, 0.0, 0.001, 0.0]);
    let b = runs(FAILURES, &[0.03, 0.032, 0.031, 0.029, 0.03]);
    let failing = compare(&arms(&a, &b), &CompareSettings::default());
    assert_eq!(failing.verdict, Verdict::Regressed);
    assert!(matches!(failing.metrics[0].effect, Effect::Difference { .. }));
    let expected = "share of failures rose by 3.0 percentage points (2.9 to 3.1 percentage points)";
    assert!(failing.reasons[0].starts_with(expected), "{:?}", failing.reasons);
    let none = compare(
        &arms(&runs(FAILURES, &[0.0; 5]), &runs(FAILURES, &[0.0; 5])),
        &CompareSettings::default(),
    );
    assert_eq!(none.verdict, Verdict::Equivalent);
}

#[test]
fn a_run_that_does_not_count_makes_all_of_it_invalid() {
    let mut b = runs(TTFT, &scaled(1.5));
    b[2].validity = Validity::Invalid(vec!["the generator lagged by 40 ms.".to_owned()]);
    let a = runs(TTFT, &A);
    let invalid = compare(&arms(&a, &b), &CompareSettings::default());
    assert_eq!((invalid.verdict, invalid.verdict.exit_code()), (Verdict::Invalid, 3));
    assert_eq!(invalid.reasons, ["Run 3 of B does not count: the generator lagged by 40 ms."]);
    assert_eq!(invalid.metrics[0].verdict, Verdict::Invalid);
    let none = compare(&arms(&a, &[]), &CompareSettings::default());
    assert_eq!(none.reasons, ["There is no run of B."]);
    assert_eq!(none.verdict, Verdict::Invalid);
}

#[test]
fn a_metric_that_some_runs_lack_is_left_out_and_named() {
    let a = runs(TTFT, &A);
    let mut b = runs(TTFT, &scaled(1.0));
    b[1].values.insert(TTFT, f64::NAN);
    b[1].values.insert(LATENCY, 1.0);
    let partial = compare(&arms(&a, &b), &CompareSettings::default());
    assert_eq!((partial.verdict, partial.metrics.len()), (Verdict::Inconclusive, 0));
    assert!(partial.reasons.contains(&"Not every run has p95 TTFT: it is left out.".to_owned()));
}

#[test]
fn arms_that_were_not_interleaved_are_told() {
    let (a, b) = (runs(TTFT, &A), runs(TTFT, &scaled(1.2)));
    for (order, word) in [(Order::InTurn, "not interleaved"), (Order::Recorded, "recorded traffic")]
    {
        let told = compare(&Arms { a: &a, b: &b, order }, &CompareSettings::default());
        assert!(told.reasons.last().unwrap().contains(word), "{:?}", told.reasons);
        assert_eq!(told.verdict, Verdict::Regressed);
    }
}

#[test]
fn answers_can_only_make_it_worse() {
    let merged = |metrics: f64, answers| {
        let answers = AnswerComparison {
            pairs: 1,
            alpha: 0.01,
            confidence: 0.95,
            margin: 0.02,
            length_margin: 0.05,
            rungs: Vec::new(),
            verdict: answers,
        };
        with_answers(of_ttft(&scaled(metrics)), answers, vec!["Answers.".to_owned()])
    };
    assert_eq!(merged(1.0, Verdict::Equivalent).verdict, Verdict::Equivalent);
    assert_eq!(merged(1.0, Verdict::Inconclusive).verdict, Verdict::Inconclusive);
    assert_eq!(merged(0.8, Verdict::Inconclusive).verdict, Verdict::Improved);
    assert_eq!(merged(0.8, Verdict::Regressed).verdict, Verdict::Regressed);
    assert_eq!(merged(1.2, Verdict::Equivalent).verdict, Verdict::Regressed);
    assert_eq!(merged(0.8, Verdict::Regressed).reasons[0], "Answers.");
    assert!(merged(1.2, Verdict::Equivalent).answers.is_some());
}

#[test]
fn a_comparison_survives_being_written_down() {
    let settings = CompareSettings::default();
    let wild =
        compare(&arms(&runs(TTFT, &[1e-300, 1e300]), &runs(TTFT, &[1e300, 1e-300])), &settings);
    for comparison in [of_ttft(&scaled(1.06)), wild] {
        let text = serde_json::to_string(&comparison).unwrap();
        let read: Comparison = serde_json::from_str(&text).unwrap();
        assert_eq!(read.metrics.len(), comparison.metrics.len());
        assert_eq!(read.verdict, comparison.verdict);
    }
}
