//! Captured traffic as the runs of an arm: as it went in production.
//!
//! Must not know: where it was captured, or what it is compared with.

use crate::capture::Exchange;
use crate::replay::compare::{Blocks, block_validity, recorded};
use crate::replay::outcome::{Figures, RunHead, RunId, RunResult, Tally};
use crate::types::Micros;

/// Captured traffic, cut into blocks of equal time.
pub struct Production {
    blocks: Blocks,
    /// What a run of the same traffic is, and by what its answers are judged.
    beside: RunHead,
    tallies: Vec<Tally>,
    taken: u64,
}

impl Production {
    /// Of the time that `blocks` cut, judged by the objectives of `beside`.
    pub fn new(blocks: Blocks, beside: &RunHead) -> Self {
        let tallies = (0..blocks.count.get()).map(|_| Tally::new(beside.objectives)).collect();
        Self { blocks, beside: beside.clone(), tallies, taken: 0 }
    }

    /// Takes one exchange; one from another time is passed over.
    pub fn take(&mut self, exchange: &Exchange) {
        let block = self.blocks.of(exchange.times.received);
        let tally = block.and_then(|block| self.tallies.get_mut(block as usize));
        if let Some(tally) = tally {
            tally.record(&recorded(self.taken, self.blocks.first, exchange));
            self.taken += 1;
        }
    }

    /// A run for each block, in the order of time.
    pub fn finish(self) -> Vec<RunResult> {
        let Self { blocks, beside, tallies, .. } = self;
        let lasts = blocks.last.saturating_sub(blocks.first) / blocks.count.get();
        let began = |at: u32| Micros::from(blocks.first + lasts * at);
        let run = |(at, tally): (u32, Tally)| RunResult {
            head: RunHead {
                id: block_id(at).unwrap_or_else(|| beside.id.clone()),
                began: began(at),
                target: "as it was captured".to_owned(),
                ..beside.clone()
            },
            validity: block_validity(tally.measured),
            figures: Figures::of(&tally),
            tally,
        };
        (0..).zip(tallies).map(run).collect()
    }
}

fn block_id(at: u32) -> Option<RunId> {
    RunId::parse(&format!("captured-{}", at + 1))
}
