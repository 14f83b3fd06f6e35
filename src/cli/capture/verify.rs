//! `transom capture verify`
//!
//! Must not know: what a record says.

use super::Where;
use crate::capture::{SegmentCondition, SegmentReport};
use crate::cli::table::table;
use crate::cli::{Failure, say};
use std::io;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Where,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let reports = arguments.place.archive()?.verify()?;
    let head = ["segment", "records", "bytes", "unreadable", "condition"];
    let rows = reports.iter().map(row);
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect();
    say(&mut io::stdout(), &table(&rows));
    // What was shredded is as somebody wanted it.
    let meant = || reports.iter().filter(|it| it.condition != SegmentCondition::Shredded);
    let bad: u64 = meant().map(|report| report.bad_frames).sum();
    let closed = meant().filter(|report| report.condition != SegmentCondition::Readable).count();
    if bad > 0 || closed > 0 {
        return Err(format!("{bad} records and {closed} segments cannot be read whole").into());
    }
    Ok(())
}

fn row(report: &SegmentReport) -> Vec<String> {
    vec![
        report.id.to_string(),
        report.records.to_string(),
        report.bytes.to_string(),
        report.bad_frames.to_string(),
        match &report.condition {
            SegmentCondition::Readable if report.torn > 0 => {
                "readable, cut off at its end".to_owned()
            }
            SegmentCondition::Readable => "readable".to_owned(),
            SegmentCondition::Shredded => "shredded: its key was deleted".to_owned(),
            SegmentCondition::Unreadable(why) => format!("unreadable: {why}"),
        },
    ]
}
