//! The report as a table for people. Knows the figures, not how they came about.

use std::fmt;

use crate::answers::PERIOD;
use crate::cases::Sample;
use crate::cli::{Case, Plan};
use crate::report::{Report, Row, Target};
use crate::stats::Spread;

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.plan.cases {
            let rows = self.summary.iter().filter(|row| row.case == *case);
            if rows.clone().next().is_none() {
                continue;
            }
            writeln!(out, "\n{}", title(&self.plan, *case))?;
            let cells = COLUMNS.map(|(name, _)| name.to_owned());
            line(out, "", &cells)?;
            rows.clone().try_for_each(|row| line(out, row.subject.name(), &cells_of(row)))?;
            for row in rows.filter(|row| !row.budget.is_empty()) {
                writeln!(out, "budget of {}:", row.subject.name())?;
                row.budget.iter().try_for_each(|target| write!(out, "{target}"))?;
            }
            let samples = self.samples.iter().filter(|sample| sample.case == *case);
            samples.clone().try_for_each(|sample| scrape(out, sample))?;
            samples.clone().try_for_each(|sample| drops(out, sample))?;
            samples.clone().try_for_each(|sample| failures(out, sample))?;
        }
        match self.plan.smoke {
            true => writeln!(out, "\nA smoke run: it shows that the bench works, nothing more."),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, most, .. } = self;
        let found = self.found.map_or("not measured".to_owned(), |found| format!("{found:.2}"));
        let verdict = if self.kept { "kept" } else { "missed" };
        writeln!(out, "  at most {most} {what}: {found}, {verdict}")
    }
}

/// Names and widths of the columns after the subject's.
const COLUMNS: [(&str, usize); 14] = [
    ("CPU us", 24),
    ("x baseline", 20),
    ("per s", 9),
    ("p50 us", 9),
    ("p99 us", 9),
    ("p99 x base", 20),
    ("added p50 us", 22),
    ("cached %", 10),
    ("scrape ms", 22),
    ("proxy", 7),
    ("load", 7),
    ("dist.", 6),
    ("lost", 6),
    ("failed", 7),
];

fn line(out: &mut fmt::Formatter<'_>, name: &str, cells: &[String; 14]) -> fmt::Result {
    write!(out, "{name:<16}")?;
    for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
        write!(out, "{cell:>width$}")?;
    }
    writeln!(out)
}

fn cells_of(row: &Row) -> [String; 14] {
    const NONE: &str = "-";
    let spread = |spread: Option<Spread>, digits: usize| {
        spread.map_or(NONE.to_owned(), |spread| format!("{spread:.digits$}"))
    };
    let median = |spread: Option<Spread>| {
        spread.map_or(NONE.to_owned(), |spread| format!("{:.0}", spread.median))
    };
    let busy = |share: Option<f64>| {
        share.map_or(NONE.to_owned(), |share| format!("{:.0} %", share * 100.0))
    };
    [
        spread(row.cpu_us, 2),
        spread(row.times_baseline, 2),
        median(row.per_second),
        median(row.p50_us),
        median(row.p99_us),
        spread(row.times_p99, 2),
        spread(row.added_p50_us, 0),
        row.cached.map_or(NONE.to_owned(), |share| format!("{:.1}", share.median)),
        spread(row.scrape_ms, 1),
        busy(row.proxy_busy),
        busy(row.load_busy),
        row.disturbed.to_string(),
        row.lost.to_string(),
        row.failed.to_string(),
    ]
}

fn title(plan: &Plan, case: Case) -> String {
    let Plan { connections, streams, events, rate, captured_rate, calm_rate, entries, .. } = plan;
    let seconds = plan.measure.as_secs_f64();
    let from_cache =
        format!("from the cache, {connections} connections, closed loop of {seconds} s");
    let load = match case {
        Case::B2 => format!("small JSON, {connections} connections, closed loop of {seconds} s"),
        Case::B5 => format!(
            "{streams} streams of {events} events, one each {} ms, open loop, CPU per event, \
             latency to the first event",
            PERIOD.as_millis()
        ),
        Case::B6Small => format!("JSON of 1 KiB, {from_cache}"),
        Case::B6Large => format!("JSON of 100 KiB, {from_cache}"),
        Case::B6Stream => format!("streams of 200 events at once, {from_cache}, CPU per event"),
        Case::B6Disk => format!(
            "JSON of 1 to 100 KiB, {entries} of them on disk, {calm_rate} requests a second for \
             {seconds} s"
        ),
        Case::Miss => format!(
            "streams that are in no cache, {calm_rate} a second for {seconds} s, CPU per event, \
             latency to the first event"
        ),
        Case::B8 => format!("B2's load of {seconds} s, all telemetry against none"),
        Case::B9 => format!(
            "small JSON, {captured_rate} requests a second for {seconds} s, every exchange \
             captured against none"
        ),
        Case::B9Most => format!("B2's load of {seconds} s, every exchange captured against none"),
        Case::B10 => format!(
            "200 models, small JSON, {rate} requests a second for {seconds} s, scraped each \
             second against never"
        ),
    };
    let (rounds, passes, baseline) = (plan.rounds, plan.passes(), case.baseline().name());
    format!(
        "{case:?}: {load}; baseline: {baseline}; {rounds} rounds of {passes}, median (least to \
         greatest)"
    )
}

fn scrape(out: &mut fmt::Formatter<'_>, sample: &Sample) -> fmt::Result {
    let Some(cost) = sample.scrape else { return Ok(()) };
    let round = sample.round + 1;
    let (series, open_metrics, text) = (cost.series, cost.open_metrics_ms, cost.text_ms);
    writeln!(
        out,
        "scrape, round {round}: {series} series, {open_metrics:.2} ms as OpenMetrics, {text:.2} ms as text"
    )
}

fn drops(out: &mut fmt::Formatter<'_>, sample: &Sample) -> fmt::Result {
    let (dropped, round, name) = (sample.dropped, sample.round + 1, sample.subject.name());
    match dropped {
        0 => Ok(()),
        _ => writeln!(out, "dropped, round {round}, {name}: {dropped} log lines or spans"),
    }
}

fn failures(out: &mut fmt::Formatter<'_>, sample: &Sample) -> fmt::Result {
    let (case, round, name) = (sample.case, sample.round + 1, sample.subject.name());
    sample.failures.iter().try_for_each(|(reason, count)| {
        writeln!(out, "FAILED {case:?} round {round} {name}: {reason} ({count} times)")
    })
}
