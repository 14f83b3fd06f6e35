//! What an operator says about logs, validated.
//!
//! Must not know: TOML.

/// The shape of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For eyes.
    Human,
}

/// The least severe lines that are written. Access lines are `Info`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And oddities.
    Warn,
    /// And one line per request.
    #[default]
    Info,
    /// And decisions.
    Debug,
}

/// `[log]`
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSettings {
    /// The shape of lines.
    pub format: LogFormat,
    /// The least severe level written.
    pub level: LogLevel,
}
