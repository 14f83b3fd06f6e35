//! One line per finished request.
//!
//! Owns the shapes of lines. Must not know: where they go, or when they are written.

mod human;
mod json;

use crate::observe::{RecordNames, RequestRecord};
use std::io;

/// The shape of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLines {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Human,
}

/// Appends the line of a record, and its newline, to `text`.
///
/// # Errors
/// When the record cannot be written in that shape; a defect.
pub(super) fn write_line(
    lines: LogLines,
    text: &mut Vec<u8>,
    record: &RequestRecord,
    names: &RecordNames,
) -> io::Result<()> {
    match lines {
        LogLines::Json => json::write_line(text, record, names),
        LogLines::Human => human::write_line(text, record, names),
    }
}
