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
    /// The probability of a false alarm that was asked for, over all metrics together.
    pub alpha: f64,
    /// The margin within which ratios count as equal: 0.05 is 5 %.
    pub margin: f64,
    /// Metric by metric.
    pub metrics: Vec<MetricComparison>,
    /// What the answers said; `None` where they were not kept.
    pub answers: Option<AnswerComparison>,
}

/// One metric of A and B. Runs are the sampling unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricComparison {
    /// Which.
    pub metric: Metric,
    /// Which direction is better.
    pub better: Better,
    /// Its value in each run of A.
    pub a: Vec<f64>,
    /// Its value in each run of B.
    pub b: Vec<f64>,
    /// B over A, of the means of the logarithms where all are above 0, else the difference.
    pub effect: Effect,
    /// The permutation test's p, two-sided.
    pub p: f64,
    /// The same after Holm's correction for all metrics.
    pub p_adjusted: f64,
    /// What follows.
    pub verdict: Verdict,
}

/// How far B is from A, with a confidence interval at 1 - alpha.
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
    /// The share of pairs of A and A that differ: the floor.
    pub floor: f64,
    /// The share of pairs of A and B that differ.
    pub differ: f64,
    /// How much more that is, with its confidence interval.
    pub excess: Effect,
    /// Requests that show it, at most ten.
    pub examples: Vec<u64>,
}
