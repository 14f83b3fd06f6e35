//! A record as one line for eyes on a terminal.
//!
//! Must not know: where the line goes. A stranger's text was cleaned of control and
//! direction characters before it came into the record.

use super::json;
use crate::observe::{Origin, RecordNames, RequestRecord};
use std::fmt::{self, Write as _};
use std::io;

/// Appends the line and its newline to `text`.
pub(super) fn write_line(
    text: &mut Vec<u8>,
    record: &RequestRecord,
    names: &RecordNames,
) -> io::Result<()> {
    let mut line = String::with_capacity(160);
    describe(&mut line, record, names).map_err(io::Error::other)?;
    line.push('\n');
    text.extend_from_slice(line.as_bytes());
    Ok(())
}

fn describe(line: &mut String, record: &RequestRecord, names: &RecordNames) -> fmt::Result {
    let (call, verdict) = (&record.call, record.verdict);
    let duration = record.timeline.duration();
    write!(line, "{} ", json::timestamp(record, names))?;
    write!(line, "{} {} {}", call.method, call.operation.route(), names.model(call.model))?;
    write!(line, " {} {} {duration:.1?}", verdict.status, verdict.outcome.label())?;
    if record.origin != Origin::Client {
        write!(line, " {}", record.origin.label())?;
    }
    if let Some(cache) = &record.cache {
        write!(line, " cache {}", cache.status.label())?;
    }
    if let Some(first_token) = record.time_to_first_token() {
        write!(line, " ttft {first_token:.1?}")?;
    }
    if let Some(usage) = record.usage {
        write!(line, " tokens {}+{}", usage.input, usage.output)?;
    }
    if let Some(error) = verdict.error {
        write!(line, " error {}", error.label())?;
    }
    if let Some(overhead) = record.timeline.overhead() {
        write!(line, " overhead {overhead:.0?}")?;
    }
    write!(line, " trace {}", record.identity.trace_id)
}
