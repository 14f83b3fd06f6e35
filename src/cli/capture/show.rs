//! `transom capture show`
//!
//! Must not know: how a record is stored.

use super::Where;
use crate::capture::{Exchange, Exchanges, Filter, LineWriter, ReadError};
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
    let exchange = first(&mut found)?.ok_or("there is no such request in the captures")?;
    // As it is exported: everything that is known, and readable by a machine as well.
    let mut line = LineWriter::plain(Vec::new());
    line.write(&exchange)?;
    let value: serde_json::Value = serde_json::from_slice(&line.finish()?)?;
    serde_json::to_writer_pretty(io::stdout().lock(), &value)?;
    Ok(println_end()?)
}

/// The first that can be read; why one cannot, where there is none.
fn first(found: &mut Exchanges) -> Result<Option<Exchange>, ReadError> {
    let mut failed = Ok(None);
    for found in found {
        match found {
            Ok((_, exchange)) => return Ok(Some(exchange)),
            Err(error) => failed = Err(error),
        }
    }
    failed
}

fn println_end() -> io::Result<()> {
    use std::io::Write;
    let mut out = io::stdout().lock();
    writeln!(out)?;
    out.flush()
}
