//! The recent requests: those that are wanted, and one in all its detail.
//!
//! | file | owns |
//! |---|---|
//! | `wanted` | what an address asks for |
//! | `list` | the list, with counts of what could be asked for next |
//! | `one` | a request: its waterfall, its stream, its facts |
//! | `said` | what was asked and answered, where it was captured |
//! | `raw` | the same as it went over the wire |
//! | `again` | the request as a command that sends it again |
//!
//! Must not know: how requests are kept.

mod again;
mod list;
mod one;
mod raw;
mod said;
mod wanted;

pub(in crate::admin) use list::{list, rows_as_csv, rows_as_lines};
pub(in crate::admin) use one::show;

use crate::types::Outcome;
use std::time::SystemTime;

fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

fn tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "good",
        Outcome::ClientError | Outcome::ClientCancelled | Outcome::RateLimited => "doubt",
        _ => "bad",
    }
}
