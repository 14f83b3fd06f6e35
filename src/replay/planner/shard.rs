//! Parts of a plan for several workers.
//!
//! A conversation stays with one worker; requests of no conversation are dealt out in turn. The
//! numbers and the instants stay as they are, so that all parts together are the plan. The head
//! stays, too, but for its shard: what a worker does of a closed schedule follows from
//! [`PlanHead::concurrency`]. Must not know: how workers learn of their parts.

use crate::replay::planner::mix;
use crate::replay::{ClosedStage, Plan, PlanHead, Schedule, Shard};
use std::num::NonZeroU32;

/// Most parts of a plan.
const MAX_SHARDS: u32 = 10_000;

/// Why a plan cannot be parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// It is a part of a plan.
    #[error("this plan is a part already: part the whole plan anew")]
    IsPart,
    /// Nobody has so many workers.
    #[error("a plan has at most {MAX_SHARDS} parts")]
    TooMany,
    /// A worker would have nothing to do.
    #[error("stage {stage} has {concurrency} requests at a time, which {of} workers cannot share")]
    Unshareable {
        /// Counted from 0.
        stage: u32,
        /// Requests at a time.
        concurrency: u32,
        /// Workers.
        of: u32,
    },
}

impl Plan {
    /// Parts this plan for `of` workers. Some of them may be empty where there are few requests.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn shard(&self, of: NonZeroU32) -> Result<Vec<Self>, ShardError> {
        let of = of.get();
        if self.head.shard.is_some() {
            return Err(ShardError::IsPart);
        }
        if of > MAX_SHARDS {
            return Err(ShardError::TooMany);
        }
        let small = (0..).zip(self.head.closed_stages()).find(|(_, it)| it.concurrency < of);
        if let Some((stage, ClosedStage { concurrency, .. })) = small {
            return Err(ShardError::Unshareable { stage, concurrency: *concurrency, of });
        }
        let part = |index| Self {
            head: PlanHead { shard: Some(Shard { index, of }), ..self.head.clone() },
            requests: Vec::new(),
        };
        let mut parts: Vec<Self> = (0..of).map(part).collect();
        // Its own count: the numbers of these requests may have a rhythm.
        let mut dealt = 0;
        for request in &self.requests {
            let card = request.session.map_or(dealt, mix);
            dealt += u64::from(request.session.is_none());
            if let Some(part) = parts.get_mut((card % u64::from(of)) as usize) {
                part.requests.push(*request);
            }
        }
        Ok(parts)
    }
}

impl PlanHead {
    /// How many requests at a time this worker sends in a stage of a closed schedule: its share
    /// of all, the first workers one more where that does not come out even. `None` for stages
    /// there are not.
    pub fn concurrency(&self, stage: u32) -> Option<u32> {
        let whole = self.closed_stages().get(stage as usize)?.concurrency;
        Some(self.shard.map_or(whole, |Shard { index, of }| {
            let of = of.max(1);
            whole / of + u32::from(index < whole % of)
        }))
    }

    fn closed_stages(&self) -> &[ClosedStage] {
        match &self.options.schedule {
            Schedule::Closed { stages, .. } => stages,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests;
