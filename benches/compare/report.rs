//! From samples to a table for people and JSON for machines. Measures nothing.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::Result;
use crate::answers::PERIOD;
use crate::cases::Sample;
use crate::cli::{Case, Plan};
use crate::proxies::Subject;
use crate::stats::{Spread, mean};

/// Everything that one run found.
#[derive(Serialize)]
pub struct Report {
    machine: Machine,
    plan: Plan,
    summary: Vec<Row>,
    samples: Vec<Sample>,
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
struct Row {
    case: Case,
    subject: Subject,
    /// Microseconds of proxy CPU per document or event, over all samples.
    cpu_us: Option<Spread>,
    /// CPU over bare pingora's of the same round, over all rounds.
    times_bare: Option<Spread>,
    /// Documents or events per second, over all samples.
    per_second: Option<Spread>,
    /// Median latency in microseconds, over all samples.
    p50_us: Option<Spread>,
    /// 99th percentile of latency in microseconds, over all samples.
    p99_us: Option<Spread>,
    /// Median latency less direct's of the same round, in microseconds (open loop only).
    added_p50_us: Option<Spread>,
    /// Median share of its core that the proxy used.
    proxy_busy: Option<f64>,
    /// Median share of their core that load and mock used.
    load_busy: Option<f64>,
    /// Samples in which others took the proxy's core.
    disturbed: usize,
    /// Documents or events that did not arrive.
    lost: u64,
    /// Failed requests and failed audits.
    failed: u64,
    /// The budget for Transom, and whether it is kept; absent in a smoke run.
    budget: Option<Budget>,
}

/// A target of the performance budget.
#[derive(Clone, Copy, Serialize)]
struct Budget {
    times_bare: f64,
    added_p50_us: Option<f64>,
    kept: bool,
}

impl Report {
    /// Sums up the samples of a run.
    pub fn new(plan: &Plan, samples: Vec<Sample>) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let machine = Machine { os: std::env::consts::OS, arch: std::env::consts::ARCH, cores };
        let cases = plan.cases.iter();
        let keys = cases.flat_map(|case| plan.subjects.iter().map(move |subject| (case, subject)));
        let summary = keys.map(|(case, subject)| row(plan, &samples, *case, *subject)).collect();
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
    let spread = |figure: fn(&Sample) -> Option<f64>| {
        Spread::of(mine.iter().filter_map(|sample| figure(sample)))
    };
    let rounds = 0..plan.rounds;
    let times_bare = Spread::of(rounds.clone().filter_map(|round| {
        let cpu = |subject| by_round(all, (case, subject), round, |s| s.cpu_us_per_part);
        Some(cpu(subject)? / cpu(Subject::BarePingora)?)
    }));
    let added_p50_us = Spread::of(rounds.filter_map(|round| {
        let p50 = |subject| by_round(all, (case, subject), round, |s| s.p50_us);
        (case == Case::B5).then_some(p50(subject)? - p50(Subject::Direct)?)
    }));
    Row {
        case,
        subject,
        cpu_us: spread(|s| s.cpu_us_per_part),
        times_bare,
        per_second: spread(|s| Some(s.parts as f64 / s.seconds)),
        p50_us: spread(|s| s.p50_us),
        p99_us: spread(|s| s.p99_us),
        added_p50_us,
        proxy_busy: spread(|s| s.proxy_busy).map(|busy| busy.median),
        load_busy: spread(|s| Some(s.load_busy)).map(|busy| busy.median),
        disturbed: mine.iter().filter(|s| s.is_disturbed()).count(),
        lost: mine.iter().map(|s| s.parts_expected - s.parts).sum(),
        failed: mine.iter().flat_map(|s| s.failures.values()).sum(),
        budget: match subject {
            Subject::Transom if !plan.smoke => Some(Budget::of(case, times_bare, added_p50_us)),
            _ => None,
        },
    }
}

fn of(all: &[Sample], case: Case, subject: Subject) -> impl Iterator<Item = &Sample> {
    all.iter().filter(move |sample| sample.case == case && sample.subject == subject)
}

/// The mean of a figure over both halves of a round: what a linear drift cancels in.
fn by_round(
    all: &[Sample],
    (case, subject): (Case, Subject),
    round: usize,
    figure: fn(&Sample) -> Option<f64>,
) -> Option<f64> {
    let halves = of(all, case, subject).filter(|sample| sample.round == round);
    mean(&halves.filter_map(figure).collect::<Vec<_>>())
}

impl Budget {
    /// The budget of a case (docs/performance.md), judged by medians.
    fn of(case: Case, times_bare: Option<Spread>, added_p50_us: Option<Spread>) -> Self {
        let (most_times, most_added) = match case {
            Case::B2 => (1.15, None),
            Case::B5 => (1.10, Some(300.0)),
        };
        let within = |spread: Option<Spread>, most| spread.is_some_and(|s| s.median <= most);
        Self {
            times_bare: most_times,
            added_p50_us: most_added,
            kept: within(times_bare, most_times)
                && most_added.is_none_or(|most| within(added_p50_us, most)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.plan.cases {
            writeln!(out, "\n{}", self.title(*case))?;
            writeln!(
                out,
                "{:<13}{:>24}{:>20}{:>11}{:>11}{:>11}{:>22}{:>7}{:>7}{:>6}{:>6}{:>7}",
                "",
                "CPU us",
                "x bare pingora",
                "per s",
                "p50 us",
                "p99 us",
                "added p50 us",
                "proxy",
                "load",
                "dist.",
                "lost",
                "failed",
            )?;
            let rows = self.summary.iter().filter(|row| row.case == *case);
            rows.clone().try_for_each(|row| write!(out, "{row}"))?;
            rows.filter_map(|row| row.budget).try_for_each(|budget| write!(out, "{budget}"))?;
        }
        for sample in &self.samples {
            for (reason, count) in &sample.failures {
                let (case, round, name) = (sample.case, sample.round + 1, sample.subject.name());
                writeln!(out, "FAILED {case:?} round {round} {name}: {reason} ({count} times)")?;
            }
        }
        match self.plan.smoke {
            true => writeln!(out, "\nA smoke run: it shows that the bench works, nothing more."),
            false => Ok(()),
        }
    }
}

impl Report {
    fn title(&self, case: Case) -> String {
        let Plan { rounds, connections, streams, events, measure, .. } = &self.plan;
        let rounds = format!("{rounds} rounds of 2; median (least to greatest)");
        match case {
            Case::B2 => format!(
                "B2: small JSON, {connections} connections, closed loop of {} s, CPU per request; \
                 {rounds}",
                measure.as_secs_f64()
            ),
            Case::B5 => format!(
                "B5: {streams} streams of {events} events, one each {} ms, open loop, CPU per \
                 event, latency to the first event; {rounds}",
                PERIOD.as_millis()
            ),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = |spread: Option<Spread>, digits: usize| match spread {
            Some(spread) => format!("{spread:.digits$}"),
            None => "-".to_owned(),
        };
        let median = |spread: Option<Spread>| match spread {
            Some(spread) => format!("{:.0}", spread.median),
            None => "-".to_owned(),
        };
        let busy = |share: Option<f64>| match share {
            Some(share) => format!("{:.0} %", share * 100.0),
            None => "-".to_owned(),
        };
        writeln!(
            out,
            "{:<13}{:>24}{:>20}{:>11}{:>11}{:>11}{:>22}{:>7}{:>7}{:>6}{:>6}{:>7}",
            self.subject.name(),
            spread(self.cpu_us, 2),
            spread(self.times_bare, 2),
            median(self.per_second),
            median(self.p50_us),
            median(self.p99_us),
            spread(self.added_p50_us, 0),
            busy(self.proxy_busy),
            busy(self.load_busy),
            self.disturbed,
            self.lost,
            self.failed,
        )
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "budget of transom: at most {} x bare pingora", self.times_bare)?;
        if let Some(added) = self.added_p50_us {
            write!(out, ", at most {added} us added at the median")?;
        }
        writeln!(out, ": {}", if self.kept { "kept" } else { "missed" })
    }
}
