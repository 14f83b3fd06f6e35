//! What tests that take requests for independent would say: the reason why none is used.
//!
//! The same server twice, 300 comparisons of 5 and 5 runs each; alarms at alpha 0.05:
//!
//! | noise between runs | requests a run | Mann-Whitney, pooled | KS, pooled | a threshold of 5 % on one run | permutation of runs |
//! |---|---|---|---|---|---|
//! | 2 % | 1,000 | 10 % | 9 % | 22 % | 3.3 % |
//! | 2 % | 3,000 | 36 % | 25 % | 15 % | 3.0 % |
//! | 5 % | 200 | 13 % | 9 % | 62 % | 3.7 % |
//! | 5 % | 1,000 | 51 % | 43 % | 52 % | 4.3 % |
//! | 5 % | 3,000 | 69 % | 64 % | 45 % | 2.7 % |
//!
//! More requests make tests on requests surer of what is only the luck of a run. The test
//! below is a small edition of the table.

use super::simulation::{Run, Server, TTFT, arms};
use crate::replay::Verdict;
use crate::replay::compare::{CompareSettings, RunFigures, compare};

/// The two-sided p of Mann and Whitney's test, by the normal approximation; no ties.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    let mut pooled: Vec<(f64, bool)> = a.iter().map(|x| (*x, false)).collect();
    pooled.extend(b.iter().map(|y| (*y, true)));
    pooled.sort_unstable_by(|x, y| x.0.total_cmp(&y.0));
    let ranks: f64 =
        (1..).zip(&pooled).filter(|(_, one)| one.1).map(|(rank, _)| f64::from(rank)).sum();
    let (n, m) = (a.len() as f64, b.len() as f64);
    let z = (ranks - m * (n + m + 1.0) / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    2.0 * normal_tail(z.abs())
}

/// Abramowitz and Stegun 26.2.17, good to 1e-7.
fn normal_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let coefficients =
        [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let sum = coefficients.iter().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum
}

fn pooled(runs: &[Run]) -> Vec<f64> {
    runs.iter().flat_map(|run| run.ttft.iter().copied()).collect()
}

#[test]
fn tests_on_requests_cry_wolf_where_the_test_on_runs_does_not() {
    let (mut by_requests, mut by_threshold, mut by_runs) = (0, 0, 0);
    for seed in 0..60 {
        let server = Server { requests: 500, ..Server::USUAL };
        let (a, b) = server.comparison(5, 1.0, seed);
        by_requests += u32::from(mann_whitney(&pooled(&a), &pooled(&b)) < 0.05);
        let figures = |runs: &[Run]| runs.iter().map(Run::figures).collect::<Vec<_>>();
        let (a, b) = (figures(&a), figures(&b));
        let one = |runs: &[RunFigures]| runs[0].values[&TTFT];
        by_threshold += u32::from((one(&b) / one(&a) - 1.0).abs() > 0.05);
        let verdict = compare(&arms(&a, &b), &CompareSettings::default()).verdict;
        by_runs += u32::from(matches!(verdict, Verdict::Regressed | Verdict::Improved));
    }
    assert!(by_requests >= 15, "Mann-Whitney: {by_requests} of 60");
    assert!(by_threshold >= 15, "a threshold of 5 %: {by_threshold} of 60");
    // 86 of 2,000 such comparisons, 4.3 %; at 5 % more than 9 of 60 come once in a thousand times.
    assert!(by_runs <= 9, "permutation of runs: {by_runs} of 60");
}
