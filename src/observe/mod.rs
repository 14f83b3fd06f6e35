//! Everything that is known about requests, and everybody who is told.
//!
//! A request's facts are written into one [`RequestRecord`]; a [`RecordGuard`] delivers it
//! exactly once to the [`Observer`], which counts and judges it and queues it for the worker
//! that writes access lines and spans. Must not know: pingora, HTTP servers, configuration
//! files.

mod access_log;
mod background;
mod cached;
mod guard;
mod live;
mod log_level;
mod meter;
mod metrics;
mod observer;
mod record;
mod server_timing;
mod settings;
pub mod slo;
mod timeline;
mod trace;
pub mod verdict;
mod worker;

pub use access_log::LogLines;
pub use background::StandBack;
pub use cached::{CacheFacts, Lookup, NOT_STORED, Saved, Stored};
pub use guard::RecordGuard;
pub use live::{LiveFigures, ModelFigures, Quantiles, Sampler};
pub use log_level::{AccessLines, LevelSwitch};
pub use meter::{GapCounts, StreamMeter};
pub use metrics::{
    Buckets, CacheSeries, CacheTotals, CaptureFigures, CaptureSeries, Definition, Draft,
    Exposition, Kind, LABELS, Metric, Metrics, ModelSeries, Pages, SemanticNames, Sink, TierAnswer,
    TierCounts, TierTotals, WebhookSeries,
};
pub use observer::{Consumers, Observer, OpenStream, Recording};
pub use record::{Attempt, CallFacts, Identity, Origin, OriginKind, RequestRecord, Verdict};
pub use server_timing::server_timing;
pub use settings::{LogFormat, LogLevel, LogSettings};
pub use slo::{
    Goodput, Indicator, Judgements, MOST_OBJECTIVES, SloBook, SloScope, SloSettings, Upstream429,
};
pub use timeline::Timeline;
pub use trace::{
    ExportHealth, ExportReport, Floor, KeepReason, Keeper, OtlpProtocol, OtlpSettings, Sampling,
    TraceExport, TracePage, TracingSettings, Trust, Trusted,
};
pub use worker::{LogOutput, Outputs, QueueFull, RecordNames, RecordSink, Worker};
