//! The parts of a page, each a template of its own, so that other pages can show them too.
//!
//! All text is escaped by the templates; what is inserted as it is are the pictures of `plot`
//! and other fragments. Must not know: how the values come about.

use crate::replay::report::summary;
use askama::Template;

/// A number as people read it, and all of it for whoever points at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Number {
    /// Short.
    pub text: String,
    /// With all digits and the unit; empty where there is no more to say.
    pub exact: String,
}

/// A word with its sign; `tone` is a class of the style sheet.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// In capitals.
    pub word: &'static str,
    /// A sign for it.
    pub sign: &'static str,
    /// `good`, `bad` or `doubt`.
    pub tone: &'static str,
}

impl From<summary::Standing> for Standing {
    fn from(of: summary::Standing) -> Self {
        Self { word: of.word, sign: of.sign, tone: of.tone.class() }
    }
}

/// A table of numbers: a name and its cells in each row.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// One more than each row has cells.
    pub heads: Vec<String>,
    /// From top to bottom.
    pub rows: Vec<TableRow>,
}

/// A row of a table.
#[derive(Clone, Debug)]
pub struct TableRow {
    /// What it is about.
    pub name: String,
    /// From left to right.
    pub cells: Vec<Number>,
}

/// The verdict in a word and a sentence, and why.
#[derive(Template)]
#[template(path = "replay/_verdict.html")]
pub struct VerdictFragment {
    /// In a word.
    pub standing: Standing,
    /// How many runs count.
    pub validity: String,
    /// In a sentence.
    pub headline: String,
    /// Why.
    pub reasons: Vec<String>,
}

/// A few figures, large.
#[derive(Template)]
#[template(path = "replay/_tiles.html")]
pub struct TilesFragment {
    /// From left to right.
    pub tiles: Vec<Tile>,
}

/// One figure, large.
pub struct Tile {
    /// What it is called.
    pub name: String,
    /// What that is.
    pub explained: &'static str,
    /// The value: that of B where two arms are compared.
    pub value: Number,
    /// The value of A, or the range over runs; may be empty.
    pub beside: String,
    /// How far B is from A, with the sign of the verdict; empty where that is not known.
    pub change: String,
    /// `good`, `bad`, or nothing.
    pub tone: &'static str,
}

/// What ran, against what, how.
#[derive(Template)]
#[template(path = "replay/_facts.html")]
pub struct FactsFragment {
    /// In the order in which they are read.
    pub facts: Vec<Fact>,
}

/// A fact about a report.
pub struct Fact {
    /// Of what.
    pub name: &'static str,
    /// In words.
    pub text: String,
    /// All of it, for whoever points at it; may be empty.
    pub exact: String,
    /// An address or a digest; may be empty.
    pub code: String,
}

/// Metric by metric, with a forest plot inside of the table.
#[derive(Template)]
#[template(path = "replay/_forest.html")]
pub struct ForestFragment {
    /// Beside the title.
    pub note: String,
    /// The marks of the plot.
    pub axis: String,
    /// The metrics.
    pub rows: Vec<ForestRow>,
}

/// A metric of A and B.
pub struct ForestRow {
    /// What it is called.
    pub metric: String,
    /// What that is.
    pub explained: &'static str,
    /// `decides` or `explains`.
    pub role: &'static str,
    /// `lower` or `higher`.
    pub better: &'static str,
    /// The mean over runs of A.
    pub a: Number,
    /// And of B.
    pub b: Number,
    /// The row of the plot.
    pub strip: String,
    /// B beside A.
    pub effect: Number,
    /// Its interval.
    pub interval: Number,
    /// After correction.
    pub p: Number,
    /// What follows.
    pub standing: Standing,
}

/// How the answers of B differ from those of A, rung by rung.
#[derive(Template)]
#[template(path = "replay/_answers.html")]
pub struct AnswersFragment {
    /// Beside the title.
    pub note: String,
    /// The rungs.
    pub rows: Vec<AnswerRow>,
}

/// A rung of the ladder.
pub struct AnswerRow {
    /// What it asks.
    pub name: String,
    /// `decides` or `explains`.
    pub role: &'static str,
    /// The share of pairs within A that differ.
    pub floor: Number,
    /// The share of pairs of A and B that differ.
    pub differ: Number,
    /// How much more that is.
    pub excess: Number,
    /// Its interval.
    pub interval: Number,
    /// After correction.
    pub p: Number,
    /// What follows.
    pub standing: Standing,
    /// Requests that show it.
    pub examples: String,
}

/// A picture with what it is called, what its strokes mean, and the same as a table.
#[derive(Template)]
#[template(path = "replay/_plot.html")]
pub struct PlotFragment {
    /// Unique on a page; letters and dashes.
    pub id: &'static str,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// What its strokes mean.
    pub legend: Vec<LegendEntry>,
    /// The picture, as one of `plot` made it.
    pub svg: String,
    /// The same in numbers.
    pub table: Table,
}

/// A stroke and its meaning.
pub struct LegendEntry {
    /// Which stroke, as a class of the style sheet.
    pub class: &'static str,
    /// What it stands for.
    pub text: String,
}

impl LegendEntry {
    /// `class` is one of the style sheet.
    pub fn new(class: &'static str, text: impl Into<String>) -> Self {
        Self { class, text: text.into() }
    }
}

/// Every figure of every arm.
#[derive(Template)]
#[template(path = "replay/_figures.html")]
pub struct FiguresFragment {
    /// A row for each quantity and arm, a column for each statistic.
    pub distributions: Table,
    /// A row for each quantity, a column for each arm.
    pub totals: Table,
}

/// What the runs were made to find out.
#[derive(Template)]
#[template(path = "replay/_study.html")]
pub struct StudyFragment {
    /// What it is called.
    pub title: &'static str,
    /// Beside the title.
    pub note: String,
    /// What the columns are called.
    pub heads: &'static [&'static str],
    /// From top to bottom, cells from left to right.
    pub rows: Vec<Vec<String>>,
}

/// Every run: its state and its most important figures.
#[derive(Template)]
#[template(path = "replay/_runs.html")]
pub struct RunsFragment {
    /// Beside the title.
    pub note: String,
    /// What the columns after the state are called.
    pub heads: Vec<&'static str>,
    /// The runs.
    pub rows: Vec<RunRow>,
}

/// A run.
pub struct RunRow {
    /// What it is called on the page.
    pub label: String,
    /// What it is called elsewhere.
    pub id: String,
    /// Whether it counts.
    pub standing: Standing,
    /// Its figures.
    pub cells: Vec<Number>,
    /// Why it does not count.
    pub complaints: Vec<String>,
}

/// Failures by reason, a column an arm.
#[derive(Template)]
#[template(path = "replay/_failures.html")]
pub struct FailuresFragment {
    /// Beside the title.
    pub note: String,
    /// Requests that were answered or failed.
    pub judged: String,
    /// Whether there is none.
    pub is_empty: bool,
    /// The reasons, the most frequent first.
    pub table: Table,
}
