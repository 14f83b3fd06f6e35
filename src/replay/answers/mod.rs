//! Whether B's answers differ from A's by more than A's differ from each other.
//!
//! A model that samples, or whose sums depend on what else is in its batch, never says the
//! same twice. So nothing is held against B that A does to itself: every rung of the ladder,
//! from the status down to the wording, has as its floor the pairs of A's own runs, and what
//! counts is the excess of the pairs of A and B over it.
//!
//! | file | owns |
//! |---|---|
//! | `features` | what of an answer is compared |
//! | `json`, `shingles` | equality of JSON, likeness of texts |
//! | `join` | the answers of several runs, request by request |
//! | `ladder` | the rungs |
//! | `panel` | one request: all pairs of its answers |
//! | `tally` | one rung over all requests: p, interval, examples |
//! | `judge` | the verdict, and why |
//!
//! Must not know: where answers are kept, or how long they took.

mod features;
mod join;
mod json;
mod judge;
mod ladder;
mod panel;
mod shingles;
mod tally;
#[cfg(test)]
mod tests;

pub use features::Seen;
pub use join::{ANSWERS_ROOM, SampleSource};
pub use ladder::Step;

use crate::replay::AnswerComparison;
use crate::replay::chance::{Chance, Stream};
use features::Features;
use panel::{Dealer, Panel, distances};
use tally::{Entry, Lots, Tally};

/// Runs of an arm that are looked at; further ones are left out.
pub const MOST_RUNS: usize = 10;

/// How answers are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerSettings {
    /// The probability of a false alarm that is accepted, over all rungs together. It comes
    /// on top of that of the metrics.
    pub alpha: f64,
    /// Of the intervals that are shown: 0.95 is 95 %.
    pub confidence: f64,
    /// An excess up to this share counts as equal: 0.02 is two percentage points.
    pub margin: f64,
    /// Lengths within this ratio count as equal: 0.05 is 5 %.
    pub length_margin: f64,
    /// The rungs that decide. Others are shown.
    pub decisive: Vec<Step>,
    /// What chance comes from.
    pub seed: u64,
}

impl Default for AnswerSettings {
    /// 1 %, 95 %, two percentage points, 5 %, all rungs.
    fn default() -> Self {
        Self {
            alpha: 0.01,
            confidence: 0.95,
            margin: 0.02,
            length_margin: 0.05,
            decisive: Step::ALL.to_vec(),
            seed: 0,
        }
    }
}

/// What the answers said, and why it is concluded.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswersCompared {
    /// What they said.
    pub comparison: AnswerComparison,
    /// Why, in a sentence each.
    pub reasons: Vec<String>,
}

/// A comparison of answers, request by request. It holds half a megabyte, however many
/// requests there are.
pub struct AnswerLadder {
    settings: AnswerSettings,
    tallies: Vec<(Step, Tally)>,
    dealer: Dealer,
    chance: Chance,
    pairs: u64,
}

impl AnswerLadder {
    /// An empty one.
    pub fn new(settings: AnswerSettings) -> Self {
        let tallies = Step::ALL.map(|step| (step, Tally::new())).into();
        let dealer = Dealer::new(Chance::new(settings.seed, Stream::Panels));
        let chance = Chance::new(settings.seed, Stream::Lots);
        Self { settings, tallies, dealer, chance, pairs: 0 }
    }

    /// Takes a request: what each run of A and each run of B saw of it, in the order of runs;
    /// `None` where a run did not send it. The status is compared of all that was seen,
    /// everything else between good answers. A rung needs two runs of A and one of B.
    pub fn take(&mut self, number: u64, a: &[Option<Seen>], b: &[Option<Seen>]) {
        let features = |runs: &[Option<Seen>]| -> Vec<(usize, Features)> {
            let seen = runs.iter().take(MOST_RUNS).enumerate();
            seen.filter_map(|(run, seen)| Some((run, Features::of(seen.as_ref()?)))).collect()
        };
        let (a, b) = (features(a), features(b));
        let lots = Lots::drawn(&mut self.chance);
        for (step, tally) in &mut self.tallies {
            let takes_part =
                |(_, one): &&(usize, Features)| *step == Step::Status || one.said.is_some();
            let of_a: Vec<_> = a.iter().filter(takes_part).collect();
            let of_b: Vec<_> = b.iter().filter(takes_part).collect();
            let answers: Vec<&Features> = of_a.iter().chain(&of_b).map(|(_, one)| one).collect();
            if of_a.len() < 2 || of_b.is_empty() || !step.applies(&answers) {
                continue;
            }
            if *step == Step::Status {
                self.pairs += (of_a.len() * of_b.len()) as u64;
            }
            let runs_b = of_b.iter().map(|(run, _)| MOST_RUNS + run);
            let runs: Vec<_> = of_a.iter().map(|(run, _)| *run).chain(runs_b).collect();
            let entry = Entry {
                number,
                step: *step,
                distances: distances(*step, &answers, of_a.len()),
                panel: Panel::of(*step, &answers, of_a.len()),
                deals: self.dealer.deals(answers.len(), of_a.len()),
                runs: &runs,
            };
            tally.add(&entry, &lots);
        }
    }

    /// The verdict on what was taken.
    pub fn finish(mut self) -> AnswersCompared {
        judge::conclude(&self.settings, &self.tallies, &mut self.dealer, self.pairs)
    }
}
