//! Recorded requests sent again, as a load test with a verdict.
//!
//! | room | owns |
//! |---|---|
//! | `plan`, `planner` | what a run is going to do, and how that is found |
//! | `chance` | random numbers that are the same everywhere |
//! | `spend`, `carbon` | what it may cost; when there is little carbon in the power |
//! | `recorded`, `request` | a capture's requests, and one as it can be sent |
//! | `client`, `engine` | sending, at the right instants |
//! | `sample`, `outcome` | what was seen, and whether it counts |
//! | `directory` | a run on disk |
//! | `experiment` | runs made for one question |
//! | `desk` | experiments for a process that does other things too |
//! | `compare`, `answers` | runs beside runs: their figures, and what the answers say |
//! | `verdict` | what a comparison says in the end |
//! | `report` | all of it for people and for machines |
//!
//! Must not know: the proxy. A replay is a client like any other.

pub mod answers;
mod carbon;
mod chance;
pub mod client;
pub mod compare;
pub mod desk;
pub mod directory;
pub mod engine;
pub mod experiment;
pub mod outcome;
mod plan;
mod planner;
mod recorded;
pub mod report;
pub mod request;
mod sample;
mod spend;
mod verdict;

pub use carbon::{Advice, Forecast, ForecastError, IntensityUnit, Start as LowCarbonStart, Why};
pub use plan::{
    Arrival, Cancellations, ClosedStage, Limits, Plan, PlanHead, PlanOptions, Planned, Repeat,
    Schedule, Shard, Stage, Turns,
};
pub use planner::{
    BarrierError, CaptureInputs, Knee, PlanError, PlanFileError, PlanInput, ScheduleWords,
    ShardError, StageResult, StartAt, Sweep, SweepSettings, Wanted, WordsError, plan,
};
pub use recorded::{InMemory, Recorded, RecordedError};
pub use sample::{
    AnswerText, CountedBy, Failure, Metric, Phase, Quantity, Sample, Statistic, Validity,
};
pub use spend::{
    Basis, Cap, CapReached, Refusal, RequestFacts, SpendCaps, SpendEstimate, SpendForecast,
    SpendGuard, SpendPermit, Spent, TargetFacts, TargetUse, TokenCount, TokenPrice, refusals,
};
pub use verdict::{
    AnswerComparison, Better, Comparison, Effect, MetricComparison, Role, Rung, Verdict,
};
