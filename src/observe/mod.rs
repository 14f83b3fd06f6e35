//! Everything that is known about requests, and everybody who is told.
//!
//! A request's facts are written into one [`RequestRecord`]; a [`RecordGuard`] delivers it
//! exactly once to the [`Observer`], which counts it and queues it for the access log.
//! Must not know: pingora, HTTP servers, configuration files.

mod access_log;
mod guard;
mod live;
mod meter;
mod metrics;
mod observer;
mod record;
mod server_timing;
mod settings;
mod timeline;
pub mod verdict;

pub use access_log::{AccessLog, LogLines, LogNames};
pub use guard::RecordGuard;
pub use live::{LiveFigures, ModelFigures, Quantiles, Sampler};
pub use meter::{GapCounts, StreamMeter};
pub use metrics::{Definition, Kind, Metric, Metrics, ModelSeries};
pub use observer::{Observer, OpenStream};
pub use record::{Attempt, CallFacts, Identity, RequestRecord, Verdict};
pub use server_timing::server_timing;
pub use settings::{LogFormat, LogLevel, LogSettings};
pub use timeline::Timeline;
