//! `transom capture show`
//!
//! Must not know: how a record is stored.

use super::Where;
use crate::capture::{Filter, LineWriter};
use crate::cli::Failure;
use std::io;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Where,
    /// The id of the request, as every answer carries it in `x-request-id`
    id: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let filter = Filter { request_id: Some(arguments.id.clone()), ..Filter::all() };
    let mut found = arguments.place.archive()?.exchanges(filter)?;
    let (_, exchange) = found.next().ok_or("there is no such request in the captures")??;
    // As it is exported: everything that is known, and readable by a machine as well.
    let mut line = LineWriter::plain(Vec::new());
    line.write(&exchange)?;
    let value: serde_json::Value = serde_json::from_slice(&line.finish()?)?;
    serde_json::to_writer_pretty(io::stdout().lock(), &value)?;
    Ok(println_end()?)
}

fn println_end() -> io::Result<()> {
    use std::io::Write;
    let mut out = io::stdout().lock();
    writeln!(out)?;
    out.flush()
}
