//! `transom capture ls`
//!
//! Must not know: bodies.

use super::{Where, Which, tell_bad_frames};
use crate::capture::IndexEntry;
use crate::cli::table::{UNKNOWN, table};
use crate::cli::{Failure, say};
use crate::types::Outcome;
use serde_json::json;
use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, UNIX_EPOCH};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    which: Which,
    /// The latest so many; 0 is all
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// A JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut entries = arguments.place.archive()?.entries(arguments.which.filter())?;
    let (mut latest, mut closed) = (VecDeque::new(), 0_usize);
    for indexed in entries.by_ref() {
        match indexed {
            Ok(indexed) => latest.push_back(indexed.entry),
            // The others can be read.
            Err(error) => {
                say(&mut io::stderr(), &error.to_string());
                closed += 1;
            }
        }
        if arguments.limit > 0 && latest.len() > arguments.limit {
            latest.pop_front();
        }
    }
    if arguments.json {
        print_json(&latest)?;
    } else {
        print_table(&latest);
    }
    tell_bad_frames(entries.bad_frames());
    match closed {
        0 => Ok(()),
        closed => Err(format!("{closed} segments cannot be read").into()),
    }
}

fn print_json(latest: &VecDeque<IndexEntry>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for entry in latest {
        writeln!(out, "{}", shown(entry))?;
    }
    out.flush()
}

fn print_table(latest: &VecDeque<IndexEntry>) {
    let head = ["received", "request", "model", "key", "outcome", "status", "took", "bytes"];
    let rows = latest.iter().map(row);
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect();
    say(&mut io::stdout(), &table(&rows));
}

fn row(entry: &IndexEntry) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| UNKNOWN.to_owned());
    vec![
        date(entry.received),
        text(&entry.request_id),
        text(&entry.model),
        text(&entry.key),
        entry.outcome.map_or(UNKNOWN, Outcome::label).to_owned(),
        entry.status.map_or_else(|| UNKNOWN.to_owned(), |status| status.to_string()),
        entry
            .duration
            .map_or_else(|| UNKNOWN.to_owned(), |took| format!("{:.3}s", took.as_secs_f64())),
        entry.bytes.to_string(),
    ]
}

fn shown(entry: &IndexEntry) -> serde_json::Value {
    json!({
        "received": date(entry.received),
        "request_id": entry.request_id,
        "trace_id": entry.trace_id.map(|id| id.to_string()),
        "session": entry.session.as_ref().map(|session| &session.id),
        "turn": entry.session.as_ref().map(|session| session.turn),
        "key": entry.key,
        "model": entry.model,
        "outcome": entry.outcome.map(Outcome::label),
        "status": entry.status,
        "duration_seconds": entry.duration.map(|took| took.as_secs_f64()),
        "bytes": entry.bytes,
    })
}

fn date(since_1970: Duration) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + since_1970).to_string()
}
