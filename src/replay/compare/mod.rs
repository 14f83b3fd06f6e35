//! Whether B is worse than A: runs in, a verdict out.
//!
//! **The run is the sampling unit.** The requests of a run share its luck: its place on the
//! machine, its neighbours, the state of every cache. Tests that take requests for
//! independent see that luck as certainty, and the more requests, the surer they are: at 5 %
//! of noise between runs they raise an alarm in most comparisons of a server with itself
//! (`tests/requests.rs` shows it). So a run counts as one observation, however long it was,
//! and noise is what lies between runs of the same arm.
//!
//! | file | owns |
//! |---|---|
//! | `swaps`, `student` | the test of one metric, and its interval |
//! | `family` | which metrics decide, and the correction for several |
//! | `judge`, `whole`, `words` | the verdict of a metric, that of all, and why |
//! | `power`, `calibrate` | what so many runs can find, from runs of A against A |
//! | `order`, `production` | how runs come about: interleaved, or cut from recorded traffic |
//! | `figure`, `exit` | metrics' names, exit codes |
//!
//! Must not know: how figures are measured, where runs are kept, or how a verdict is shown.

mod calibrate;
mod exit;
mod family;
mod figure;
mod judge;
mod order;
mod power;
mod production;
mod student;
mod swaps;
#[cfg(test)]
mod tests;
mod whole;
mod words;

pub use calibrate::{Calibration, Detectable, Drift, Floor, Needed, calibrate};
pub use exit::Exit;
pub use family::PRIMARY;
pub use figure::Scale;
pub use order::{Arm, Order, interleave};
pub use power::{Reach, runs_needed};
pub use production::{Blocks, FEWEST_IN_BLOCK, block_validity, recorded};

pub(in crate::replay) use family::holm;
pub(in crate::replay) use words::{number, probability};

use crate::replay::outcome::RunResult;
use crate::replay::{AnswerComparison, Comparison, Metric, Validity};
use std::collections::BTreeMap;

/// The figures of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFigures {
    /// Whether they mean anything.
    pub validity: Validity,
    /// What was measured; times in seconds. A value that is not finite counts as missing.
    pub values: BTreeMap<Metric, f64>,
}

impl RunFigures {
    /// Those of a run that has ended.
    pub fn of(result: &RunResult) -> Self {
        Self { validity: result.validity.clone(), values: result.figures.values.clone() }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Arms<'a> {
    /// The runs to compare with, in the order of time.
    pub a: &'a [RunFigures],
    /// The runs to compare, in the order of time.
    pub b: &'a [RunFigures],
    /// How they were ordered.
    pub order: Order,
}

/// How it is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareSettings {
    /// The probability of a false alarm that is accepted, over all primary metrics together.
    pub alpha: f64,
    /// Ratios within it count as equal: 0.05 is 5 %.
    pub margin: f64,
    /// Differences of shares within it count as equal: 0.01 is one percentage point.
    pub share_margin: f64,
    /// The metrics that decide, to be named before the runs are seen.
    pub primary: Vec<Metric>,
    /// What chance comes from, where there are too many relabellings to look at all.
    pub seed: u64,
}

impl Default for CompareSettings {
    /// 5 %, 5 %, one percentage point, [`PRIMARY`].
    fn default() -> Self {
        let primary = PRIMARY.to_vec();
        Self { alpha: 0.05, margin: 0.05, share_margin: 0.01, primary, seed: 0 }
    }
}

/// Compares the runs of B with those of A.
///
/// Metrics that not every run has are left out, and the reasons say so. A comparison with a
/// run that does not count is INVALID as a whole: leaving that run out would favour the arm
/// whose bad runs go wrong.
pub fn compare(arms: &Arms<'_>, settings: &CompareSettings) -> Comparison {
    whole::conclude(arms, settings, judge::judge(arms, settings))
}

/// Adds what the answers said, and why. An answer that changed is a regression; where they
/// cannot tell, no more is it said that the arms are equivalent.
pub fn with_answers(
    comparison: Comparison,
    answers: AnswerComparison,
    reasons: Vec<String>,
) -> Comparison {
    whole::add_answers(comparison, answers, reasons)
}

/// The mean; not a number where there is nothing.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The unbiased variance; 0 where there are fewer than two values.
fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    if values.len() < 2 { 0.0 } else { squares / (values.len() - 1) as f64 }
}
