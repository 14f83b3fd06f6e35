//! What a comparison says in the end, in words and as an exit code.
//!
//! Must not know: how it comes to it.

use crate::replay::Metric;
use serde::{Deserialize, Serialize};

/// What is to be thought of B beside A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Worse, beyond the noise.
    Regressed,
    /// Better, beyond the noise.
    Improved,
    /// Within the margin, with confidence.
    Equivalent,
    /// The runs cannot tell.
    Inconclusive,
    /// The runs do not count.
    Invalid,
}

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Latencies, failures.
    Lower,
    /// Throughput, goodput.
    Higher,
}

/// A comparison of runs of A with runs of B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// On the whole: the worst of its parts.
    pub verdict: Verdict,
    /// Why, in a sentence each.
    pub reasons: Vec<String>,
    /// Runs of A and of B.
    pub runs: (usize, usize),
    /// The probability of a false alarm that was asked for, over all metrics of a role together.
    pub alpha: f64,
    /// The margin within which ratios count as equal: 0.05 is 5 %.
    pub margin: f64,
    /// The margin within which differences of shares count as equal: 0.01 is one percentage
    /// point.
    pub share_margin: f64,
    /// Metric by metric, those that decide first.
    pub metrics: Vec<MetricComparison>,
    /// What the answers said; `None` where they were not kept.
    pub answers: Option<AnswerComparison>,
}

/// What a metric, or a rung, is for. Each role is a family of its own: its p-values are
/// corrected among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It decides about the whole.
    Primary,
    /// It explains, and decides nothing.
    Informative,
}

/// One metric of A and B. Runs are the sampling unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricComparison {
    /// Which.
    pub metric: Metric,
    /// Whether it decides.
    pub role: Role,
    /// Which direction is better.
    pub better: Better,
    /// Its value in each run of A.
    pub a: Vec<f64>,
    /// Its value in each run of B.
    pub b: Vec<f64>,
    /// How far B is from A, with an interval at 1 - alpha: the shifts that a two-sided
    /// permutation test at alpha does not rule out or, where the runs are too few for that,
    /// Student's interval at the same level. It is not corrected for the number of metrics.
    ///
    /// B over A, of the means of the logarithms. Shares are compared by their difference, and so
    /// is what is 0 in some run.
    pub effect: Effect,
    /// The permutation test's p, two-sided.
    pub p: f64,
    /// The same after Holm's correction for its family: the metrics of its role that differ
    /// between runs.
    pub p_adjusted: f64,
    /// REGRESSED and IMPROVED follow from the corrected p at alpha.
    ///
    /// EQUIVALENT follows from two one-sided tests at alpha, which is to say that the interval at
    /// 1 - 2 alpha lies within the margin (of a difference that is none of shares: the margin
    /// times the mean of A). The interval in `effect` is wider, and may reach beyond the margin.
    pub verdict: Verdict,
}

/// How far B is from A, with a confidence interval. Whoever holds it says at which level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Effect {
    /// B / A.
    Ratio {
        /// The estimate.
        value: f64,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// B - A.
    Difference {
        /// The estimate.
        value: f64,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
}

/// How much the answers of B differ from those of A, beyond what A's differ from each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerComparison {
    /// Answers that were compared.
    pub pairs: u64,
    /// The probability of a false alarm that was asked for, over all rungs of a role together.
    pub alpha: f64,
    /// The level of the intervals that are shown: 0.95 is 95 %.
    pub confidence: f64,
    /// The margin within which an excess counts as equal: 0.02 is two percentage points.
    pub margin: f64,
    /// The margin within which lengths count as equal, as a ratio: 0.05 is 5 %.
    pub length_margin: f64,
    /// The rungs of the ladder, the coarsest first.
    pub rungs: Vec<Rung>,
    /// What follows.
    pub verdict: Verdict,
}

/// One way in which two answers can be equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// `status`, `structure`, `tools`, `finish`, `length`, `text` or `similarity`.
    pub name: String,
    /// Whether it decides.
    pub role: Role,
    /// How far the answers of pairs of A and A are apart: the floor. The share of pairs that
    /// differ, or, where pairs can differ more or less, the mean from 0, not at all, to 1. Of
    /// lengths, how much shorter the shorter one is.
    pub floor: f64,
    /// The same of pairs of A and B.
    pub differ: f64,
    /// How much more that is, as a difference. Of lengths another thing, because lengths that
    /// vary hide a change of all of them: how long B's answers are as a ratio of A's, B / A, by
    /// the mean of the logarithms. With a bootstrap interval over requests, at the confidence of
    /// the comparison, uncorrected.
    pub excess: Effect,
    /// The permutation test's p after Holm's correction for its family: the rungs of its role
    /// on which some answers differ.
    pub p_adjusted: f64,
    /// REGRESSED when that is at most alpha, and dealing whole runs anew hardly ever gives as
    /// much.
    ///
    /// EQUIVALENT follows from one-sided tests at 5 %, which is to say that the interval at 90 %
    /// lies within the margin, of all but lengths below it. The interval in `excess` may reach
    /// beyond.
    pub verdict: Verdict,
    /// Requests that show it, at most ten.
    pub examples: Vec<u64>,
}
