//! A server that does not exist: runs with luck of their own, and requests within them.

use crate::replay::chance::{Chance, Stream};
use crate::replay::compare::{Arms, Order, RunFigures};
use crate::replay::{Metric, Quantity, Statistic, Validity};
use std::collections::BTreeMap;

/// p95 TTFT.
pub const TTFT: Metric = Metric { quantity: Quantity::Ttft, statistic: Statistic::P95 };
/// p95 latency.
pub const LATENCY: Metric = Metric { quantity: Quantity::Latency, statistic: Statistic::P95 };
/// The share of failures.
pub const FAILURES: Metric = Metric { quantity: Quantity::Failures, statistic: Statistic::Total };

/// How the luck of runs is spread; its standard deviation is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Luck {
    /// Normal.
    Normal,
    /// Student's t with 3 degrees of freedom: now and then a run is far out.
    HeavyTailed,
}

/// A server and its load.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// The standard deviation between runs, of the logarithm.
    pub noise: f64,
    /// How it is spread.
    pub luck: Luck,
    /// Requests of a run: the same in every run, as a replay sends them.
    pub requests: usize,
    /// The standard deviation of the logarithm between answers to the same request.
    pub jitter: f64,
    /// The probability that a request fails.
    pub failing: f64,
}

/// What was seen of a run: a time for each request.
pub struct Run {
    pub ttft: Vec<f64>,
    pub latency: Vec<f64>,
    pub failed: usize,
}

impl Server {
    /// 5 % between runs, 20 % between answers, nothing fails.
    pub const USUAL: Self =
        Self { noise: 0.05, luck: Luck::Normal, requests: 200, jitter: 0.2, failing: 0.0 };

    /// The times of each request where nothing is noisy: TTFT, and what follows it.
    pub fn capture(&self, chance: &mut Chance) -> Vec<(f64, f64)> {
        let mut time = |typical: f64| typical * (0.5 * chance.normal()).exp();
        (0..self.requests).map(|_| (time(0.3), time(2.0))).collect()
    }

    /// A run in which everything takes `slower` times as long.
    pub fn run(&self, capture: &[(f64, f64)], slower: f64, chance: &mut Chance) -> Run {
        // What makes a run slow to begin mostly makes it slow to go on.
        let begin = self.luck(chance);
        let go_on = 0.7 * begin + 0.51_f64.sqrt() * self.luck(chance);
        let mut run = Run { ttft: Vec::new(), latency: Vec::new(), failed: 0 };
        for (first, rest) in capture {
            let mut noisy =
                |time: f64, luck: f64| time * slower * (luck + self.jitter * chance.normal()).exp();
            let (ttft, rest) = (noisy(*first, begin), noisy(*rest, go_on));
            run.ttft.push(ttft);
            run.latency.push(ttft + rest);
            run.failed += usize::from(self.failing > 0.0 && chance.uniform() < self.failing);
        }
        run
    }

    fn luck(&self, chance: &mut Chance) -> f64 {
        let normal = chance.normal();
        self.noise
            * match self.luck {
                Luck::Normal => normal,
                Luck::HeavyTailed => {
                    let square: f64 = (0..3).map(|_| chance.normal().powi(2)).sum();
                    normal / square.sqrt()
                }
            }
    }

    /// `runs` runs of A, and as many of B, which is `slower`.
    pub fn comparison(&self, runs: usize, slower: f64, seed: u64) -> (Vec<Run>, Vec<Run>) {
        let mut chance = Chance::new(seed, Stream::Simulation);
        let capture = self.capture(&mut chance);
        let mut arm = |slower| (0..runs).map(|_| self.run(&capture, slower, &mut chance)).collect();
        (arm(1.0), arm(slower))
    }
}

impl Run {
    /// Its figures.
    pub fn figures(&self) -> RunFigures {
        let failures = self.failed as f64 / self.ttft.len() as f64;
        figures(&[(TTFT, p95(&self.ttft)), (LATENCY, p95(&self.latency)), (FAILURES, failures)])
    }
}

/// A run that counts.
pub fn figures(values: &[(Metric, f64)]) -> RunFigures {
    let values: BTreeMap<_, _> = values.iter().copied().collect();
    RunFigures { validity: Validity::Valid, values }
}

/// Runs with one metric.
pub fn runs(metric: Metric, values: &[f64]) -> Vec<RunFigures> {
    values.iter().map(|value| figures(&[(metric, *value)])).collect()
}

/// Interleaved arms.
pub fn arms<'a>(a: &'a [RunFigures], b: &'a [RunFigures]) -> Arms<'a> {
    Arms { a, b, order: Order::Interleaved }
}

fn p95(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[(sorted.len() * 95).div_ceil(100) - 1]
}
