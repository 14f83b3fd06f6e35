//! What every form of a report says alike: the standing, the sentence for it, the figures of
//! each arm over its runs that count.
//!
//! Must not know: files, terminals, pages.

use super::input::{Arm, Arms, ReportInput, Run};
use super::{Findings, Study, words};
use crate::human;
use crate::replay::{
    Comparison, Metric, MetricComparison, Quantity, Role, Rung, Statistic, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};

/// The statistics of a distribution, in the order of their columns.
pub const STATISTICS: [Statistic; 5] =
    [Statistic::Mean, Statistic::P50, Statistic::P90, Statistic::P95, Statistic::P99];

/// How good or bad something is, for colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As one would have it.
    Good,
    /// Something to act upon.
    Bad,
    /// Not known.
    Doubt,
}

impl Tone {
    /// The class that the style sheet knows.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Doubt => "doubt",
        }
    }
}

/// A verdict, or whether a report without a comparison counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In capitals.
    pub word: &'static str,
    /// A sign for it.
    pub sign: &'static str,
    /// How good it is.
    pub tone: Tone,
}

impl From<Verdict> for Standing {
    fn from(verdict: Verdict) -> Self {
        let tone = match verdict {
            Verdict::Improved | Verdict::Equivalent => Tone::Good,
            Verdict::Regressed | Verdict::Invalid => Tone::Bad,
            Verdict::Inconclusive => Tone::Doubt,
        };
        Self { word: words::verdict(verdict), sign: words::sign(verdict), tone }
    }
}

impl Standing {
    /// That of a metric. What decides nothing is no cause for alarm.
    pub fn of_metric(metric: &MetricComparison) -> Self {
        Self::from(metric.verdict).of_role(metric.role)
    }

    /// That of a rung of the ladder of answers.
    pub fn of_rung(rung: &Rung) -> Self {
        let standing = Self::from(rung.verdict);
        let word = match rung.verdict {
            Verdict::Regressed => "BEYOND THE FLOOR",
            Verdict::Improved | Verdict::Equivalent => "WITHIN THE FLOOR",
            Verdict::Inconclusive => "CANNOT BE TOLD",
            Verdict::Invalid => standing.word,
        };
        Self { word, ..standing }.of_role(rung.role)
    }

    fn of_role(self, role: Role) -> Self {
        match (role, self.tone) {
            (Role::Informative, Tone::Bad) => Self { tone: Tone::Doubt, ..self },
            _ => self,
        }
    }
}

/// What a report says first, and the figures of its arms.
pub struct Summary<'a> {
    /// In a word.
    pub standing: Standing,
    /// In a sentence.
    pub headline: String,
    /// Why, in a sentence each.
    pub reasons: Vec<String>,
    /// How many runs count, in a phrase.
    pub validity: String,
    /// One arm, or A and B.
    pub arms: Vec<ArmSummary<'a>>,
}

/// An arm, with its figures over the runs that count.
pub struct ArmSummary<'a> {
    /// `A` or `B`; empty where there is only one.
    pub letter: &'static str,
    /// The arm.
    pub arm: &'a Arm,
    /// Its figures.
    pub figures: BTreeMap<Metric, Spread>,
}

/// A figure over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The geometric mean where all are above 0, as ratios are made of; else the mean.
    pub mean: f64,
    /// The least of any run.
    pub low: f64,
    /// The most.
    pub high: f64,
}

impl<'a> Summary<'a> {
    /// Of a report.
    pub fn of(input: &'a ReportInput) -> Self {
        let letters: &[&'static str] = match input.arms {
            Arms::One(_) => &[""],
            Arms::Two { .. } => &["A", "B"],
        };
        let arms: Vec<ArmSummary<'_>> = letters
            .iter()
            .zip(input.arms())
            .map(|(letter, arm)| ArmSummary { letter, arm, figures: figures(arm) })
            .collect();
        let (standing, headline, reasons) = match &input.arms {
            Arms::One(arm) => input.study.as_ref().map_or_else(|| single(arm), studied),
            Arms::Two { a, b, comparison } => (
                Standing::from(comparison.verdict),
                compared(a, b, comparison),
                comparison.reasons.clone(),
            ),
        };
        Self { standing, headline, reasons, validity: validity(input), arms }
    }

    /// Every quantity that any arm has a distribution of.
    pub fn distributions(&self) -> BTreeSet<Quantity> {
        self.quantities(|statistic| statistic != Statistic::Total)
    }

    /// Every quantity that any arm has one value of.
    pub fn totals(&self) -> BTreeSet<Quantity> {
        self.quantities(|statistic| statistic == Statistic::Total)
    }

    fn quantities(&self, wanted: impl Fn(Statistic) -> bool) -> BTreeSet<Quantity> {
        let metrics = self.arms.iter().flat_map(|arm| arm.figures.keys());
        metrics.filter(|of| wanted(of.statistic)).map(|metric| metric.quantity).collect()
    }
}

impl ArmSummary<'_> {
    /// What a run is called: `A3`, or `run 3`.
    pub fn label(&self, at: usize) -> String {
        if self.letter.is_empty() {
            format!("run {}", at + 1)
        } else {
            format!("{}{}", self.letter, at + 1)
        }
    }

    /// A figure over runs.
    pub fn figure(&self, quantity: Quantity, statistic: Statistic) -> Option<Spread> {
        self.figures.get(&Metric { quantity, statistic }).copied()
    }
}

impl Spread {
    /// Of values; `None` of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let of = values.len() as f64;
        let mean = if values.iter().all(|value| *value > 0.0) {
            (values.iter().map(|value| value.ln()).sum::<f64>() / of).exp()
        } else {
            values.iter().sum::<f64>() / of
        };
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { mean, low, high })
    }
}

fn figures(arm: &Arm) -> BTreeMap<Metric, Spread> {
    let mut values = BTreeMap::<Metric, Vec<f64>>::new();
    for (metric, value) in arm.runs.iter().filter(|run| run.is_valid()).flat_map(|r| &r.figures) {
        values.entry(*metric).or_default().push(*value);
    }
    values.into_iter().filter_map(|(metric, of)| Some((metric, Spread::of(&of)?))).collect()
}

fn compared(a: &Arm, b: &Arm, comparison: &Comparison) -> String {
    let (a, b) = (&a.name, &b.name);
    match comparison.verdict {
        Verdict::Regressed => format!("{b} is worse than {a}, beyond the noise."),
        Verdict::Improved => format!("{b} is better than {a}, beyond the noise."),
        Verdict::Equivalent => {
            format!("{b} is as good as {a}, within {}.", words::margins(comparison))
        }
        Verdict::Inconclusive => format!("These runs cannot tell {b} from {a}."),
        Verdict::Invalid => format!("{b} and {a} cannot be compared: runs do not count."),
    }
}

fn single(arm: &Arm) -> (Standing, String, Vec<String>) {
    let complaints = arm.runs.iter().enumerate().flat_map(|(at, run)| {
        let of = if arm.runs.len() > 1 { format!("Run {}: ", at + 1) } else { String::new() };
        run.complaints().iter().map(move |why| format!("{of}{why}"))
    });
    let complaints: Vec<String> = complaints.collect();
    let valid: Vec<&Run> = arm.runs.iter().filter(|run| run.is_valid()).collect();
    let requests = valid.iter().fold(0_u64, |sum, run| sum.saturating_add(run.requests));
    if requests == 0 {
        let standing = Standing::from(Verdict::Invalid);
        let headline = if arm.runs.iter().all(|run| run.requests == 0) {
            format!("Nothing was measured of {}.", arm.name)
        } else {
            format!("The figures of {} mean nothing.", arm.name)
        };
        return (standing, headline, complaints);
    }
    let standing = Standing { word: "VALID", sign: "✓", tone: Tone::Good };
    let runs = plural(valid.len(), "run");
    let headline =
        format!("{} was measured: {} requests in {runs}.", arm.name, human::count(requests));
    (standing, headline, complaints)
}

fn studied(study: &Study) -> (Standing, String, Vec<String>) {
    let Findings { standing, headline, reasons, .. } = study.findings();
    (standing, headline, reasons)
}

fn validity(input: &ReportInput) -> String {
    let runs = || input.arms().into_iter().flat_map(|arm| &arm.runs);
    let (all, valid) = (runs().count(), runs().filter(|run| run.is_valid()).count());
    match (all, valid) {
        (0, _) => "there are no runs".to_owned(),
        (1, 1) => "the run counts".to_owned(),
        (1, _) => "the run does not count".to_owned(),
        _ if all == valid => format!("all {all} runs count"),
        (_, 0) => format!("none of {all} runs counts"),
        _ => format!("{valid} of {all} runs count"),
    }
}

/// `1 run`, `5 runs`.
pub fn plural(count: usize, of: &str) -> String {
    if count == 1 { format!("1 {of}") } else { format!("{count} {of}s") }
}
