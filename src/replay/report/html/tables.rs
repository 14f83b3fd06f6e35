//! The parts of a page that are tables, from what a report says.
//!
//! Must not know: markup; that is in the templates.

use super::fragment::{
    AnswerRow, AnswersFragment, FailuresFragment, FiguresFragment, ForestFragment, ForestRow,
    Number, RunRow, RunsFragment, Table, TableRow,
};
use crate::human;
use crate::replay::report::input::Run;
use crate::replay::report::plot::{Forest, ForestMark, ForestRun};
use crate::replay::report::summary::{
    ArmSummary, STATISTICS, Spread, Standing, Summary, Tone, plural,
};
use crate::replay::report::words::{self, Unit};
use crate::replay::{
    AnswerComparison, Better, Comparison, Effect, Failure, Metric, MetricComparison, Quantity,
    Statistic, Verdict,
};
use std::collections::BTreeSet;

/// A value in its unit, with all its digits for whoever points at it.
pub(super) fn number(unit: Unit, value: f64) -> Number {
    Number { text: unit.say(value), exact: unit.exact(value) }
}

/// A value that may not be known.
pub(super) fn maybe(unit: Unit, value: Option<f64>) -> Number {
    value.map_or_else(unknown, |value| number(unit, value))
}

/// How many.
pub(super) fn whole(count: u64) -> Number {
    Number { text: human::count(count), exact: String::new() }
}

/// Metric by metric, drawn on one scale.
pub(super) fn forest(comparison: &Comparison, summary: &Summary<'_>) -> ForestFragment {
    let marks = comparison.metrics.iter().filter_map(|metric| mark(&metric.effect));
    let forest = Forest::new(&marks.collect::<Vec<_>>(), comparison.margin);
    let (a, b) = comparison.runs;
    let rows = comparison.metrics.iter();
    ForestFragment {
        note: format!("{a} + {b} runs; a run is the sampling unit; {}", words::levels(comparison)),
        axis: forest.axis(),
        rows: rows.map(|metric| forest_row(&forest, metric, summary)).collect(),
    }
}

/// Rung by rung.
pub(super) fn answers(answers: &AnswerComparison) -> AnswersFragment {
    let share = |value| number(Unit::Share, value);
    let rows = answers.rungs.iter().map(|rung| AnswerRow {
        name: words::rung(&rung.name).to_owned(),
        role: words::role(rung.role),
        floor: share(rung.floor),
        differ: share(rung.differ),
        excess: effect(Unit::Share, &rung.excess),
        interval: interval(Unit::Share, &rung.excess),
        p: Number {
            text: human::probability(rung.p_adjusted),
            exact: human::exact(rung.p_adjusted),
        },
        standing: Standing::of_rung(rung).into(),
        examples: rung.examples.iter().take(10).map(u64::to_string).collect::<Vec<_>>().join(", "),
    });
    let pairs = human::count(answers.pairs);
    AnswersFragment {
        note: format!(
            "{pairs} pairs; what counts is the excess over how A differs from itself; {}",
            words::answer_levels(answers)
        ),
        rows: rows.collect(),
    }
}

/// Every figure of every arm.
pub(super) fn figures(summary: &Summary<'_>) -> FiguresFragment {
    let cell = |arm: &ArmSummary<'_>, quantity, statistic| {
        let figure = arm.figure(quantity, statistic);
        figure.map_or_else(unknown, |of| spread(words::unit(quantity), of))
    };
    let of_arm = |arm: &ArmSummary<'_>, quantity| TableRow {
        name: format!("{} {}", words::quantity(quantity), arm.letter).trim_end().to_owned(),
        cells: STATISTICS.map(|statistic| cell(arm, quantity, statistic)).into(),
    };
    let distributions = summary.distributions().into_iter();
    let distributions = distributions
        .flat_map(|quantity| summary.arms.iter().map(move |arm| of_arm(arm, quantity)));
    let totals = summary.totals().into_iter().map(|quantity| TableRow {
        name: words::quantity(quantity).to_owned(),
        cells: summary.arms.iter().map(|arm| cell(arm, quantity, Statistic::Total)).collect(),
    });
    let heads = |first: &str, rest: Vec<&str>| {
        std::iter::once(first).chain(rest).map(str::to_owned).collect::<Vec<_>>()
    };
    FiguresFragment {
        distributions: Table {
            heads: heads("Times", STATISTICS.map(words::statistic).into()),
            rows: distributions.collect(),
        },
        totals: Table {
            heads: heads("Totals", arm_heads(summary, "Value")),
            rows: totals.collect(),
        },
    }
}

/// A column for each arm; the only one is called `alone`.
fn arm_heads(summary: &Summary<'_>, alone: &'static str) -> Vec<&'static str> {
    let head = |arm: &ArmSummary<'_>| if arm.letter.is_empty() { alone } else { arm.letter };
    summary.arms.iter().map(head).collect()
}

/// Every run.
pub(super) fn runs(summary: &Summary<'_>) -> RunsFragment {
    let heads = vec![
        "Requests",
        "Failed",
        "TTFT p50",
        "TTFT p95",
        "Latency p95",
        "Sent",
        "Planned",
        "Lag p99",
        "Lag limit",
    ];
    let row = |arm: &ArmSummary<'_>, at: usize, run: &Run| RunRow {
        label: arm.label(at),
        id: run.id.clone(),
        standing: run_standing(run).into(),
        cells: run_cells(run),
        complaints: run.complaints().to_vec(),
    };
    let rows = summary
        .arms
        .iter()
        .flat_map(|arm| arm.arm.runs.iter().enumerate().map(move |(at, run)| row(arm, at, run)));
    RunsFragment { note: summary.validity.clone(), heads, rows: rows.collect() }
}

/// Failures by reason.
pub(super) fn failures(summary: &Summary<'_>) -> FailuresFragment {
    let count = |arm: &ArmSummary<'_>, why: Failure| {
        let runs = arm.arm.runs.iter().filter_map(|run| run.failures.get(&why));
        runs.fold(0_u64, |sum, count| sum.saturating_add(*count))
    };
    let all = |why| summary.arms.iter().map(|arm| count(arm, why)).fold(0, u64::saturating_add);
    let runs = || summary.arms.iter().flat_map(|arm| &arm.arm.runs);
    let seen: BTreeSet<Failure> = runs().flat_map(|run| run.failures.keys().copied()).collect();
    let mut seen: Vec<Failure> = seen.into_iter().collect();
    seen.sort_by_key(|why| std::cmp::Reverse(all(*why)));
    let rows = seen.into_iter().map(|why| TableRow {
        name: words::failure(why).to_owned(),
        cells: summary.arms.iter().map(|arm| whole(count(arm, why))).collect(),
    });
    let heads = std::iter::once("Reason")
        .chain(arm_heads(summary, "Requests"))
        .map(str::to_owned)
        .collect();
    let note = format!("in {}", plural(runs().count(), "run"));
    let judged = runs().fold(0_u64, |sum, run| sum.saturating_add(run.judged()));
    FailuresFragment {
        note,
        judged: human::count(judged),
        is_empty: judged == 0,
        table: Table { heads, rows: rows.collect() },
    }
}

fn forest_row(forest: &Forest, metric: &MetricComparison, summary: &Summary<'_>) -> ForestRow {
    let unit = words::unit(metric.metric.quantity);
    let standing = Standing::of_metric(metric);
    let mean = |values: &[f64]| Spread::of(values).map(|spread| spread.mean);
    let of_a = mean(&metric.a).unwrap_or(f64::NAN);
    let beside_a = |at: usize, values: &[f64]| -> Vec<ForestRun> {
        let name = summary.arms.get(at).map_or("", |arm| arm.letter);
        values
            .iter()
            .map(|value| ForestRun { name: name.to_owned(), ratio: value / of_a })
            .collect()
    };
    let strip = mark(&metric.effect).map_or_else(
        || forest.empty_strip(),
        |mark| {
            let (a, b) = (beside_a(0, &metric.a), beside_a(1, &metric.b));
            forest.strip(standing.tone.class(), mark, (&a, &b))
        },
    );
    ForestRow {
        metric: words::metric(metric.metric),
        explained: words::explained(metric.metric.quantity),
        role: words::role(metric.role),
        better: match metric.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
        },
        a: maybe(unit, mean(&metric.a)),
        b: maybe(unit, mean(&metric.b)),
        strip,
        effect: effect(unit, &metric.effect),
        interval: interval(unit, &metric.effect),
        p: Number {
            text: human::probability(metric.p_adjusted),
            exact: format!("{} before correction", human::exact(metric.p)),
        },
        standing: standing.into(),
    }
}

fn mark(effect: &Effect) -> Option<ForestMark> {
    match *effect {
        Effect::Ratio { value, low, high } => Some(ForestMark { value, low, high }),
        Effect::Difference { .. } => None,
    }
}

fn effect(unit: Unit, effect: &Effect) -> Number {
    let value = match effect {
        Effect::Ratio { value, .. } => format!("{} times A", human::exact(*value)),
        Effect::Difference { value, .. } => unit.exact(*value),
    };
    Number { text: unit.say_effect(effect), exact: value }
}

fn interval(unit: Unit, effect: &Effect) -> Number {
    let (Effect::Ratio { low, high, .. } | Effect::Difference { low, high, .. }) = effect;
    let exact = format!("{} to {}", human::exact(*low), human::exact(*high));
    Number { text: unit.say_interval(effect), exact }
}

fn spread(unit: Unit, of: Spread) -> Number {
    let (mean, low, high) = (unit.exact(of.mean), unit.exact(of.low), unit.exact(of.high));
    let exact = if of.low == of.high { mean } else { format!("{mean}; from {low} to {high}") };
    Number { text: unit.say(of.mean), exact }
}

fn run_standing(run: &Run) -> Standing {
    if run.is_valid() {
        Standing { word: "VALID", sign: "✓", tone: Tone::Good }
    } else {
        Standing::from(Verdict::Invalid)
    }
}

fn run_cells(run: &Run) -> Vec<Number> {
    let figure = |quantity, statistic| {
        maybe(words::unit(quantity), run.figures.get(&Metric { quantity, statistic }).copied())
    };
    let lag = |of: Option<crate::types::Micros>| maybe(Unit::Seconds, of.map(|lag| lag.seconds()));
    vec![
        whole(run.requests),
        whole(run.failed()),
        figure(Quantity::Ttft, Statistic::P50),
        figure(Quantity::Ttft, Statistic::P95),
        figure(Quantity::Latency, Statistic::P95),
        figure(Quantity::SendRate, Statistic::Total),
        maybe(Unit::PerSecond, run.intended_rate),
        lag(run.lag.p99),
        lag(run.lag.limit),
    ]
}

fn unknown() -> Number {
    Number { text: human::UNKNOWN.to_owned(), exact: String::new() }
}
