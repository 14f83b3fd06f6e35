//! One rung over all requests, in memory that does not grow with them.
//!
//! Requests are what is drawn: the answers to one request have its difficulty in common, so
//! everything is worked out for a request first and then put together.
//!
//! - Whether the excess is more than chance: the labels of each request's answers are dealt
//!   anew, 4,999 times, and the sums of the excesses of all requests compared. That holds for
//!   the rarest differences too, where an interval of means does not: it needs no more than
//!   that the answers of a request could have come in any order.
//! - Whether it is more than the luck of runs: where a whole run answers otherwise, because it
//!   met another replica, its requests are no independent witnesses. So the mean distances
//!   between runs are kept as well, and the labels of whole runs dealt anew.
//! - How large it is: the interval is a bootstrap over requests, in which each counts as often
//!   as a Poisson number says, so that requests can be forgotten (Hanley and MacGibbon 2006).
//!
//! Must not know: what answers say.

use super::MOST_RUNS;
use super::ladder::Step;
use super::panel::{Dealer, Deals, Panel};
use crate::replay::chance::Chance;

/// Deals of all labels that the observed ones are compared with.
const DEALS: usize = 4_999;
/// Drawings of the bootstrap.
const DRAWINGS: usize = 1_999;
/// Requests that are named.
const EXAMPLES: usize = 10;
/// Runs of both arms.
const RUNS: usize = 2 * MOST_RUNS;
/// Excesses closer to 0 than this are rounding.
const ROUNDING: f64 = 1e-9;

/// What chance says about one request, the same for all rungs.
pub struct Lots {
    /// Which deal each of the comparisons takes, as a share of the deals there are.
    deals: Vec<f64>,
    /// How often the request counts in each drawing.
    weights: Vec<u8>,
}

impl Lots {
    /// Drawn for one request.
    pub fn drawn(chance: &mut Chance) -> Self {
        Self {
            deals: (0..DEALS).map(|_| chance.uniform()).collect(),
            weights: (0..DRAWINGS).map(|_| chance.poisson()).collect(),
        }
    }
}

/// One rung so far.
pub struct Tally {
    requests: u64,
    floor: f64,
    differ: f64,
    excess: f64,
    /// The sum of excesses in each deal.
    dealt: Vec<f64>,
    /// Requests and excess of each drawing.
    drawn: Vec<(f64, f64)>,
    /// Requests and score of each pair of runs.
    between: Vec<(f64, f64)>,
    /// The requests that show it most.
    examples: Vec<(f64, u64)>,
    /// Whether any deal of any request would have said something else.
    is_flat: bool,
}

/// What dealing whole runs anew says.
pub struct ByRuns {
    excess: f64,
    dealt: Vec<f64>,
}

impl ByRuns {
    /// Whether hardly any deal gives as much excess as was seen: one in twenty over all `rungs`
    /// together, or where there are too few deals for that, only it and its mirror image.
    pub fn is_beyond(&self, rungs: usize, size: impl Fn(f64) -> f64) -> bool {
        let seen = size(self.excess) - ROUNDING;
        let reached = self.dealt.iter().filter(|dealt| size(**dealt) >= seen).count();
        reached <= (self.dealt.len() / (20 * rungs.max(1))).max(2)
    }
}

/// A request for a tally.
pub struct Entry<'a> {
    /// Its number.
    pub number: u64,
    /// The rung.
    pub step: Step,
    /// The distance between A's answers, and that from A's to B's.
    pub distances: (f64, f64),
    /// Its answers.
    pub panel: Panel,
    /// How they can be dealt.
    pub deals: &'a Deals,
    /// The run of each answer, from 0; those of B from [`MOST_RUNS`].
    pub runs: &'a [usize],
}

impl Tally {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            requests: 0,
            floor: 0.0,
            differ: 0.0,
            excess: 0.0,
            dealt: vec![0.0; DEALS],
            drawn: vec![(0.0, 0.0); DRAWINGS],
            between: vec![(0.0, 0.0); RUNS * RUNS],
            examples: Vec::new(),
            is_flat: true,
        }
    }

    /// Adds a request.
    pub fn add(&mut self, entry: &Entry<'_>, lots: &Lots) {
        let excess = entry.panel.excess();
        self.requests += 1;
        self.floor += entry.distances.0;
        self.differ += entry.distances.1;
        self.excess += excess;
        for (drawn, weight) in self.drawn.iter_mut().zip(&lots.weights) {
            let weight = f64::from(*weight);
            *drawn = (drawn.0 + weight, drawn.1 + weight * excess);
        }
        for (first, x) in entry.runs.iter().enumerate() {
            for (second, y) in entry.runs.iter().enumerate() {
                let pair = &mut self.between[x * RUNS + y];
                *pair = (pair.0 + 1.0, pair.1 + entry.panel.score(first, second));
            }
        }
        self.name(entry.number, entry.step.size(excess));
        let dealt = entry.panel.dealt(entry.deals);
        // Most requests say the same however they are dealt: they add nothing.
        if dealt.iter().all(|excess| excess.abs() < ROUNDING) {
            return;
        }
        self.is_flat = false;
        for (sum, lot) in self.dealt.iter_mut().zip(&lots.deals) {
            *sum += dealt[(lot * dealt.len() as f64) as usize];
        }
    }

    fn name(&mut self, number: u64, size: f64) {
        let place = self.examples.partition_point(|(other, _)| *other >= size);
        if size > ROUNDING && place < EXAMPLES {
            self.examples.insert(place, (size, number));
            self.examples.truncate(EXAMPLES);
        }
    }

    /// Requests that say something.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// The mean distance between A's answers, and that from A's to B's.
    pub fn distances(&self) -> (f64, f64) {
        (self.floor / self.count(), self.differ / self.count())
    }

    /// The mean excess.
    pub fn excess(&self) -> f64 {
        self.excess / self.count()
    }

    /// Whether no deal could have said anything else.
    pub const fn is_flat(&self) -> bool {
        self.is_flat
    }

    /// The probability of at least that much excess, by its size, if B's answers come from
    /// where A's do.
    pub fn p(&self, size: impl Fn(f64) -> f64) -> f64 {
        let seen = size(self.excess) - ROUNDING;
        let reached = self.dealt.iter().filter(|sum| size(**sum) >= seen).count();
        (reached + 1) as f64 / (DEALS + 1) as f64
    }

    /// Bounds that the mean excess lies beyond with a probability of `tail` each. What has not
    /// been seen in so many requests may still be there, up to a share with which that would
    /// be likely (the rule of three): never closer than this, in units of `largest`.
    pub fn bounds(&self, tail: f64, largest: f64) -> (f64, f64) {
        let means = self.drawn.iter().filter(|(weight, _)| *weight > 0.0);
        let mut means: Vec<f64> = means.map(|(weight, sum)| sum / weight).collect();
        means.sort_unstable_by(f64::total_cmp);
        let rank = (tail * means.len() as f64) as usize;
        let unseen = (1.0 - tail.powf(1.0 / self.count())) * largest;
        let (value, last) = (self.excess(), means.len().saturating_sub(1));
        let at = |rank: usize| means.get(rank).copied().unwrap_or(value);
        let low = at(rank).min(value - unseen).max(-largest);
        (low, at(last.saturating_sub(rank)).max(value + unseen).min(largest))
    }

    /// What dealing whole runs anew says of the mean excess.
    pub fn by_runs(&self, dealer: &mut Dealer) -> ByRuns {
        let has = |run: &usize| self.between[run * RUNS + run].0 > 0.0;
        let runs: Vec<usize> = (0..RUNS).filter(has).collect();
        let a = runs.iter().filter(|run| **run < MOST_RUNS).count();
        let pairs = runs.iter().flat_map(|x| runs.iter().map(move |y| x * RUNS + y));
        let scores = pairs.map(|pair| self.between[pair].1 / self.between[pair].0.max(1.0));
        let panel = Panel::of_runs(scores.collect(), runs.len(), a);
        let dealt = panel.dealt(dealer.deals(runs.len(), a));
        ByRuns { excess: panel.excess(), dealt }
    }

    /// The requests that show it, the clearest first.
    pub fn examples(&self) -> Vec<u64> {
        self.examples.iter().map(|(_, number)| *number).collect()
    }

    fn count(&self) -> f64 {
        self.requests.max(1) as f64
    }
}
