//! How this installation is: what was built, what it takes, what it lost.
//!
//! | file | owns |
//! |---|---|
//! | `process` | what the operating system knows |
//! | `bundle` | all of it in one document, for whoever helps |
//!
//! Must not know: how it is shown. What is not known is null.

mod bundle;
mod process;

pub(super) use bundle::bundle;
pub(super) use process::{Part, Process};

use crate::admin::AdminState;
use crate::admin::history::shown::date;
use crate::admin::refusal::{Refusal, broken};
use crate::capture::DropReason;
use crate::observe::{LogLevel, Sink};
use crate::types::CacheTier;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::time::Instant;
use tokio::task::spawn_blocking;

/// The installation.
#[derive(Serialize)]
pub(super) struct System {
    pub(super) build: Build,
    /// RFC 3339.
    pub(super) began: String,
    pub(super) uptime_seconds: f64,
    pub(super) process: Process,
    pub(super) data: Data,
    pub(super) queues: Vec<Queue>,
    pub(super) log_level: &'static str,
    pub(super) open_requests: usize,
    pub(super) metrics_read_seconds_ago: Option<f64>,
    pub(super) traces: Traces,
}

/// What was built.
#[derive(Serialize)]
pub(super) struct Build {
    pub(super) version: &'static str,
    /// Where the build was told (`TRANSOM_COMMIT`).
    pub(super) commit: Option<&'static str>,
    pub(super) profile: &'static str,
    pub(super) target: &'static str,
    pub(super) features: Vec<&'static str>,
    pub(super) allocator: &'static str,
}

/// What is kept.
#[derive(Serialize)]
pub(super) struct Data {
    pub(super) directory: String,
    pub(super) bytes: u64,
    pub(super) parts: Vec<Part>,
}

/// A place where something may have to wait, and may be lost.
#[derive(Serialize)]
pub(super) struct Queue {
    pub(super) name: &'static str,
    /// What is in it.
    pub(super) holds: &'static str,
    /// Bytes that wait now; null where that is not counted.
    pub(super) waiting_bytes: Option<u64>,
    /// How many of them were lost since the process began.
    pub(super) dropped: u64,
}

/// How spans leave.
#[derive(Serialize)]
pub(super) struct Traces {
    /// Whether there is a receiver.
    pub(super) exported: bool,
    pub(super) sent_seconds_ago: Option<f64>,
    pub(super) lost_seconds_ago: Option<f64>,
    /// Why the last batch was lost, until one is taken again.
    pub(super) error: Option<String>,
}

/// `GET /api/v1/system`
pub(super) async fn show(State(state): State<AdminState>) -> Result<Json<System>, Refusal> {
    system(&state).await.map(Json)
}

/// All of it, now.
pub(super) async fn system(state: &AdminState) -> Result<System, Refusal> {
    let state = state.clone();
    // It looks at files.
    let looked = spawn_blocking(move || System::of(&state)).await;
    looked.map_err(|error| broken(error.to_string()))
}

/// The word for a level of logs.
pub(super) const fn level_word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    }
}

impl System {
    fn of(state: &AdminState) -> Self {
        let now = state.clock.now();
        let began = state.installation.began;
        let directory = &state.installation.data_dir;
        let parts = process::parts(directory);
        let ago = state.scrapes.ago(now);
        Self {
            build: Build::ours(),
            began: date(state.clock.date_of(began)),
            uptime_seconds: now.saturating_duration_since(began).as_secs_f64(),
            process: Process::now(),
            data: Data {
                directory: directory.display().to_string(),
                bytes: parts.iter().map(|part| part.bytes).sum(),
                parts,
            },
            queues: queues(state),
            log_level: level_word(state.level.level()),
            open_requests: state.observer.open_requests(),
            metrics_read_seconds_ago: ago.map(|ago| ago.as_secs_f64()),
            traces: Traces::of(state, now),
        }
    }
}

impl Build {
    fn ours() -> Self {
        let has_heap_profile = cfg!(feature = "heap-profile");
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("TRANSOM_COMMIT"),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
            target: std::env::consts::ARCH,
            features: has_heap_profile.then_some("heap-profile").into_iter().collect(),
            allocator: if has_heap_profile { "jemalloc" } else { "mimalloc" },
        }
    }
}

impl Traces {
    fn of(state: &AdminState, now: Instant) -> Self {
        let health = state.observer.worker().and_then(|worker| worker.export_health());
        let report = health.map(|health| health.report());
        let ago = |then: Option<Instant>| {
            then.map(|then| now.saturating_duration_since(then).as_secs_f64())
        };
        Self {
            exported: report.is_some(),
            sent_seconds_ago: ago(report.as_ref().and_then(|report| report.sent)),
            lost_seconds_ago: ago(report.as_ref().and_then(|report| report.lost)),
            error: report.and_then(|report| report.error),
        }
    }
}

fn queues(state: &AdminState) -> Vec<Queue> {
    let metrics = state.observer.metrics();
    let queue = |name, holds, dropped| Queue { name, holds, waiting_bytes: None, dropped };
    let sink = |name, holds, sink| queue(name, holds, metrics.dropped(sink).get());
    let tier = |name, tier| queue(name, "writes", metrics.cache().counts(tier).dropped);
    let mut queues = vec![
        sink("access log", "lines", Sink::Log),
        sink("history", "requests", Sink::History),
        sink("objectives", "events", Sink::Slo),
        sink("traces", "spans", Sink::Traces),
        tier("cache on disk", CacheTier::Disk),
        tier("cache in Redis", CacheTier::Redis),
    ];
    if let Some(capture) = &state.capture {
        let counts = capture.handle.counts();
        let dropped = DropReason::ALL.iter().map(|reason| counts.dropped(*reason)).sum();
        let waiting_bytes = Some(capture.handle.usage().queued);
        queues.push(Queue { waiting_bytes, ..queue("capture", "exchanges", dropped) });
    }
    queues
}
