//! A report as one page that needs nothing else: no network, no script, light and dark.
//!
//! | file | owns |
//! |---|---|
//! | `fragment` | the parts of the page, for other pages too |
//! | `tables` | the parts that are tables |
//! | `pictures` | the parts that are pictures, from what is kept of requests |
//!
//! The page allows itself exactly one thing, its own style sheet, by its hash (Content Security
//! Policy Level 3). Must not know: who serves it, or where it is kept.

mod fragment;
mod pictures;
mod tables;

pub use fragment::{
    AnswerRow, AnswersFragment, Fact, FactsFragment, FailuresFragment, FiguresFragment,
    ForestFragment, ForestRow, LegendEntry, Number, PlotFragment, RunRow, RunsFragment, Standing,
    StudyFragment, Table, TableRow, Tile, TilesFragment, VerdictFragment,
};

use super::input::ReportInput;
use super::summary::{Summary, Tone};
use super::{Findings, words};
use crate::human;
use crate::replay::{Metric, PlanHead, Quantity, Statistic};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The style sheet of the pictures. It takes its colours from custom properties: `--card`,
/// `--ink`, `--quiet`, `--line`, `--rule`, `--accent`, `--base`, `--good`, `--bad`, `--doubt`, and
/// its letters from `--sans`.
pub const PLOT_STYLE: &str = include_str!("../../../../templates/replay/plots.css");
const PAGE_STYLE: &str = concat!(
    include_str!("../../../../templates/replay/report.css"),
    include_str!("../../../../templates/replay/parts.css")
);

/// What is shown large above all tables, where it was measured.
const TILES: [Metric; 6] = [
    Metric { quantity: Quantity::Ttft, statistic: Statistic::P95 },
    Metric { quantity: Quantity::Latency, statistic: Statistic::P95 },
    Metric { quantity: Quantity::Tpot, statistic: Statistic::P50 },
    Metric { quantity: Quantity::OutputTokens, statistic: Statistic::Total },
    Metric { quantity: Quantity::Goodput, statistic: Statistic::Total },
    Metric { quantity: Quantity::Failures, statistic: Statistic::Total },
];

/// The parts of a report, each of which is a piece of markup by itself.
pub struct Parts {
    /// The verdict, in a word, a sentence, and why.
    pub verdict: VerdictFragment,
    /// A few figures, large.
    pub tiles: TilesFragment,
    /// What the runs were made to find out, where that is no comparison.
    pub study: Option<StudyFragment>,
    /// Metric by metric, where two arms are compared.
    pub forest: Option<ForestFragment>,
    /// Rung by rung, where answers are compared.
    pub answers: Option<AnswersFragment>,
    /// The pictures that there is anything to see on.
    pub plots: Vec<PlotFragment>,
    /// Every figure of every arm.
    pub figures: FiguresFragment,
    /// Every run.
    pub runs: RunsFragment,
    /// What went wrong.
    pub failures: FailuresFragment,
    /// What ran.
    pub facts: FactsFragment,
}

#[derive(Template)]
#[template(path = "replay/report.html")]
struct ReportPage {
    title: String,
    style: String,
    policy: String,
    id: String,
    began: String,
    began_short: String,
    program: String,
    compares: bool,
    parts: Parts,
}

/// The policy that the page asks for itself: nothing but its own style sheet.
pub fn page_policy() -> String {
    let style = style_hash(&format!("{PAGE_STYLE}{PLOT_STYLE}"));
    format!("default-src 'none'; style-src '{style}'; base-uri 'none'; form-action 'none'")
}

fn style_hash(style: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(style.as_bytes())))
}

/// The whole page.
///
/// # Errors
/// When a template cannot be rendered, which none of these can.
pub fn html(input: &ReportInput) -> Result<String, askama::Error> {
    let summary = Summary::of(input);
    let began = humantime::format_rfc3339_seconds(input.began).to_string();
    let names: Vec<&str> = summary.arms.iter().rev().map(|arm| arm.arm.name.as_str()).collect();
    let page = ReportPage {
        title: format!("{}: {} – transom replay", summary.standing.word, names.join(" vs ")),
        policy: page_policy(),
        style: format!("{PAGE_STYLE}{PLOT_STYLE}"),
        id: input.id.clone(),
        began_short: began.replace('T', " ").replace('Z', " UTC"),
        began,
        program: input.program.clone(),
        compares: input.comparison().is_some(),
        parts: parts(input),
    };
    page.render()
}

/// The parts of the page, for other pages. They need [`PLOT_STYLE`].
pub fn parts(input: &ReportInput) -> Parts {
    let summary = Summary::of(input);
    let comparison = input.comparison();
    let tiles = TILES.iter().filter_map(|metric| tile(&summary, input, *metric));
    Parts {
        verdict: VerdictFragment {
            standing: summary.standing.into(),
            validity: summary.validity.clone(),
            headline: sentence(&summary.headline),
            reasons: summary.reasons.iter().map(|reason| sentence(reason)).collect(),
        },
        tiles: TilesFragment { tiles: tiles.collect() },
        study: input.study.as_ref().map(|study| {
            let Findings { title, note, heads, rows, .. } = study.findings();
            StudyFragment { title, note, heads, rows }
        }),
        forest: comparison.map(|comparison| tables::forest(comparison, &summary)),
        answers: comparison.and_then(|c| c.answers.as_ref()).map(tables::answers),
        plots: pictures::pictures(input, &summary),
        figures: tables::figures(&summary),
        runs: tables::runs(&summary),
        failures: tables::failures(&summary),
        facts: FactsFragment { facts: facts(input, &summary) },
    }
}

fn tile(summary: &Summary<'_>, input: &ReportInput, metric: Metric) -> Option<Tile> {
    let unit = words::unit(metric.quantity);
    let of = |at: usize| summary.arms.get(at)?.figure(metric.quantity, metric.statistic);
    let (name, explained) = (words::metric(metric), words::explained(metric.quantity));
    let Some(comparison) = input.comparison() else {
        let figure = of(0)?;
        let runs = summary.arms.first().map_or(0, |arm| arm.arm.runs.len());
        let beside = if runs > 1 {
            format!("{} to {}", unit.say(figure.low), unit.say(figure.high))
        } else {
            String::new()
        };
        let (value, change, tone) = (tables::number(unit, figure.mean), String::new(), "");
        return Some(Tile { name, explained, value, beside, change, tone });
    };
    let (a, b) = (of(0), of(1)?);
    let compared = comparison.metrics.iter().find(|compared| compared.metric == metric);
    let change = compared.map_or_else(String::new, |compared| {
        format!("{} {}", words::sign(compared.verdict), unit.say_effect(&compared.effect))
    });
    let tone = compared.map_or("", |compared| {
        match super::summary::Standing::of_metric(compared).tone {
            // What is merely not known needs no colour in the short form.
            Tone::Doubt => "",
            tone => tone.class(),
        }
    });
    let beside = a.map_or_else(String::new, |a| format!("A {}", unit.say(a.mean)));
    let value = tables::number(unit, b.mean);
    Some(Tile { name, explained, value, beside, change, tone })
}

fn facts(input: &ReportInput, summary: &Summary<'_>) -> Vec<Fact> {
    let fact = |name, text: &str| Fact {
        name,
        text: text.to_owned(),
        exact: String::new(),
        code: String::new(),
    };
    let arm = |arm: &super::summary::ArmSummary<'_>| Fact {
        code: arm.arm.target.clone(),
        ..fact(if arm.letter.is_empty() { "Target" } else { arm.letter }, &arm.arm.name)
    };
    let mut facts: Vec<Fact> = summary.arms.iter().map(arm).collect();
    let plan = &input.plan;
    facts.push(fact("Schedule", &words::schedule(plan)));
    facts.push(fact("Warm-up", &warm_up(plan)));
    facts.push(Fact {
        code: plan.capture.chars().take(16).collect(),
        exact: plan.capture.clone(),
        ..fact("Capture", &format!("{} requests", human::count(plan.captured)))
    });
    facts.push(fact("Seed", &plan.options.seed.to_string()));
    if let Some(shard) = plan.shard {
        let (index, of) = (u64::from(shard.index) + 1, shard.of);
        facts.push(fact("Shard", &format!("{index} of {of}")));
    }
    if let Some(comparison) = input.comparison() {
        let (a, b) = comparison.runs;
        let margins = words::margins(comparison);
        let alpha = human::brief(&human::share(comparison.alpha));
        let judged = format!("by {a} + {b} runs; equal within {margins}; false alarms {alpha}");
        facts.push(fact("Judged", &judged));
    }
    facts
}

/// On the page a number and its percent sign stay on one line, and no name in a sentence turns
/// the direction in which the rest is written.
fn sentence(text: &str) -> String {
    let turns = |letter| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(turns, "").replace(" %", "\u{a0}%")
}

fn warm_up(plan: &PlanHead) -> String {
    match plan.options.warm_up.0 {
        0 => "none".to_owned(),
        _ => format!(
            "the first {} do not count",
            human::brief(&human::seconds(plan.options.warm_up.seconds()))
        ),
    }
}
