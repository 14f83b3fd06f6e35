//! Traces as Mooncake's (Qin et al., FAST 2025), JSON Lines.
//!
//! `{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47, …]}`:
//! milliseconds since the trace began, tokens, and an id of every 512 tokens of the prompt,
//! each of which also stands for all tokens before it. A `session_id` is taken as well; turns
//! of it are counted in the order of lines. Must not know: what an exchange is made of.

use crate::capture::interchange::BYTES_PER_TOKEN;
use crate::capture::interchange::import::burstgpt::Turns;
use crate::capture::interchange::import::trace::Traced;
use crate::capture::interchange::import::{Assumed, ImportError, Taker};
use crate::capture::jsonl::{Billionths, Lines, told};
use crate::capture::{BLOCK, LineError};
use serde::Deserialize;
use std::time::Duration;

/// Tokens of a block in these traces.
const TOKENS: u64 = 512;
/// Blocks of a shape that are one of theirs.
const BLOCKS: u64 = TOKENS * BYTES_PER_TOKEN / BLOCK as u64;

#[derive(Deserialize)]
struct Line {
    timestamp: Billionths,
    input_length: u64,
    output_length: u64,
    #[serde(default)]
    hash_ids: Vec<u64>,
    session_id: Option<String>,
}

pub(super) fn read(
    mut lines: Lines,
    assumed: &Assumed,
    taker: &mut Taker<'_>,
) -> Result<(), ImportError> {
    let mut turns = Turns::default();
    while let Some(line) = lines.next()? {
        let parsed = serde_json::from_slice::<Line>(line).map_err(|error| told(&error));
        let line = parsed.map_err(|why| lines.wrong(why))?;
        let exchange = received(&line, assumed).and_then(|received| {
            let parts = line.hash_ids.iter().flat_map(|id| parts(*id)).collect();
            let traced = Traced {
                line: lines.number(),
                received,
                input: line.input_length,
                output: line.output_length,
                blocks: parts,
                session: line.session_id.map(|id| turns.next(id)),
                model: None,
                last: None,
            };
            traced.exchange(assumed)
        });
        let wrong = || lines.wrong("its time or its lengths are beyond all bounds");
        taker.exchange(exchange.ok_or_else::<LineError, _>(wrong)?)?;
    }
    Ok(())
}

/// Milliseconds become seconds.
fn received(line: &Line, assumed: &Assumed) -> Option<Duration> {
    let since = Billionths(line.timestamp.0 / 1000).seconds()?;
    assumed.began.checked_add(since)
}

fn parts(id: u64) -> impl Iterator<Item = u64> {
    (0..BLOCKS).map(move |part| id.wrapping_mul(BLOCKS).wrapping_add(part))
}
