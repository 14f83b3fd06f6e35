//! The access log, line by line.
//!
//! Must not know: how lines are collected.

use serde_json::Value;

/// One line of the access log.
#[derive(Clone, Debug)]
pub struct LogLine(pub Value);

impl LogLine {
    /// Reads a line; it must be one JSON object.
    pub fn parse(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(value.is_object(), "{line}");
        Self(value)
    }

    /// A text, or `""` where there is none.
    pub fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    /// A number, or 0 where there is none.
    pub fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap_or_default()
    }

    /// A whole number.
    pub fn count(&self, key: &str) -> u64 {
        self.0[key].as_u64().unwrap_or_else(|| panic!("no count `{key}`: {self:?}"))
    }

    /// The outcome.
    pub fn outcome(&self) -> &str {
        self.text("outcome")
    }

    /// The error type, or `""` where there is none.
    pub fn error_type(&self) -> &str {
        self.text("error_type")
    }
}
