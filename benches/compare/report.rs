//! From samples to figures with their budgets, and to JSON for machines. Measures nothing.

use std::path::Path;

use serde::Serialize;

use crate::Result;
use crate::cases::Sample;
use crate::cli::{Case, Plan};
use crate::proxies::Subject;
use crate::stats::{Spread, mean};

/// Everything that one run found.
#[derive(Serialize)]
pub struct Report {
    machine: Machine,
    /// What was asked for.
    pub plan: Plan,
    /// One for each case and subject.
    pub summary: Vec<Row>,
    /// Every single measurement.
    pub samples: Vec<Sample>,
}

/// The kind of machine, as far as figures depend on it.
#[derive(Serialize)]
struct Machine {
    os: &'static str,
    arch: &'static str,
    cores: usize,
}

/// One line of the table: a subject in a case.
#[derive(Serialize)]
pub struct Row {
    /// The case.
    pub case: Case,
    /// The subject.
    pub subject: Subject,
    /// Microseconds of proxy CPU per document or event, over all samples.
    pub cpu_us: Option<Spread>,
    /// CPU over the baseline's of the same round, over all rounds.
    pub times_baseline: Option<Spread>,
    /// Documents or events per second, over all samples.
    pub per_second: Option<Spread>,
    /// Median latency in microseconds, over all samples.
    pub p50_us: Option<Spread>,
    /// 99th percentile of latency in microseconds, over all samples.
    pub p99_us: Option<Spread>,
    /// 99th percentile over the baseline's of the same round, over all rounds.
    pub times_p99: Option<Spread>,
    /// Median latency less that of the case's floor in the same round, in microseconds.
    pub added_p50_us: Option<Spread>,
    /// Percentage of requests to which the cache said what the case wants, over all samples.
    pub cached: Option<Spread>,
    /// CPU milliseconds of a scrape for 25,000 series, over all samples (B10 only).
    pub scrape_ms: Option<Spread>,
    /// Median share of its core that the proxy used.
    pub proxy_busy: Option<f64>,
    /// Median share of their core that load and mock used.
    pub load_busy: Option<f64>,
    /// Samples in which others took the proxy's core.
    pub disturbed: usize,
    /// Documents or events that did not arrive.
    pub lost: u64,
    /// Failed requests and failed audits.
    pub failed: u64,
    /// The budget, and whether it is kept; empty for other subjects and in a smoke run.
    pub budget: Vec<Target>,
}

/// A target of the performance budget, judged by the median.
#[derive(Clone, Copy, Serialize)]
pub struct Target {
    /// What is limited.
    pub what: &'static str,
    /// The most it may be.
    pub most: f64,
    /// What it is; `None` when it could not be measured.
    pub found: Option<f64>,
    /// Whether it is within.
    pub kept: bool,
}

impl Report {
    /// Sums up the samples of a run.
    pub fn new(plan: &Plan, samples: Vec<Sample>) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let machine = Machine { os: std::env::consts::OS, arch: std::env::consts::ARCH, cores };
        let cases = plan.cases.iter();
        let keys = cases.flat_map(|case| plan.subjects_of(*case).map(|subject| (*case, subject)));
        let summary = keys.map(|(case, subject)| row(plan, &samples, case, subject)).collect();
        Self { machine, plan: plan.clone(), summary, samples }
    }

    /// Writes all of it to `path`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        Ok(std::fs::write(path, serde_json::to_vec_pretty(self)?)?)
    }

    /// # Errors
    /// When any request failed or anything was lost, for any subject.
    pub fn verdict(&self) -> Result<()> {
        let wrong: u64 = self.summary.iter().map(|row| row.lost + row.failed).sum();
        match wrong {
            0 => Ok(()),
            _ => Err("answers were lost or wrong: the figures above do not count".into()),
        }
    }
}

fn row(plan: &Plan, all: &[Sample], case: Case, subject: Subject) -> Row {
    let mine: Vec<&Sample> = of(all, case, subject).collect();
    let spread = |figure: Figure| Spread::of(mine.iter().filter_map(|sample| figure(sample)));
    let against = |base: Subject, figure: Figure, relation: fn(f64, f64) -> f64| {
        Spread::of((0..plan.rounds).filter_map(|round| {
            let mine = by_round(all, (case, subject), round, figure)?;
            Some(relation(mine, by_round(all, (case, base), round, figure)?))
        }))
    };
    let times = |figure| against(case.baseline(), figure, |mine, base| mine / base);
    let mut row = Row {
        case,
        subject,
        cpu_us: spread(|s| s.cpu_us_per_part),
        times_baseline: times(|s| s.cpu_us_per_part),
        per_second: spread(|s| Some(s.parts as f64 / s.seconds)),
        p50_us: spread(|s| s.p50_us),
        p99_us: spread(|s| s.p99_us),
        times_p99: times(|s| s.p99_us),
        added_p50_us: case
            .floor()
            .and_then(|floor| against(floor, |s| s.p50_us, |mine, floor| mine - floor)),
        cached: spread(|s| s.cached.map(|share| share * 100.0)),
        scrape_ms: spread(|s| s.scrape.map(|scrape| scrape.budgeted_ms())),
        proxy_busy: spread(|s| s.proxy_busy).map(|busy| busy.median),
        load_busy: spread(|s| Some(s.load_busy)).map(|busy| busy.median),
        disturbed: mine.iter().filter(|s| s.is_disturbed()).count(),
        lost: mine.iter().map(|s| s.parts_expected - s.parts).sum(),
        failed: mine.iter().flat_map(|s| s.failures.values()).sum(),
        budget: Vec::new(),
    };
    if case.budgeted().contains(&subject) && !plan.smoke {
        row.budget = budget(&row);
    }
    row
}

/// The budget of a case (docs/performance.md).
fn budget(row: &Row) -> Vec<Target> {
    let target = |what, most, found: Option<Spread>| {
        let found = found.map(|spread| spread.median);
        Target { what, most, found, kept: found.is_some_and(|found| found <= most) }
    };
    let cpu = |most| target("times the baseline's CPU", most, row.times_baseline);
    let p99 = |most| target("times the baseline's p99", most, row.times_p99);
    let added = |most| target("us added at the median", most, row.added_p50_us);
    match row.case {
        Case::B2 => vec![cpu(1.15)],
        Case::B5 => vec![cpu(1.10), added(300.0)],
        Case::B6Small | Case::B6Large | Case::B6Stream => vec![cpu(0.7)],
        Case::B6Disk => vec![target("us at the 99th percentile", 1_000.0, row.p99_us)],
        Case::Miss => vec![added(100.0)],
        Case::B8 => vec![cpu(1.08), p99(1.05)],
        Case::B9 => vec![cpu(1.15)],
        // Nothing but that every exchange is captured, which is a failure otherwise.
        Case::B9Most => Vec::new(),
        Case::B10 => {
            vec![target("ms of CPU for 25,000 series", 20.0, row.scrape_ms), p99(1.05)]
        }
    }
}

/// A figure of a sample.
type Figure = fn(&Sample) -> Option<f64>;

fn of(all: &[Sample], case: Case, subject: Subject) -> impl Iterator<Item = &Sample> {
    all.iter().filter(move |sample| sample.case == case && sample.subject == subject)
}

/// The mean of a figure over both halves of a round: what a linear drift cancels in.
fn by_round(
    all: &[Sample],
    (case, subject): (Case, Subject),
    round: usize,
    figure: Figure,
) -> Option<f64> {
    let halves = of(all, case, subject).filter(|sample| sample.round == round);
    mean(&halves.filter_map(figure).collect::<Vec<_>>())
}
