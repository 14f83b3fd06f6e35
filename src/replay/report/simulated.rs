//! Runs that never were, for tests: a model server with noise between runs, a slower one, one
//! that stalls once.

mod comparison;

use super::{Arm, Arms, ReportInput, Reservoir, Run, SendLag};
use crate::replay::{
    Arrival, Comparison, Effect, Failure, Metric, Phase, PlanHead, PlanOptions, Quantity, Sample,
    Schedule, Stage, Statistic, Validity, Verdict,
};
use crate::types::Micros;
use comparison::{comparison, reason};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

const SECONDS: f64 = 60.0;
const WARM_UP: f64 = 5.0;

/// What a simulated target is like.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// Times are as many times as long.
    pub(super) slower: f64,
    /// Run, beginning and length of a stall, in seconds.
    pub(super) stall: Option<(u64, f64, f64)>,
    /// The share of requests that fail.
    pub(super) failing: f64,
    /// Requests of each run.
    pub(super) requests: u64,
}

impl Default for Target {
    fn default() -> Self {
        Self { slower: 1.0, stall: None, failing: 0.002, requests: 600 }
    }
}

/// Five runs of each; B is 6 % slower to its first token, and stalls once.
pub(super) fn regressed() -> ReportInput {
    slower(Target::default().requests)
}

/// The same with 3,000 requests in each run.
pub(super) fn large() -> ReportInput {
    slower(3_000)
}

fn slower(requests: u64) -> ReportInput {
    let fine = Target { requests, ..Target::default() };
    let slow = Target { slower: 1.06, stall: Some((3, 34.0, 2.4)), failing: 0.004, requests };
    let (a, b) = (arm("baseline", 0, fine), arm("candidate", 5, slow));
    let answers = "Tool arguments differ in 3.1 % of pairs, where A differs from itself in 0.9 %.";
    let mut comparison = comparison((&a, &b), Verdict::Regressed, &[]);
    let worse = comparison.metrics.iter().filter(|metric| metric.verdict == Verdict::Regressed);
    comparison.reasons = worse.map(reason).chain([answers.to_owned()]).collect();
    compared(a, b, comparison)
}

/// Two runs of each, alike: too few to tell.
pub(super) fn inconclusive() -> ReportInput {
    let mut a = arm("baseline", 0, Target::default());
    let mut b = arm("candidate", 5, Target { slower: 1.02, ..Target::default() });
    a.runs.truncate(2);
    b.runs.truncate(2);
    let reason = "Two runs of each can never show a difference: 5 + 5 would do.";
    let mut comparison = comparison((&a, &b), Verdict::Inconclusive, &[reason]);
    comparison.metrics.iter_mut().for_each(|metric| {
        (metric.p, metric.p_adjusted, metric.verdict) = (0.333, 1.0, Verdict::Inconclusive);
    });
    comparison.answers = None;
    compared(a, b, comparison)
}

/// One arm, three runs.
pub(super) fn single() -> ReportInput {
    let mut arm = arm("chat-large", 0, Target::default());
    arm.runs.truncate(3);
    report(Arms::One(arm))
}

/// One arm, one run, and its generator lagged.
pub(super) fn invalid() -> ReportInput {
    let mut arm = arm("chat-large", 0, Target::default());
    arm.runs.truncate(1);
    let run = &mut arm.runs[0];
    let why =
        "The generator lagged: 99 % of requests were sent within 240 ms, 24 ms are the limit.";
    run.validity = Validity::Invalid(vec![why.to_owned()]);
    run.lag.counts.add(Micros(180_000), 400);
    run.lag.p99 = Some(Micros(240_000));
    report(Arms::One(arm))
}

/// One arm, one run, nothing in it.
pub(super) fn empty() -> ReportInput {
    let run = Run {
        id: "20260301-120000-0".to_owned(),
        validity: Validity::Invalid(vec!["Nothing was measured.".to_owned()]),
        figures: BTreeMap::new(),
        requests: 0,
        failures: BTreeMap::new(),
        intended_rate: Some(50.0),
        seen: Reservoir::new(100),
        lag: SendLag::default(),
    };
    let target = "http://127.0.0.1:8000/v1".to_owned();
    report(Arms::One(Arm { name: "chat-large".to_owned(), target, runs: vec![run] }))
}

/// Two arms whose figures are no numbers, and that hold no run at all.
pub(super) fn broken() -> ReportInput {
    let (mut a, mut b) = (arm("a", 0, Target::default()), arm("b", 5, Target::default()));
    a.runs.truncate(1);
    for value in a.runs[0].figures.values_mut() {
        *value = f64::NAN;
    }
    b.runs.clear();
    let mut comparison = comparison((&a, &b), Verdict::Invalid, &["B has no run."]);
    for metric in &mut comparison.metrics {
        (metric.p, metric.p_adjusted) = (f64::NAN, f64::INFINITY);
        metric.effect = Effect::Ratio { value: f64::NAN, low: 0.0, high: f64::INFINITY };
    }
    compared(a, b, comparison)
}

/// Names and reasons that somebody wrote who means no good.
pub(super) fn hostile() -> ReportInput {
    let mut input = regressed();
    let hostile =
        "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u{1b}[31m|@team\u{202e}`x`";
    if let Arms::Two { a, b, comparison } = &mut input.arms {
        a.name = hostile.to_owned();
        b.target = format!("https://{hostile}");
        b.runs[0].validity = Validity::Invalid(vec![hostile.to_owned()]);
        b.runs[1].id = hostile.to_owned();
        comparison.reasons.push(hostile.to_owned());
        comparison.answers.as_mut().unwrap().rungs[0].name = hostile.to_owned();
    }
    input.id = hostile.to_owned();
    input.program = hostile.to_owned();
    input.plan.capture = hostile.to_owned();
    input
}

fn compared(a: Arm, b: Arm, comparison: Comparison) -> ReportInput {
    report(Arms::Two { a, b, comparison: Box::new(comparison) })
}

fn report(arms: Arms) -> ReportInput {
    let runs = match &arms {
        Arms::One(arm) | Arms::Two { a: arm, .. } => &arm.runs,
    };
    let rate = runs.first().and_then(|run| run.intended_rate).unwrap_or(0.0);
    let stage = Stage { from: rate, to: rate, lasts: micros(SECONDS) };
    ReportInput {
        study: None,
        id: "20260301-120000-7f3a".to_owned(),
        began: SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400),
        program: "0.1.0".to_owned(),
        plan: PlanHead {
            version: 1,
            options: PlanOptions {
                seed: 42,
                warm_up: micros(WARM_UP),
                ..PlanOptions::new(Schedule::Open {
                    arrival: Arrival::Poisson,
                    stages: vec![stage],
                })
            },
            capture: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            captured: 12_480,
            shard: None,
        },
        arms,
    }
}

fn arm(name: &str, seed: u64, target: Target) -> Arm {
    let runs = (1..=5).map(|number| run(number, seed, target)).collect();
    Arm { name: name.to_owned(), target: format!("http://10.0.0.{}:8000/v1", seed + 1), runs }
}

fn run(number: u64, seed: u64, target: Target) -> Run {
    let mut chance = fastrand::Rng::with_seed(1_000 * seed + number);
    // The plan is the same for every run; only what comes of it differs.
    let mut plan = fastrand::Rng::with_seed(7);
    let noise = (normal(&mut chance) * 0.015).exp() * target.slower;
    let (mut at, mut seen, mut lag) = (0.0, Reservoir::new(4_096), SendLag::default());
    let next = |number| {
        at += -(1.0 - plan.f64()).ln() * SECONDS / target.requests as f64;
        sample(number, at, (noise, target, &mut chance))
    };
    let mut samples: Vec<Sample> = (0..target.requests).map(next).collect();
    if let Some((_, from, lasts)) = target.stall.filter(|(stalled, ..)| *stalled == number) {
        samples.iter_mut().for_each(|sample| stall(sample, from, from + lasts));
    }
    for sample in &samples {
        seen.add(sample);
        lag.counts.add(sample.lag, 1);
    }
    samples.retain(|sample| sample.phase == Phase::Measured);
    let mut failures = BTreeMap::new();
    samples.iter().filter_map(|s| s.failure).for_each(|why| *failures.entry(why).or_default() += 1);
    lag.p99 = Some(Micros(400 + chance.u64(0..900)));
    lag.limit = Some(Micros(24_000));
    Run {
        id: format!("20260301-12{number:02}00-{}", chance.u16(..)),
        validity: Validity::Valid,
        figures: figures(&samples, noise),
        requests: samples.len() as u64,
        failures,
        intended_rate: Some(target.requests as f64 / SECONDS),
        seen,
        lag,
    }
}

fn sample(number: u64, at: f64, by: (f64, Target, &mut fastrand::Rng)) -> Sample {
    let (noise, target, chance) = by;
    let ttft = 0.18 * (normal(chance) * 0.45).exp() * noise;
    let tokens = (120.0 * (normal(chance) * 0.7).exp()).clamp(4.0, 1_500.0);
    let sent = at + 0.000_12 * (normal(chance) * 0.9).exp();
    let failure = (chance.f64() < target.failing).then(|| {
        *chance.choice(&[Failure::ServerError, Failure::Truncated, Failure::Timeout]).unwrap()
    });
    Sample {
        number,
        phase: if at < WARM_UP { Phase::WarmUp } else { Phase::Measured },
        streamed: true,
        intended: micros(at),
        sent: Some(micros(sent)),
        lag: micros(sent - at),
        connecting: Micros(0),
        headers: Some(micros(sent + ttft * 0.9)),
        first_byte: Some(micros(sent + ttft * 0.95)),
        first_token: Some(micros(sent + ttft)),
        last: Some(micros(sent + ttft + tokens * 0.011)),
        gaps: Vec::new(),
        status: Some(200),
        failure,
        tokens_in: Some(900),
        tokens_out: Some(tokens as u64),
        tokens_by: None,
        bytes: 4_000,
        answer: None,
    }
}

/// Nothing comes between `from` and `until`.
fn stall(sample: &mut Sample, from: f64, until: f64) {
    let shift = |time: &mut Option<Micros>| {
        if let Some(at) = time.filter(|at| (from..until).contains(&at.seconds())) {
            *time = Some(Micros(at.0 + micros(until - at.seconds()).0));
        }
    };
    shift(&mut sample.first_token);
    shift(&mut sample.last);
    sample.last = sample.last.max(sample.first_token);
}

fn figures(samples: &[Sample], noise: f64) -> BTreeMap<Metric, f64> {
    let answered = || samples.iter().filter(|sample| sample.failure.is_none());
    let since =
        |time: Option<Micros>, sample: &Sample| Some(time?.since(sample.intended).seconds());
    let ttft: Vec<f64> = answered().filter_map(|s| since(s.first_token, s)).collect();
    let latency: Vec<f64> = answered().filter_map(|s| since(s.last, s)).collect();
    let mut figures = BTreeMap::new();
    let mut put = |quantity, mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        figures.insert(Metric { quantity, statistic: Statistic::Mean }, mean);
        for (statistic, share) in [
            (Statistic::P50, 0.5),
            (Statistic::P90, 0.9),
            (Statistic::P95, 0.95),
            (Statistic::P99, 0.99),
        ] {
            let value = super::plot::quantile(&values, share).unwrap();
            figures.insert(Metric { quantity, statistic }, value);
        }
    };
    put(Quantity::Ttft, ttft);
    put(Quantity::Latency, latency);
    put(
        Quantity::Tpot,
        (0..100).map(|at| (0.0105 + 0.00001 * f64::from(at)) * noise.sqrt()).collect(),
    );
    let lasts = SECONDS - WARM_UP;
    let tokens: u64 = answered().filter_map(|sample| sample.tokens_out).sum();
    let good =
        answered().filter(|s| since(s.first_token, s).is_some_and(|ttft| ttft < 0.5)).count();
    let failed = samples.iter().filter(|sample| sample.failure.is_some()).count();
    let totals = [
        (Quantity::OutputTokens, tokens as f64 / lasts),
        (Quantity::Goodput, good as f64 / lasts),
        (Quantity::Failures, failed as f64 / samples.len() as f64),
        (Quantity::SendRate, samples.len() as f64 / lasts),
    ];
    let total = |(quantity, value)| (Metric { quantity, statistic: Statistic::Total }, value);
    figures.extend(totals.map(total));
    figures
}

/// By the method of Box and Muller.
fn normal(chance: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - chance.f64()).ln()).sqrt() * (std::f64::consts::TAU * chance.f64()).cos()
}

fn micros(seconds: f64) -> Micros {
    Micros((seconds * 1e6) as u64)
}
