//! What a place can measure at all: from runs of A against A.
//!
//! The noise between runs, and with it how many runs find what. Two checks of the comparison
//! itself: how often it raises an alarm when these runs are dealt to two arms by lot, and
//! whether the runs drift, which no test that relabels them can see. Must not know: how runs
//! are made.

use super::figure::Scale;
use super::judge::judge;
use super::power::{Reach, runs_needed};
use super::{Arms, CompareSettings, Order, RunFigures, mean, variance, whole, words};
use crate::replay::chance::{Chance, Stream};
use crate::replay::{Metric, Validity, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

/// Deals of the runs to two arms.
const DEALS: u32 = 200;
/// Orders that a drift is compared with.
const ORDERS: u32 = 1_999;
/// Simulated comparisons for each number of runs that is tried.
const SIMULATIONS: u32 = 400;
/// The change that has to be found.
const CHANGE: f64 = 0.05;
/// How surely.
const POWERS: [f64; 2] = [0.8, 0.9];
/// The numbers of runs that are looked at.
const RUNS: [usize; 4] = [4, 5, 7, 10];

/// What runs of A against A say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// How many.
    pub runs: usize,
    /// The metrics that decide, as far as every run has them and they can be compared by
    /// ratios.
    pub floors: Vec<Floor>,
    /// Deals of these runs to two arms.
    pub deals: u32,
    /// Those in which one arm is said to be better than the other; alpha of them, by chance,
    /// and fewer where the noise is well within the margin.
    pub alarms: u32,
    /// What is to be kept in mind.
    pub reasons: Vec<String>,
}

/// What can be found in one metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Which.
    pub metric: Metric,
    /// The standard deviation of its logarithm between runs: 0.02 is 2 %.
    pub noise: f64,
    /// Whether it changes with time.
    pub drift: Drift,
    /// The runs that find a change of 5 %, alone among the metrics that decide.
    pub needed: Vec<Needed>,
    /// What so many runs find with a power of 80 %.
    pub detectable: Vec<Detectable>,
}

/// How a metric changes from the first run to the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// From each run to the next, as a share: 0.01 is 1 %.
    pub each_run: f64,
    /// The probability of that much, either way, if the order of runs means nothing.
    pub p: f64,
}

/// How many runs it takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Needed {
    /// The probability that it is found.
    pub power: f64,
    /// Runs of each arm; `None` above 64.
    pub runs: Option<usize>,
}

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Detectable {
    /// Runs of each arm.
    pub runs: usize,
    /// The smallest change: 0.05 is 5 %. `None` where so many runs find nothing.
    pub change: Option<f64>,
}

/// Looks at runs of A against A, in the order of time.
///
/// The noise of `n` runs is itself known only to within a factor of about `1 + 1.4 / √n`, up
/// or down: five runs say little, ten are worth it.
///
/// Runs that do not count are left out: their noise is the generator's.
pub fn calibrate(all: &[RunFigures], settings: &CompareSettings) -> Calibration {
    let counts = |run: &&RunFigures| run.validity == Validity::Valid;
    let runs: &[RunFigures] = &all.iter().filter(counts).cloned().collect::<Vec<_>>();
    let left_out = all.len() - runs.len();
    let shared = |metric: &&Metric| values(runs, **metric).len() == runs.len();
    let shared: Vec<Metric> = settings.primary.iter().filter(shared).copied().collect();
    let by_ratio = |metric: &&Metric| metric.scale(&values(runs, **metric)) == Scale::Ratio;
    let enough = runs.len() >= 2;
    // As in a comparison, what is the same in all runs is not counted.
    let varies = |metric: &&Metric| variance(&values(runs, **metric)) > 0.0;
    let counted = shared.iter().filter(varies).count();
    let mut finder = Finder {
        level: settings.alpha / counted.max(1) as f64,
        seed: settings.seed,
        reaches: BTreeMap::new(),
    };
    let floors = shared.iter().filter(by_ratio).filter(|_| enough);
    let floors: Vec<Floor> = floors.map(|metric| floor(runs, *metric, &mut finder)).collect();
    let alarms = (0..DEALS).filter(|deal| is_alarm(runs, *deal, settings)).count() as u32;
    let reasons = reasons(runs, left_out, &floors);
    Calibration { runs: runs.len(), floors, deals: DEALS, alarms, reasons }
}

/// What so many runs find: simulated once for all metrics.
struct Finder {
    level: f64,
    seed: u64,
    reaches: BTreeMap<usize, Reach>,
}

impl Finder {
    fn reach(&mut self, runs: usize) -> &Reach {
        let simulated = || Reach::simulated(runs, self.level, SIMULATIONS, self.seed);
        self.reaches.entry(runs).or_insert_with(simulated)
    }

    fn runs(&mut self, shift: f64, power: f64) -> Option<usize> {
        let level = self.level;
        runs_needed(shift, level, power, |runs| self.reach(runs).clone())
    }
}

fn values(runs: &[RunFigures], metric: Metric) -> Vec<f64> {
    let values = runs.iter().filter_map(|run| run.values.get(&metric).copied());
    values.filter(|value| value.is_finite()).collect()
}

fn floor(runs: &[RunFigures], metric: Metric, finder: &mut Finder) -> Floor {
    let logs: Vec<f64> = values(runs, metric).into_iter().map(f64::ln).collect();
    let noise = variance(&logs).sqrt();
    // Where there is no noise, any change is infinitely many times as large.
    let shift = CHANGE.ln_1p() / noise.max(f64::MIN_POSITIVE);
    let needed = POWERS.map(|power| Needed { power, runs: finder.runs(shift, power) });
    let detectable = RUNS.map(|runs| {
        let shift = finder.reach(runs).smallest(POWERS[0]);
        Detectable { runs, change: shift.map(|shift| (shift * noise).exp_m1()) }
    });
    Floor {
        metric,
        noise,
        drift: drift(&logs, finder.seed),
        needed: needed.to_vec(),
        detectable: detectable.to_vec(),
    }
}

/// The slope over the runs' numbers, and how often their order by lot gives a steeper one.
fn drift(logs: &[f64], seed: u64) -> Drift {
    let middle = (logs.len() as f64 - 1.0) / 2.0;
    let slope = |logs: &[f64]| -> f64 {
        let centre = mean(logs);
        let places = (0..logs.len()).map(|at| at as f64 - middle);
        let products = places.clone().zip(logs).map(|(place, log)| place * (log - centre));
        products.sum::<f64>() / places.map(|place| place * place).sum::<f64>().max(1.0)
    };
    let found = slope(logs);
    let mut chance = Chance::new(seed, Stream::Drift);
    let mut order = logs.to_vec();
    let steeper = (0..ORDERS).filter(|_| {
        chance.draw(&mut order, logs.len());
        slope(&order).abs() >= found.abs() * (1.0 - 1e-9)
    });
    let steeper = steeper.count() as f64;
    Drift { each_run: found.exp_m1(), p: (steeper + 1.0) / f64::from(ORDERS + 1) }
}

fn is_alarm(runs: &[RunFigures], deal: u32, settings: &CompareSettings) -> bool {
    let mut dealt = runs.to_vec();
    Chance::new(settings.seed.wrapping_add(u64::from(deal)), Stream::Deals)
        .draw(&mut dealt, runs.len());
    let (a, b) = dealt.split_at(runs.len() / 2);
    let arms = Arms { a, b, order: Order::Interleaved };
    let verdict = whole::verdict(&arms, settings, &judge(&arms, settings));
    matches!(verdict, Verdict::Regressed | Verdict::Improved)
}

fn reasons(runs: &[RunFigures], left_out: usize, floors: &[Floor]) -> Vec<String> {
    let left_out =
        (left_out > 0).then(|| format!("{left_out} of the runs do not count, and were left out."));
    let few = (runs.len() < 10).then(|| {
        format!("{} runs say little about the noise between runs: 10 are worth it.", runs.len())
    });
    let drifts = floors.iter().filter(|floor| floor.drift.p <= 0.01).map(|floor| {
        format!(
            "{} drifts by {} % from run to run, {}: interleave the arms.",
            floor.metric,
            words::number(floor.drift.each_run * 100.0),
            words::probability(floor.drift.p),
        )
    });
    left_out.into_iter().chain(few).chain(drifts).collect()
}
