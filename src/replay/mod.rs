//! Recorded requests sent again, as a load test with a verdict.
//!
//! | file | owns |
//! |---|---|
//! | `plan` | what a run is going to do |
//! | `sample` | what was seen of it |
//! | `verdict` | what a comparison of runs says in the end |
//!
//! Must not know: the proxy. A replay is a client like any other.

mod plan;
mod sample;
mod verdict;

pub use plan::{Arrival, ClosedStage, Plan, PlanHead, Planned, Schedule, Shard, Stage};
pub use sample::{
    AnswerText, CountedBy, Failure, Metric, Phase, Quantity, Sample, Statistic, Validity,
};
pub use verdict::{AnswerComparison, Better, Comparison, Effect, MetricComparison, Rung, Verdict};
