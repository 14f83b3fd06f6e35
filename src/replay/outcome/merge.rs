//! The shards of a run, put together.
//!
//! Must not know: where they ran.

use super::figures::Figures;
use super::result::RunResult;
use super::tally::Tally;
use crate::replay::{PlanHead, Shard, Validity};
use std::collections::BTreeMap;

/// Why runs are not the shards of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("there is nothing to merge")]
    Nothing,
    /// One has the whole plan.
    #[error("run {0} is no shard: it had the whole plan")]
    Whole(String),
    /// They had different things to do.
    #[error("runs {0} and {1} are no shards of one plan, or had different objectives")]
    Different(String, String),
    /// Two did the same.
    #[error("runs {0} and {1} are the same shard")]
    Twice(String, String),
}

/// Puts the shards of a run together. It is valid when all of them are there and valid; the
/// first one gives it its id and its date.
///
/// # Errors
/// When they are not the shards of one run.
pub fn merge(runs: &[RunResult]) -> Result<RunResult, MergeError> {
    let first = runs.first().ok_or(MergeError::Nothing)?;
    let mut shards = BTreeMap::new();
    for run in runs {
        let shard = shard(run)?;
        let same = whole(&run.head.plan) == whole(&first.head.plan)
            && shard.of == self::shard(first)?.of
            && run.head.objectives == first.head.objectives;
        if !same {
            return Err(MergeError::Different(id(first), id(run)));
        }
        if let Some(other) = shards.insert(shard.index, run) {
            return Err(MergeError::Twice(id(other), id(run)));
        }
    }
    let mut tally = Tally::new(first.head.objectives);
    runs.iter().for_each(|run| tally.add(&run.tally));
    let of = shard(first)?.of;
    let reasons: Vec<_> = (0..of).flat_map(|index| reasons(index, shards.get(&index))).collect();
    let mut head = shards.into_values().next().unwrap_or(first).head.clone();
    head.plan = whole(&head.plan);
    let validity = if reasons.is_empty() { Validity::Valid } else { Validity::Invalid(reasons) };
    Ok(RunResult { head, validity, figures: Figures::of(&tally), tally })
}

fn reasons(index: u32, run: Option<&&RunResult>) -> Vec<String> {
    match run.map(|run| &run.validity) {
        None => vec![format!("Shard {index} is missing.")],
        Some(Validity::Valid) => Vec::new(),
        Some(Validity::Invalid(why)) => {
            why.iter().map(|why| format!("Shard {index}: {why}")).collect()
        }
    }
}

fn shard(run: &RunResult) -> Result<Shard, MergeError> {
    run.head.plan.shard.ok_or_else(|| MergeError::Whole(id(run)))
}

/// The plan that a shard is of.
fn whole(plan: &PlanHead) -> PlanHead {
    PlanHead { shard: None, ..plan.clone() }
}

fn id(run: &RunResult) -> String {
    run.head.id.to_string()
}
