//! Diagnostics on standard error, access lines on standard output.
//!
//! The only global of the process is set here, once: the subscriber of `tracing`. Must not
//! know: what is logged.

use crate::app::LogOutput;
use crate::observe::{LogFormat, LogLevel, LogLines, LogSettings};
use std::io::{self, IsTerminal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts diagnostics.
pub(super) fn start(settings: LogSettings) {
    // pingora's lines of lower levels are about single connections; the access log says
    // the same of requests, and says it safely.
    let filter = Targets::new()
        .with_default(level(settings.level))
        .with_target("pingora", LevelFilter::OFF)
        .with_target("pingora_core", LevelFilter::ERROR)
        .with_target("pingora_proxy", LevelFilter::OFF);
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match shape(settings.format, io::stderr().is_terminal()) {
        LogLines::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogLines::Human => registry.with(lines).try_init(),
    };
    // A host program that has its own subscriber keeps it.
    drop(started);
}

/// Where access lines go, if the level lets them through.
pub(super) fn access_lines(settings: LogSettings) -> Option<LogOutput> {
    let wanted = matches!(settings.level, LogLevel::Info | LogLevel::Debug);
    wanted.then(|| LogOutput {
        lines: shape(settings.format, io::stdout().is_terminal()),
        out: Box::new(io::stdout()),
    })
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
