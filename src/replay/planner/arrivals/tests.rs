//! The statistics of arrivals, on fixed seeds.

use super::*;

fn stage(from: f64, to: f64, seconds: u64) -> Stage {
    Stage { from, to, lasts: Micros(seconds * 1_000_000) }
}

fn seconds(arrival: Arrival, stages: &[Stage], seed: u64) -> Vec<f64> {
    assert_eq!(check_stages(arrival, stages), Ok(()));
    Arrivals::new(arrival, stages, seed).map(|arrived| arrived.at.seconds()).collect()
}

fn gaps(instants: &[f64]) -> Vec<f64> {
    let before = std::iter::once(0.0).chain(instants.iter().copied());
    instants.iter().zip(before).map(|(now, before)| now - before).collect()
}

/// The Kolmogorov-Smirnov distance from the exponential distribution with mean 1, times the
/// root of the number of values: above 1.36 with probability 5 %, above 1.95 with 0.1 %.
fn ks(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let distance = |(rank, value): (usize, &f64)| {
        let expected = 1.0 - (-value).exp();
        (expected - rank as f64 / count).abs().max(((rank + 1) as f64 / count - expected).abs())
    };
    values.iter().enumerate().map(distance).fold(0.0, f64::max) * count.sqrt()
}

/// Variance over mean of the counts in windows of that many seconds.
fn dispersion(instants: &[f64], window: f64, whole: f64) -> f64 {
    let mut counts = vec![0.0; (whole / window) as usize];
    instants.iter().for_each(|at| {
        let last = counts.len() - 1;
        counts[((at / window) as usize).min(last)] += 1.0;
    });
    let count = counts.len() as f64;
    let mean = counts.iter().sum::<f64>() / count;
    counts.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>() / (count - 1.0) / mean
}

#[test]
fn poisson_arrivals_have_the_rate_and_the_spread_of_independent_callers() {
    let whole = 1_000;
    for seed in 0..5 {
        let instants = seconds(Arrival::Poisson, &[stage(50.0, 50.0, whole)], seed);
        let (count, mean) = (instants.len() as f64, 50.0 * whole as f64);
        // Four standard deviations.
        assert!((count - mean).abs() < 4.0 * mean.sqrt(), "{count} requests");
        let spread = dispersion(&instants, 1.0, whole as f64);
        assert!((spread - 1.0).abs() < 4.0 * (2.0 / whole as f64).sqrt(), "{spread}");
    }
}

#[test]
fn gaps_of_poisson_arrivals_are_exponential() {
    let rejected = (0..60).filter(|seed| {
        let instants = seconds(Arrival::Poisson, &[stage(50.0, 50.0, 60)], *seed);
        ks(gaps(&instants).iter().map(|gap| gap * 50.0).collect()) > 1.36
    });
    // 3 are expected; more than 8 would be with probability 0.4 %.
    let rejected = rejected.count();
    assert!(rejected <= 8, "{rejected} of 60 rejected at 5 %");
    // And the test can tell.
    let bursts = seconds(Arrival::Gamma { shape: 0.7 }, &[stage(50.0, 50.0, 60)], 1);
    assert!(ks(gaps(&bursts).iter().map(|gap| gap * 50.0).collect()) > 1.95);
}

#[test]
fn a_ramp_is_a_poisson_process_of_that_rate() {
    // 10/s to 90/s in 100 s, then down to nothing.
    let stages = [stage(10.0, 90.0, 100), stage(90.0, 0.0, 60)];
    let due = |at: f64| match at {
        ..100.0 => 10.0 * at + 0.4 * at * at,
        _ => 5_000.0 + 90.0 * (at - 100.0) - 0.75 * (at - 100.0) * (at - 100.0),
    };
    let rejected = (0..60).filter(|seed| {
        let instants = seconds(Arrival::Poisson, &stages, *seed);
        let rescaled: Vec<f64> = instants.iter().map(|at| due(*at)).collect();
        ks(gaps(&rescaled)) > 1.36
    });
    let rejected = rejected.count();
    assert!(rejected <= 8, "{rejected} of 60 rejected at 5 %");
    let all: usize = (0..20).map(|seed| seconds(Arrival::Poisson, &stages, seed).len()).sum();
    let mean = 20.0 * 7_700.0_f64;
    assert!((all as f64 - mean).abs() < 4.0 * mean.sqrt(), "{all}");
}

#[test]
fn gamma_arrivals_are_as_bursty_as_their_shape_says() {
    let whole = 3_000;
    for (shape, seed) in [(0.25, 3), (0.5, 4), (1.0, 5), (4.0, 6)] {
        let arrival = Arrival::Gamma { shape };
        let instants = seconds(arrival, &[stage(50.0, 50.0, whole)], seed);
        let mean = 50.0 * whole as f64;
        let off = (instants.len() as f64 - mean).abs();
        assert!(off < 4.0 * (mean / shape).sqrt(), "{shape}: {off}");
        // Over long windows the variance is 1 / shape times the mean (renewal theory).
        let spread = dispersion(&instants, 10.0, whole as f64) * shape;
        assert!((spread - 1.0).abs() < 4.0 * (2.0 / 300.0_f64).sqrt(), "{shape}: {spread}");
    }
    // Shape 1 is the exponential distribution by another way.
    let instants = seconds(Arrival::Gamma { shape: 1.0 }, &[stage(50.0, 50.0, 100)], 7);
    assert!(ks(gaps(&instants).iter().map(|gap| gap * 50.0).collect()) < 1.36);
}

#[test]
fn constant_arrivals_are_even_and_fill_a_ramp() {
    let instants = seconds(Arrival::Constant, &[stage(50.0, 50.0, 100)], 0);
    assert_eq!(instants.len(), 5_000);
    assert!(gaps(&instants).iter().skip(1).all(|gap| (gap - 0.02).abs() < 1e-9));
    let ramp = seconds(Arrival::Constant, &[stage(0.0, 100.0, 100)], 0);
    assert_eq!(ramp.len(), 5_000);
    // The n-th request is due when t² / 2 is n.
    for (number, at) in ramp.iter().enumerate() {
        assert!((at - (2.0 * number as f64).sqrt()).abs() < 1.1e-6, "{number}: {at}");
    }
}

#[test]
fn steps_have_their_own_rates_and_numbers() {
    let stages = [stage(10.0, 10.0, 60), stage(0.0, 0.0, 5), stage(40.0, 40.0, 60)];
    let arrived: Vec<_> = Arrivals::new(Arrival::Constant, &stages, 0).collect();
    let of = |stage| arrived.iter().filter(|it| it.stage == stage).count();
    assert_eq!((of(0), of(1), of(2)), (600, 0, 2_400));
    let first_of_last = arrived.iter().find(|it| it.stage == 2);
    assert_eq!(first_of_last.map(|it| it.at), Some(Micros(65_000_000)));
}

#[test]
fn a_seed_gives_these_instants_for_ever() {
    let first = |arrival, stages: &[Stage], seed| -> Vec<u64> {
        Arrivals::new(arrival, stages, seed).take(6).map(|it| it.at.0).collect()
    };
    let even = [stage(50.0, 50.0, 60)];
    let ramp = [stage(1.0, 50.0, 60)];
    // From an implementation of ChaCha8 and of these distributions in another language.
    let expected = [3_560, 12_756, 41_940, 84_751, 112_034, 158_291];
    assert_eq!(first(Arrival::Poisson, &even, 0), expected);
    let expected = [19_273, 43_693, 48_200, 49_951, 53_065, 92_504];
    assert_eq!(first(Arrival::Poisson, &even, 1), expected);
    let expected = [740_042, 1_392_695, 1_496_076, 1_535_209, 1_603_437, 2_356_913];
    assert_eq!(first(Arrival::Poisson, &ramp, 1), expected);
    let expected = [3_493, 20_915, 27_582, 36_564, 76_502, 99_582];
    assert_eq!(first(Arrival::Gamma { shape: 0.5 }, &even, 1), expected);
    let expected = [9_925, 21_508, 24_142, 31_993, 41_810, 58_464];
    assert_eq!(first(Arrival::Gamma { shape: 3.0 }, &even, 1), expected);
}
