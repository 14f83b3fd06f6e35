//! Diagnostics on standard error, access lines on standard output.
//!
//! The only global of the process is set here, once: the subscriber of `tracing`. Must not
//! know: what is logged.

use crate::observe::{LevelSwitch, LogFormat, LogLevel, LogLines, LogOutput, LogSettings};
use std::io::{self, IsTerminal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, reload};

/// Starts diagnostics; the switch changes their level later.
pub(super) fn start(settings: LogSettings) -> LevelSwitch {
    let (filter, handle) = reload::Layer::new(filter(settings.level));
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match shape(settings.format, io::stderr().is_terminal()) {
        LogLines::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogLines::Human => registry.with(lines).try_init(),
    };
    // A host program that has its own subscriber keeps it.
    drop(started);
    LevelSwitch::new(settings.level, move |level| {
        // Fails only when the subscriber is gone, and then there is nothing to say it to.
        drop(handle.reload(self::filter(level)));
    })
}

/// Where access lines go.
pub(super) fn access_lines(settings: LogSettings) -> LogOutput {
    LogOutput {
        lines: shape(settings.format, io::stdout().is_terminal()),
        out: Box::new(io::stdout()),
    }
}

/// pingora's lines of lower levels are about single connections; the access log says the
/// same of requests, and says it safely.
fn filter(at: LogLevel) -> Targets {
    Targets::new()
        .with_default(level(at))
        // Who purged what is told at every level.
        .with_target("transom::audit", LevelFilter::INFO)
        .with_target("pingora", LevelFilter::OFF)
        .with_target("pingora_core", LevelFilter::ERROR)
        .with_target("pingora_proxy", LevelFilter::OFF)
        // What the exporter's own libraries say of every failed batch; the exporter says it once.
        .with_target("opentelemetry", LevelFilter::OFF)
        .with_target("opentelemetry_sdk", LevelFilter::OFF)
        .with_target("opentelemetry-otlp", LevelFilter::OFF)
        .with_target("opentelemetry-http", LevelFilter::OFF)
        .with_target("hyper_util", LevelFilter::WARN)
        .with_target("reqwest", LevelFilter::WARN)
        .with_target("sled", LevelFilter::ERROR)
}

fn shape(format: LogFormat, terminal: bool) -> LogLines {
    match (format, terminal) {
        (LogFormat::Human, _) | (LogFormat::Auto, true) => LogLines::Human,
        (LogFormat::Json, _) | (LogFormat::Auto, false) => LogLines::Json,
    }
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}
