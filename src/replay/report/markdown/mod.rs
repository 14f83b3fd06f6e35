//! A report for a pull request: the verdict, a table, and the rest folded away.
//!
//! GitHub-flavoured Markdown, short enough for a comment (65,536 letters) with any number of
//! runs. Must not know: where it is posted.

mod escape;

use super::input::ReportInput;
use super::summary::{ArmSummary, STATISTICS, Spread, Standing, Summary, plural};
use super::{Findings, words};
use crate::human;
use crate::replay::{AnswerComparison, Comparison, MetricComparison, Quantity, Role, Statistic};
use escape::{code, prose};
use std::fmt::Write;

/// By this whoever posts a report finds the one of last time.
pub const MARKDOWN_MARK: &str = "<!-- transom-replay-report -->";
/// Rows of a table, and reasons; more are counted.
const ROWS: usize = 60;

/// The report as Markdown.
pub fn markdown(input: &ReportInput) -> String {
    let summary = Summary::of(input);
    let mut text = head(&summary);
    if let Some(comparison) = input.comparison() {
        text.push_str(&metrics(comparison));
        if let Some(answers) = &comparison.answers {
            let title = format!("Answers: {} pairs compared", human::count(answers.pairs));
            fold(&mut text, &title, &rungs(answers));
        }
    }
    if let Some(study) = &input.study {
        text.push_str(&found(&study.findings()));
    }
    let runs = summary.arms.iter().map(|arm| arm.arm.runs.len()).sum::<usize>();
    fold(&mut text, "Figures, means of the runs that count", &figures(&summary));
    fold(
        &mut text,
        &format!("{}: {}", plural(runs, "run"), summary.validity),
        &self::runs(&summary),
    );
    fold(&mut text, "What ran", &facts(input, &summary));
    text
}

fn head(summary: &Summary<'_>) -> String {
    let Standing { word, sign, .. } = summary.standing;
    let headline = prose(&summary.headline);
    let mut text = format!("{MARKDOWN_MARK}\n### `{sign}` {word}\n\n**{headline}**\n\n");
    for reason in summary.reasons.iter().take(ROWS) {
        line(&mut text, format_args!("- {}", prose(reason)));
    }
    more(&mut text, "- ", summary.reasons.len());
    text.push('\n');
    text
}

fn found(findings: &Findings) -> String {
    let mut text = format!("| {} |\n|:--|{}\n", findings.heads.join(" | "), {
        "--:|".repeat(findings.heads.len().saturating_sub(1))
    });
    for row in findings.rows.iter().take(ROWS) {
        line(&mut text, format_args!("| {} |", row.join(" | ").replace('<', "&lt;")));
    }
    more(&mut text, "\n", findings.rows.len());
    line(&mut text, format_args!("\n<sub>{}: {}.</sub>\n", findings.title, findings.note));
    text
}

fn metrics(comparison: &Comparison) -> String {
    if comparison.metrics.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "| Metric | A | B | B vs A | Interval | p (Holm) | Verdict |\n\
         |:--|--:|--:|--:|--:|--:|:--|\n",
    );
    for metric in comparison.metrics.iter().take(ROWS) {
        line(&mut text, format_args!("{}", metric_row(metric)));
    }
    more(&mut text, "\n", comparison.metrics.len());
    let (a, b) = comparison.runs;
    let (margins, levels) = (words::margins(comparison), words::levels(comparison));
    line(
        &mut text,
        format_args!(
            "\n<sub>By {a} + {b} runs; a run is the sampling unit. Equal means within {margins}; \
             {levels}. What is in lower case decides nothing.</sub>\n"
        ),
    );
    text
}

fn metric_row(metric: &MetricComparison) -> String {
    let unit = words::unit(metric.metric.quantity);
    let side = |values: &[f64]| {
        Spread::of(values).map_or_else(|| human::UNKNOWN.to_owned(), |of| unit.say(of.mean))
    };
    let word = emphasised(Standing::of_metric(metric), metric.role);
    format!(
        "| {} | {} | {} | {} | {} | {} | {word} |",
        words::metric(metric.metric),
        side(&metric.a),
        side(&metric.b),
        unit.say_effect(&metric.effect),
        unit.say_interval(&metric.effect),
        human::probability(metric.p_adjusted).replace('<', "&lt;"),
    )
}

/// What asks for action stands out.
fn emphasised(standing: Standing, role: Role) -> String {
    let Standing { word, sign, tone } = standing;
    let word = words::found(role, word);
    match tone {
        super::summary::Tone::Bad => format!("`{sign}` **{word}**"),
        _ => format!("`{sign}` {word}"),
    }
}

fn rungs(answers: &AnswerComparison) -> String {
    let mut text = String::from(
        "| Differ in | A vs A | A vs B | Excess | Interval | p (Holm) | Finding | Requests |\n\
         |:--|--:|--:|--:|--:|--:|:--|:--|\n",
    );
    for rung in answers.rungs.iter().take(ROWS) {
        let unit = words::Unit::Share;
        let examples: Vec<String> = rung.examples.iter().take(10).map(u64::to_string).collect();
        let name = prose(words::rung(&rung.name));
        let finding = emphasised(Standing::of_rung(rung), rung.role);
        line(
            &mut text,
            format_args!(
                "| {name} | {} | {} | {} | {} | {} | {finding} | {} |",
                human::share(rung.floor),
                human::share(rung.differ),
                unit.say_effect(&rung.excess),
                unit.say_interval(&rung.excess),
                human::probability(rung.p_adjusted).replace('<', "&lt;"),
                examples.join(", "),
            ),
        );
    }
    line(&mut text, format_args!("\n<sub>Of these, {}.</sub>", words::answer_levels(answers)));
    text
}

fn figures(summary: &Summary<'_>) -> String {
    let said = |arm: &ArmSummary<'_>, quantity, statistic| {
        let figure = arm.figure(quantity, statistic);
        figure.map_or_else(|| human::UNKNOWN.to_owned(), |of| words::unit(quantity).say(of.mean))
    };
    let mut text = String::from("| | | mean | p50 | p90 | p95 | p99 |\n");
    text.push_str("|:--|:--|--:|--:|--:|--:|--:|\n");
    for quantity in summary.distributions() {
        for arm in &summary.arms {
            let cells = STATISTICS.map(|statistic| said(arm, quantity, statistic)).join(" | ");
            let name = words::quantity(quantity);
            line(&mut text, format_args!("| {name} | {} | {cells} |", arm.letter));
        }
    }
    let letters: Vec<&str> = summary.arms.iter().map(|arm| arm.letter).collect();
    line(&mut text, format_args!("\n| | {} |", letters.join(" | ")));
    line(&mut text, format_args!("|:--|{}", "--:|".repeat(letters.len())));
    for quantity in summary.totals() {
        let cells = summary.arms.iter().map(|arm| said(arm, quantity, Statistic::Total));
        let cells: Vec<String> = cells.collect();
        line(&mut text, format_args!("| {} | {} |", words::quantity(quantity), cells.join(" | ")));
    }
    text
}

fn runs(summary: &Summary<'_>) -> String {
    let mut text = String::from(
        "| Run | Requests | Failed | TTFT p95 | Latency p95 | Send lag p99 | |\n\
         |:--|--:|--:|--:|--:|--:|:--|\n",
    );
    let rows: Vec<String> = summary.arms.iter().flat_map(run_rows).collect();
    for row in rows.iter().take(ROWS) {
        line(&mut text, format_args!("{row}"));
    }
    more(&mut text, "\n", rows.len());
    text
}

fn run_rows(arm: &ArmSummary<'_>) -> Vec<String> {
    let row = |(at, run): (usize, &super::Run)| {
        let p95 = |quantity| {
            let metric = crate::replay::Metric { quantity, statistic: Statistic::P95 };
            let value = run.figures.get(&metric);
            value.map_or_else(|| human::UNKNOWN.to_owned(), |value| human::seconds(*value))
        };
        let lag = run.lag.p99.map(|lag| human::seconds(lag.seconds()));
        let state = match run.complaints() {
            [] if run.is_valid() => String::new(),
            why => format!("`×` **INVALID** {}", prose(&why.join(" "))),
        };
        format!(
            "| {} | {} | {} | {} | {} | {} | {state} |",
            arm.label(at),
            human::count(run.requests),
            human::count(run.failed()),
            p95(Quantity::Ttft),
            p95(Quantity::Latency),
            lag.unwrap_or_else(|| human::UNKNOWN.to_owned()),
        )
    };
    arm.arm.runs.iter().enumerate().map(row).collect()
}

fn facts(input: &ReportInput, summary: &Summary<'_>) -> String {
    let mut text = String::new();
    for arm in &summary.arms {
        let name = if arm.letter.is_empty() { "Target" } else { arm.letter };
        let (of, at) = (code(&arm.arm.name), code(&arm.arm.target));
        line(&mut text, format_args!("- {name}: {of} at {at}"));
    }
    let plan = &input.plan;
    let schedule = prose(&words::schedule(plan));
    let warm_up = match plan.options.warm_up.0 {
        0 => "no warm-up".to_owned(),
        _ => format!(
            "the first {} do not count",
            human::brief(&human::seconds(plan.options.warm_up.seconds()))
        ),
    };
    line(&mut text, format_args!("- Plan: {schedule}; {warm_up}; seed {}", plan.options.seed));
    let captured = human::count(plan.captured);
    line(&mut text, format_args!("- Capture: {captured} requests, {}", code(&plan.capture)));
    let began = humantime::format_rfc3339_seconds(input.began);
    let (id, program) = (code(&input.id), code(&input.program));
    line(&mut text, format_args!("- Report {id}, begun {began}, by transom {program}"));
    text
}

fn fold(into: &mut String, title: &str, inside: &str) {
    line(into, format_args!("<details><summary>{title}</summary>\n\n{inside}\n</details>\n"));
}

/// Says how many did not fit.
fn more(into: &mut String, before: &str, all: usize) {
    if let Some(left_out) = all.checked_sub(ROWS).filter(|left_out| *left_out > 0) {
        line(into, format_args!("{before}… and {left_out} more."));
    }
}

fn line(into: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(into, "{text}").ok();
}
