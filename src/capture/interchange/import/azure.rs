//! Azure's LLM inference traces of 2023 and 2024, a table of `TIMESTAMP`, `ContextTokens` and
//! `GeneratedTokens`.
//!
//! <https://github.com/Azure/AzurePublicDataset>. Timestamps are dates, in UTC where they do
//! not say. What prompts share is not known, so they share nothing. Must not know: what an
//! exchange is made of.

use crate::capture::interchange::import::table::Table;
use crate::capture::interchange::import::trace::Traced;
use crate::capture::interchange::import::{Assumed, ImportError, Taker};
use crate::capture::jsonl::Lines;
use crate::protocol::parse_date;

pub(super) fn read(
    lines: Lines,
    assumed: &Assumed,
    taker: &mut Taker<'_>,
) -> Result<(), ImportError> {
    let mut table = Table::new(lines)?;
    while table.next()? {
        let traced = Traced {
            line: table.line(),
            received: table.field("TIMESTAMP", parse_date)?,
            input: table.count("ContextTokens")?,
            output: table.count("GeneratedTokens")?,
            blocks: Vec::new(),
            session: None,
            model: None,
            last: None,
        };
        taker.exchange(table.made(traced.exchange(assumed))?)?;
    }
    Ok(())
}
