//! The way through a stream of server-sent events.
//!
//! Each event stays, and so does their number; only texts in them change. Must not know: what
//! an event says.

use crate::capture::redact::document::Documents;
use crate::capture::redact::edge::Edge;
use crate::capture::redact::scan::Scan;
use crate::protocol::SseSplitter;
use memchr::memchr2;
use std::ops::Range;

/// What the end of a stream looks like to OpenAI.
const DONE: &str = "[DONE]";

/// Whether a body without a type looks like such a stream.
pub(super) fn looks_like_one(body: &str) -> bool {
    let begins = ["data:", "event:", "id:", "retry:", ":"];
    let body = body.trim_start_matches('\u{feff}');
    begins.iter().any(|field| body.starts_with(field))
}

/// Searches all events. What has not come to its end is not kept of a body that was cut.
pub(super) fn read(scan: &mut Scan<'_>) {
    let mut documents = Documents::default();
    let mut events = Vec::new();
    let whole =
        SseSplitter::default().split(scan.body.as_bytes(), |piece| events.push(piece.place));
    // An event too long for the splitter is taken for a piece without an end.
    let whole = events.last().map_or(0, |last| last.end).max(whole);
    for event in events {
        read_event(scan, &mut documents, event);
    }
    let rest = whole..scan.body.len();
    match scan.edge {
        Edge::Cut if !rest.is_empty() => scan.edits.replace(rest, String::new()),
        _ => read_event(scan, &mut documents, rest),
    }
    documents.finish(scan);
}

fn read_event(scan: &mut Scan<'_>, documents: &mut Documents, place: Range<usize>) {
    let lines = lines(scan.body, place);
    let data: Vec<Range<usize>> = lines.iter().filter_map(|line| data(scan.body, line)).collect();
    let others = lines.iter().filter(|line| data_of(scan.body, line).is_none());
    for line in others {
        scan.plain(line.clone());
    }
    let (Some(first), Some(last)) = (data.first(), data.last()) else { return };
    match scan.body[first.clone()].as_bytes() {
        [b'{' | b'[', ..] if &scan.body[first.clone()] != DONE => {
            documents.read(scan, first.start..last.end);
        }
        _ => {
            for line in data.iter().filter(|line| &scan.body[(*line).clone()] != DONE) {
                documents.channels.add_plain(line.clone());
            }
        }
    }
}

/// The lines of an event that are not empty.
fn lines(body: &str, place: Range<usize>) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut at = place.start;
    while at < place.end {
        let rest = &body.as_bytes()[at..place.end];
        let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        if length > 0 {
            lines.push(at..at + length);
        }
        at += length + 1;
    }
    lines
}

fn data(body: &str, line: &Range<usize>) -> Option<Range<usize>> {
    data_of(body, line).map(|value| line.end - value.len()..line.end)
}

/// The value of a line of data, also of what llama.cpp sends for an error.
fn data_of<'a>(body: &'a str, line: &Range<usize>) -> Option<&'a str> {
    let line = body[line.clone()].trim_start_matches('\u{feff}');
    let value = line.strip_prefix("data:").or_else(|| line.strip_prefix("error:"))?;
    Some(value.strip_prefix(' ').unwrap_or(value))
}
