//! Objectives: what each finished request means for them, and what is left of their error
//! budgets.
//!
//! ```text
//! judge      one request, one objective: good, bad or excluded
//! book       every objective of every model; counts each judgement once
//! budget     one objective of one model: its counters and its past
//! past       rings of cumulative snapshots: events of any window in O(1)
//! burn       the windows and rates at which a budget burns too fast
//! forecast   when a budget is spent if it goes on like this
//! trend      whether the last minutes are unlike the hour before
//! report     all of it for pages, as JSON
//! export     the same objectives for Prometheus, OpenSLO and Sloth
//! ```
//!
//! Must not know: HTTP servers, configuration files, where the past is stored.

mod book;
mod budget;
mod burn;
pub mod export;
mod forecast;
mod judge;
mod judgements;
mod past;
mod report;
mod ring;
mod series;
mod settings;
#[cfg(test)]
mod tests;
mod trend;

pub use book::SloBook;
pub use burn::Severity;
pub use judge::{Judgement, judge};
pub use judgements::Judgements;
pub use report::{BudgetLeft, BudgetReport, BurnReport, Forecast, GoodputLimits, State};
pub use series::SloSeries;
pub use settings::{Goodput, Indicator, MOST_OBJECTIVES, SloScope, SloSettings, Upstream429};
pub use trend::Anomaly;
