//! A report for a terminal: validity and verdict first, then the figures.
//!
//! Must not know: how wide the terminal is, or whether it shows colours; it is told.

mod grid;
mod style;
#[cfg(test)]
mod tests;

pub use style::Colour;

use super::input::ReportInput;
use super::summary::{ArmSummary, STATISTICS, Spread, Standing, Summary, Tone};
use super::{Findings, words};
use crate::human;
use crate::replay::{AnswerComparison, Comparison, Metric, Role, Statistic};
use grid::{Cell, Column, Side, cut, grid};
use std::fmt::Write;
use style::{Paint, painted, safe, width};

/// Lines are at least that wide, and at most.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=120;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalStyle {
    /// How wide lines may be; from 60 to 120.
    pub width: usize,
    /// Whether they are coloured.
    pub colour: Colour,
}

impl Default for TerminalStyle {
    fn default() -> Self {
        Self { width: 100, colour: Colour::Plain }
    }
}

/// The report as lines, the last one ended.
pub fn terminal(input: &ReportInput, style: TerminalStyle) -> String {
    let room = style.width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let summary = Summary::of(input);
    let mut page = Page { text: String::new(), room, colour: style.colour };
    page.head(input, &summary);
    if let Some(comparison) = input.comparison() {
        page.comparison(comparison);
        if let Some(answers) = &comparison.answers {
            page.answers(answers);
        }
    }
    if let Some(study) = &input.study {
        page.study(&study.findings());
    }
    page.figures(&summary);
    page.runs(&summary);
    page.text
}

struct Page {
    text: String,
    room: usize,
    colour: Colour,
}

impl Page {
    fn head(&mut self, input: &ReportInput, summary: &Summary<'_>) {
        let Standing { word, sign, tone } = summary.standing;
        let verdict = painted(&format!("{sign} {word}"), Paint::Tone(tone), self.colour);
        self.line(&format!("{verdict}  {}", summary.validity));
        self.paragraph("", &summary.headline);
        for reason in &summary.reasons {
            self.paragraph("- ", reason);
        }
        self.text.push('\n');
        let began = humantime::format_rfc3339_seconds(input.began).to_string();
        let schedule = words::schedule(&input.plan);
        self.fact("report", &format!("{}, {began}, transom {}", input.id, input.program));
        for arm in &summary.arms {
            let name = if arm.letter.is_empty() { "target" } else { arm.letter };
            self.fact(name, &arm.arm.title());
        }
        self.fact("plan", &format!("{schedule}; seed {}", input.plan.options.seed));
        let of = human::count(input.plan.captured);
        self.fact("capture", &format!("{of} requests, {}", cut(&input.plan.capture, 16)));
        if let Some(comparison) = input.comparison() {
            let (a, b) = comparison.runs;
            let margins = words::margins(comparison);
            let alpha = human::brief(&human::share(comparison.alpha));
            let judged = format!("by {a} + {b} runs; equal within {margins}; false alarms {alpha}");
            self.fact("judged", &judged);
        }
    }

    fn comparison(&mut self, comparison: &Comparison) {
        if comparison.metrics.is_empty() {
            return;
        }
        let columns = [
            column("Metric", Side::Left, u8::MAX),
            column("A", Side::Right, 3),
            column("B", Side::Right, 3),
            column("B vs A", Side::Right, u8::MAX),
            column("interval", Side::Right, 4),
            column("p (Holm)", Side::Right, 2),
            column("verdict", Side::Left, u8::MAX),
        ];
        let rows = comparison.metrics.iter().map(|metric| {
            let unit = words::unit(metric.metric.quantity);
            let side = |values: &[f64]| {
                Cell::plain(or_dash(Spread::of(values).map(|spread| unit.say(spread.mean))))
            };
            vec![
                Cell::plain(words::metric(metric.metric)),
                side(&metric.a),
                side(&metric.b),
                Cell::plain(unit.say_effect(&metric.effect)),
                Cell::plain(unit.say_interval(&metric.effect)),
                Cell::plain(human::probability(metric.p_adjusted)),
                judged(Standing::of_metric(metric), metric.role),
            ]
        });
        let rows: Vec<_> = rows.collect();
        self.title("Comparison", "what is in lower case decides nothing");
        self.grid(&columns, &rows);
        self.paragraph("", &format!("Runs are the sampling unit; {}.", words::levels(comparison)));
    }

    fn answers(&mut self, answers: &AnswerComparison) {
        let columns = [
            column("Answers", Side::Left, u8::MAX),
            column("A vs A", Side::Right, 3),
            column("A vs B", Side::Right, 3),
            column("excess", Side::Right, u8::MAX),
            column("interval", Side::Right, 4),
            column("p (Holm)", Side::Right, 2),
            column("finding", Side::Left, u8::MAX),
        ];
        let rows = answers.rungs.iter().map(|rung| {
            let unit = words::Unit::Share;
            vec![
                Cell::plain(cut(&safe(words::rung(&rung.name)), 24)),
                Cell::plain(human::share(rung.floor)),
                Cell::plain(human::share(rung.differ)),
                Cell::plain(unit.say_effect(&rung.excess)),
                Cell::plain(unit.say_interval(&rung.excess)),
                Cell::plain(human::probability(rung.p_adjusted)),
                judged(Standing::of_rung(rung), rung.role),
            ]
        });
        let rows: Vec<_> = rows.collect();
        let note = format!("{} pairs; share that differs", human::count(answers.pairs));
        self.title("Answers", &note);
        self.grid(&columns, &rows);
        self.paragraph("", &format!("Of these, {}.", words::answer_levels(answers)));
    }

    fn study(&mut self, findings: &Findings) {
        let columns = (0..).zip(findings.heads).map(|(at, head)| {
            let side = if at == 0 { Side::Left } else { Side::Right };
            column(head, side, u8::MAX)
        });
        let columns: Vec<_> = columns.collect();
        let rows = findings.rows.iter().map(|row| row.iter().map(Cell::plain).collect());
        let rows: Vec<Vec<Cell>> = rows.collect();
        self.title(findings.title, &findings.note);
        self.grid(&columns, &rows);
    }

    fn figures(&mut self, summary: &Summary<'_>) {
        let said = |arm: &ArmSummary<'_>, quantity, statistic| {
            let figure = arm.figure(quantity, statistic);
            Cell::plain(or_dash(figure.map(|figure| words::unit(quantity).say(figure.mean))))
        };
        let mut columns = vec![column("", Side::Left, u8::MAX), column("", Side::Left, u8::MAX)];
        columns.extend(STATISTICS.map(|of| column(words::statistic(of), Side::Right, 2)));
        let mut rows = Vec::new();
        for quantity in summary.distributions() {
            for (at, arm) in summary.arms.iter().enumerate() {
                let name = if at == 0 { words::quantity(quantity) } else { "" };
                let mut row = vec![Cell::plain(name), Cell(arm.letter.to_owned(), Paint::Quiet)];
                row.extend(STATISTICS.map(|statistic| said(arm, quantity, statistic)));
                rows.push(row);
            }
        }
        let totals = summary.totals().into_iter().map(|quantity| {
            let arms = summary.arms.iter().map(|arm| said(arm, quantity, Statistic::Total));
            std::iter::once(Cell::plain(words::quantity(quantity))).chain(arms).collect()
        });
        let totals: Vec<Vec<Cell>> = totals.collect();
        if !rows.is_empty() {
            self.title("Times", "means of the runs that count");
            self.grid(&columns, &rows);
        }
        if !totals.is_empty() {
            let arms = summary.arms.iter().map(|arm| column(arm.letter, Side::Right, u8::MAX));
            let columns: Vec<_> =
                std::iter::once(column("", Side::Left, u8::MAX)).chain(arms).collect();
            self.title("Totals", "means of the runs that count");
            self.grid(&columns, &totals);
        }
    }

    fn runs(&mut self, summary: &Summary<'_>) {
        let columns = [
            column("Run", Side::Left, u8::MAX),
            column("requests", Side::Right, u8::MAX),
            column("failed", Side::Right, 5),
            column("TTFT p95", Side::Right, 4),
            column("latency p95", Side::Right, 4),
            column("sent", Side::Right, 2),
            column("planned", Side::Right, 2),
            column("lag p99", Side::Right, 3),
            column("", Side::Left, u8::MAX),
        ];
        let rows: Vec<_> = summary.arms.iter().flat_map(run_rows).collect();
        if rows.is_empty() {
            return;
        }
        self.title("Runs", "");
        self.grid(&columns, &rows);
        let several = input_is_compared(summary);
        for (arm, at) in
            summary.arms.iter().flat_map(|arm| (0..arm.arm.runs.len()).map(move |at| (arm, at)))
        {
            let complaints = arm.arm.runs.get(at).map_or(&[][..], |run| run.complaints());
            // Without a comparison these are the reasons, and have been told.
            for complaint in complaints.iter().filter(|_| several) {
                self.paragraph(&format!("{}: ", arm.label(at)), complaint);
            }
        }
    }

    fn title(&mut self, title: &str, note: &str) {
        let title = painted(title, Paint::Strong, self.colour);
        let note = painted(note, Paint::Quiet, self.colour);
        self.text.push('\n');
        self.line(format!("{title}  {note}").trim_end());
    }

    fn grid(&mut self, columns: &[Column], rows: &[Vec<Cell>]) {
        self.text.push_str(&grid(columns, rows, self.room, self.colour));
    }

    fn fact(&mut self, name: &str, value: &str) {
        let value = cut(&safe(value), self.room - 10);
        let name = painted(&format!("{name:<8}"), Paint::Quiet, self.colour);
        self.line(&format!("{name}  {value}"));
    }

    fn line(&mut self, text: &str) {
        writeln!(self.text, "{text}").ok();
    }

    /// Words wrapped to the width; lines after the first are indented below the bullet's text.
    fn paragraph(&mut self, bullet: &str, text: &str) {
        let indent = " ".repeat(width(bullet));
        let mut line = bullet.to_owned();
        let mut is_new = true;
        for word in safe(text).split_whitespace() {
            let word = cut(word, self.room - width(bullet));
            if !is_new && width(&line) + 1 + width(&word) > self.room {
                self.line(&line);
                line.clone_from(&indent);
                is_new = true;
            }
            if !is_new {
                line.push(' ');
            }
            line.push_str(&word);
            is_new = false;
        }
        self.line(&line);
    }
}

const fn column(head: &'static str, side: Side, worth: u8) -> Column {
    Column { head, side, worth }
}

fn judged(standing: Standing, role: Role) -> Cell {
    let found = words::found(role, standing.word);
    Cell(format!("{} {found}", standing.sign), Paint::Tone(standing.tone))
}

fn run_rows<'s>(arm: &'s ArmSummary<'_>) -> impl Iterator<Item = Vec<Cell>> + 's {
    arm.arm.runs.iter().enumerate().map(|(at, run)| {
        let figure = |quantity, statistic| {
            let value = run.figures.get(&Metric { quantity, statistic });
            Cell::plain(or_dash(value.map(|value| words::unit(quantity).say(*value))))
        };
        let state = if run.is_valid() {
            Cell::plain("")
        } else {
            Cell("× INVALID".to_owned(), Paint::Tone(Tone::Bad))
        };
        use crate::replay::Quantity::{Latency, SendRate, Ttft};
        vec![
            Cell::plain(arm.label(at)),
            Cell::plain(human::count(run.requests)),
            Cell::plain(human::count(run.failed())),
            figure(Ttft, Statistic::P95),
            figure(Latency, Statistic::P95),
            figure(SendRate, Statistic::Total),
            Cell::plain(or_dash(run.intended_rate.map(|rate| words::Unit::PerSecond.say(rate)))),
            Cell::plain(or_dash(run.lag.p99.map(|lag| human::seconds(lag.seconds())))),
            state,
        ]
    })
}

fn input_is_compared(summary: &Summary<'_>) -> bool {
    summary.arms.len() > 1
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| human::UNKNOWN.to_owned())
}
