//! BurstGPT, a table of `Timestamp`, `Session ID`, `Elapsed time`, `Model`, `Request tokens`,
//! `Response tokens`, `Total tokens` and `Log Type`; older files have fewer columns.
//!
//! <https://github.com/HPMLL/BurstGPT>. Times are in seconds, timestamps since the trace began.
//! Where a request failed its `Response tokens` are 0, and nothing says how. What prompts share
//! is not known, so they share nothing. Must not know: what an exchange is made of.

use crate::capture::Session;
use crate::capture::interchange::import::table::Table;
use crate::capture::interchange::import::trace::Traced;
use crate::capture::interchange::import::{Assumed, ImportError, Taker};
use crate::capture::jsonl::{Billionths, Lines};
use std::collections::HashMap;

/// Conversations whose turns are counted.
const MOST_SESSIONS: usize = 1 << 20;

/// How many turns conversations have had. Forgets all of them when there are too many.
#[derive(Default)]
pub(super) struct Turns(HashMap<String, u32>);

pub(super) fn read(
    lines: Lines,
    assumed: &Assumed,
    taker: &mut Taker<'_>,
) -> Result<(), ImportError> {
    let mut table = Table::new(lines)?;
    let mut turns = Turns::default();
    while table.next()? {
        let seconds = |field: &str| Billionths::parse(field)?.seconds();
        let since = |field: &str| assumed.began.checked_add(seconds(field)?);
        let session = table.text("Session ID").map(str::to_owned);
        let elapsed = table.text("Elapsed time").map(|_| table.field("Elapsed time", seconds));
        let traced = Traced {
            line: table.line(),
            received: table.field("Timestamp", since)?,
            input: table.count("Request tokens")?,
            output: table.count("Response tokens")?,
            blocks: Vec::new(),
            session: session.map(|id| turns.next(id)),
            model: table.text("Model").map(str::to_owned),
            last: elapsed.transpose()?,
        };
        taker.exchange(table.made(traced.exchange(assumed))?)?;
    }
    Ok(())
}

impl Turns {
    /// The next turn of a conversation.
    pub(super) fn next(&mut self, id: String) -> Session {
        if self.0.len() >= MOST_SESSIONS {
            self.0.clear();
        }
        let next = self.0.entry(id.clone()).or_default();
        let turn = *next;
        *next = next.saturating_add(1);
        Session { id, turn }
    }
}
