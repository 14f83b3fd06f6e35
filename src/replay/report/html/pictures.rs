//! The parts of a page that are pictures, from what is kept of requests.
//!
//! Runs that do not count are drawn where there are no others, and over time always: that is
//! where one sees why. Must not know: how a picture is drawn.

use super::fragment::{LegendEntry, PlotFragment, Table, TableRow};
use super::tables::{maybe, number, whole};
use crate::human;
use crate::replay::Phase;
use crate::replay::report::LagCounts;
use crate::replay::report::input::{ReportInput, Run};
use crate::replay::report::plot::{
    EcdfLine, Histogram, HistogramBar, Ink, Moment, QuantileRatios, Timeline, TimelineRun, ecdf,
    lag_histogram, quantile, quantile_ratios, timeline,
};
use crate::replay::report::reservoir::{Dot, Fate};
use crate::replay::report::summary::{ArmSummary, Summary};
use crate::replay::report::words::Unit;
use std::collections::BTreeMap;

/// Runs of one arm that are drawn; more would only be a blur.
const RUNS: usize = 12;
/// Rows of the tables beside distributions.
const QUANTILES: [f64; 8] = [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999];
/// Rows of the table beside a timeline.
const SLICES: usize = 12;

/// What is shown of a request.
#[derive(Clone, Copy)]
enum Shown {
    Ttft,
    Latency,
}

/// All pictures that there is anything to see on.
pub(super) fn pictures(input: &ReportInput, summary: &Summary<'_>) -> Vec<PlotFragment> {
    let mut plots = Vec::new();
    for shown in [Shown::Ttft, Shown::Latency] {
        plots.extend(distribution(summary, shown));
    }
    if let Some(comparison) = input.comparison() {
        for shown in [Shown::Ttft, Shown::Latency] {
            plots.extend(ratios(summary, shown, comparison.margin));
        }
    }
    for shown in [Shown::Ttft, Shown::Latency] {
        plots.extend(timelines(input, summary, shown));
    }
    plots.extend(lag(summary));
    plots
}

impl Shown {
    const fn name(self) -> &'static str {
        match self {
            Self::Ttft => "time to first token",
            Self::Latency => "latency",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Ttft => "Time to first token",
            Self::Latency => "Latency",
        }
    }

    fn of(self, dot: &Dot) -> Option<f64> {
        let Fate::Answered { ttft, latency } = dot.fate else { return None };
        match self {
            Self::Ttft => ttft.map(|ttft| ttft.seconds()),
            Self::Latency => Some(latency.seconds()),
        }
    }
}

fn distribution(summary: &Summary<'_>, shown: Shown) -> Option<PlotFragment> {
    let mut lines = Vec::new();
    for arm in &summary.arms {
        for (at, run) in counted(arm) {
            let sorted = sorted(run, shown);
            let of = run.judged().max(1) as f64;
            let answered = (1.0 - run.failed() as f64 / of).clamp(0.0, 1.0);
            lines.push(EcdfLine { name: arm.label(at), ink: ink(arm), sorted, answered });
        }
    }
    lines.retain(|line| !line.sorted.is_empty());
    if lines.is_empty() {
        return None;
    }
    let row = |line: &EcdfLine| TableRow {
        name: line.name.clone(),
        cells: QUANTILES.map(|at| maybe(Unit::Seconds, quantile(&line.sorted, at))).into(),
    };
    let heads = std::iter::once("Run".to_owned()).chain(QUANTILES.map(share));
    Some(PlotFragment {
        id: match shown {
            Shown::Ttft => "ecdf-ttft",
            Shown::Latency => "ecdf-latency",
        },
        title: shown.title().to_owned(),
        note: "share of requests that took at most so long, a line a run".to_owned(),
        legend: legend(summary),
        svg: ecdf(shown.name(), &lines),
        table: Table { heads: heads.collect(), rows: lines.iter().map(row).collect() },
    })
}

fn ratios(summary: &Summary<'_>, shown: Shown, margin: f64) -> Option<PlotFragment> {
    let side = |at: usize| -> Vec<Vec<f64>> {
        let runs = summary.arms.get(at).into_iter().flat_map(counted);
        runs.map(|(_, run)| sorted(run, shown)).filter(|sorted| !sorted.is_empty()).collect()
    };
    let runs = QuantileRatios { a: side(0), b: side(1), margin };
    runs.at(0.5)?;
    let last = runs.last();
    let at =
        QUANTILES.into_iter().filter(|share| *share <= last).filter_map(|share| runs.at(share));
    let row = |at: crate::replay::report::plot::QuantileRatio| TableRow {
        name: share(at.share),
        cells: vec![
            number(Unit::Seconds, at.a),
            number(Unit::Seconds, at.b),
            change(at.ratio()),
            change(at.low),
            change(at.high),
        ],
    };
    let heads = ["Quantile", "A", "B", "B vs A", "least pair", "greatest pair"];
    Some(PlotFragment {
        id: match shown {
            Shown::Ttft => "ratio-ttft",
            Shown::Latency => "ratio-latency",
        },
        title: format!("{}, B over A", shown.title()),
        note: "ratio of each quantile; above 1 B is slower".to_owned(),
        legend: vec![
            LegendEntry::new("main", "means over runs"),
            LegendEntry::new("band", "all pairs of runs"),
            LegendEntry::new("margin", "counts as equal"),
        ],
        svg: quantile_ratios(shown.name(), &runs),
        table: Table { heads: heads.map(str::to_owned).into(), rows: at.map(row).collect() },
    })
}

fn timelines(input: &ReportInput, summary: &Summary<'_>, shown: Shown) -> Vec<PlotFragment> {
    let sides: Vec<_> = summary.arms.iter().map(|arm| moments(arm, shown)).collect();
    let extent = Timeline::extent(sides.iter().flatten());
    if extent.1.is_empty() {
        return Vec::new();
    }
    let warm_up = input.plan.options.warm_up.seconds();
    let ids = match shown {
        Shown::Ttft => ["timeline-ttft", "timeline-ttft-b"],
        Shown::Latency => ["timeline-latency", "timeline-latency-b"],
    };
    let arms = summary.arms.iter().zip(&sides).zip(ids);
    let plot = |((arm, runs), id): ((&ArmSummary<'_>, &Vec<TimelineRun>), &'static str)| {
        let (of, side, extent) = (shown.title(), arm.arm.name.as_str(), extent.clone());
        let drawn = Timeline { of, side, runs, warm_up, extent };
        PlotFragment {
            id,
            title: format!("{of} over time, {}", arm.letter).trim_end_matches(", ").to_owned(),
            note: format!("{side}, from the intended instant"),
            legend: vec![
                LegendEntry::new("dot", "a request"),
                LegendEntry::new("main", "running p95, a line a run"),
                LegendEntry::new("cross", "failed"),
            ],
            svg: timeline(&drawn),
            table: slices(runs, drawn.extent.0),
        }
    };
    arms.map(plot).collect()
}

/// The same in as many rows as one reads.
fn slices(runs: &[TimelineRun], end: f64) -> Table {
    let mut slices: BTreeMap<usize, (Vec<f64>, u64)> = BTreeMap::new();
    let length = (end / SLICES as f64).max(1e-6);
    for moment in runs.iter().flat_map(|run| &run.moments) {
        let slice = ((moment.at / length) as usize).min(SLICES - 1);
        let (took, failed) = slices.entry(slice).or_default();
        match moment.took {
            Some(seconds) => took.push(seconds),
            None => *failed += 1,
        }
    }
    let rows = slices.into_iter().map(|(slice, (mut took, failed))| {
        took.sort_by(f64::total_cmp);
        let at = |share| maybe(Unit::Seconds, quantile(&took, share));
        TableRow {
            name: human::seconds(slice as f64 * length),
            cells: vec![whole(took.len() as u64), at(0.5), at(0.95), at(1.0), whole(failed)],
        }
    });
    let heads = ["From", "drawn", "p50", "p95", "longest", "failed"];
    Table { heads: heads.map(str::to_owned).into(), rows: rows.collect() }
}

fn lag(summary: &Summary<'_>) -> Option<PlotFragment> {
    let mut bars = Vec::new();
    let mut rows = BTreeMap::<(u64, u64), Vec<f64>>::new();
    for (place, arm) in summary.arms.iter().enumerate() {
        let mut counts = LagCounts::default();
        arm.arm.runs.iter().for_each(|run| counts.merge(&run.lag.counts));
        let total = counts.total().max(1) as f64;
        for bucket in counts.buckets() {
            let (from, to) = (bucket.from, bucket.to);
            let share = bucket.requests as f64 / total;
            bars.push(HistogramBar { from, to, share, ink: ink(arm) });
            let row = rows.entry((from.to_bits(), to.to_bits())).or_default();
            row.resize(summary.arms.len(), 0.0);
            row.get_mut(place).into_iter().for_each(|cell| *cell = share);
        }
    }
    if bars.is_empty() {
        return None;
    }
    let rows = rows.into_iter().map(|((_, to), shares)| TableRow {
        name: human::seconds(f64::from_bits(to)),
        cells: shares.into_iter().map(|share| number(Unit::Share, share)).collect(),
    });
    let heads =
        std::iter::once("At most".to_owned()).chain(summary.arms.iter().map(|arm| {
            if arm.letter.is_empty() { "share".to_owned() } else { arm.letter.to_owned() }
        }));
    let runs = || {
        let runs = |arm| (0..).zip(&arm_of(arm).runs).map(move |(at, run)| (arm, at, run));
        summary.arms.iter().flat_map(runs)
    };
    let p99 =
        runs().filter_map(|(arm, at, run)| Some((arm.label(at), ink(arm), run.lag.p99?.seconds())));
    let limit = runs().filter_map(|(_, _, run)| run.lag.limit).min().map(|limit| limit.seconds());
    let mut legend = match summary.arms.len() {
        1 => Vec::new(),
        _ => vec![LegendEntry::new("outline", "A"), LegendEntry::new("fill", "B")],
    };
    legend.push(LegendEntry::new(
        "limit",
        "from here on a run does not count, by its p99 (marked above)",
    ));
    let shown = Histogram { bars, p99: p99.collect(), limit };
    Some(PlotFragment {
        id: "send-lag",
        title: "Send lag".to_owned(),
        note: "how late the generator itself was".to_owned(),
        legend,
        svg: lag_histogram(&shown),
        table: Table { heads: heads.collect(), rows: rows.collect() },
    })
}

fn legend(summary: &Summary<'_>) -> Vec<LegendEntry> {
    let entry = |arm: &ArmSummary<'_>| {
        let counts = if arm.arm.runs.iter().any(Run::is_valid) { "" } else { " (does not count)" };
        let text = format!("{} {}{counts}", arm.letter, arm.arm.name);
        LegendEntry::new(ink(arm).class(), text.trim_start())
    };
    summary.arms.iter().map(entry).collect()
}

/// What is compared with is pale; all else is not.
fn ink(arm: &ArmSummary<'_>) -> Ink {
    if arm.letter == "A" { Ink::Base } else { Ink::Main }
}

/// The runs that are drawn: those that count, or all where none does.
fn counted<'s>(arm: &'s ArmSummary<'_>) -> impl Iterator<Item = (usize, &'s Run)> {
    let any = arm.arm.runs.iter().any(Run::is_valid);
    let runs = arm.arm.runs.iter().enumerate();
    runs.filter(move |(_, run)| run.is_valid() || !any).take(RUNS)
}

/// What requests that count took, rising.
fn sorted(run: &Run, shown: Shown) -> Vec<f64> {
    let measured = run.seen.iter().filter(|dot| dot.phase == Phase::Measured);
    let mut values: Vec<f64> = measured.filter_map(|dot| shown.of(dot)).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Requests that failed, and those that have what is shown.
fn moments(arm: &ArmSummary<'_>, shown: Shown) -> Vec<TimelineRun> {
    let moment = |dot: &Dot| match dot.fate {
        Fate::Failed(_) => Some(Moment { at: dot.intended.seconds(), took: None }),
        Fate::Answered { .. } => {
            Some(Moment { at: dot.intended.seconds(), took: Some(shown.of(dot)?) })
        }
    };
    let runs = arm.arm.runs.iter().enumerate().take(RUNS);
    let run = |(at, run): (usize, &Run)| {
        let moments = run.seen.dots().iter().filter_map(moment).collect();
        TimelineRun { name: arm.label(at), moments }
    };
    runs.map(run).collect()
}

fn arm_of<'a>(summary: &ArmSummary<'a>) -> &'a crate::replay::report::Arm {
    summary.arm
}

fn share(value: f64) -> String {
    human::brief(&human::share(value))
}

fn change(ratio: f64) -> super::Number {
    super::Number { text: human::change(ratio), exact: human::exact(ratio) }
}
