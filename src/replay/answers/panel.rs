//! The answers to one request, of all runs: how far B's lie from A's, how far A's lie from
//! each other, and what both would be if the labels were dealt anew.
//!
//! Must not know: what other requests say.

use super::features::Features;
use super::ladder::Step;
use crate::replay::chance::Chance;
use std::collections::BTreeMap;

/// Deals of the labels that are looked at; more are drawn from at random.
const MOST_DEALS: usize = 256;

/// Every pair of answers, by how far the second is from the first.
pub struct Panel {
    /// By the first, then by the second.
    scores: Vec<f64>,
    answers: usize,
    /// The first answers are A's.
    a: usize,
}

/// Ways to deal labels: a bit for each answer that is A's. The first is as it was.
pub type Deals = Vec<u32>;

impl Panel {
    /// Of answers in order, A's before B's: two at least of A, one of B.
    pub fn of(step: Step, answers: &[&Features], a: usize) -> Self {
        let scores = answers.iter().flat_map(|x| answers.iter().map(|y| step.score(x, y)));
        Self { scores: scores.collect(), answers: answers.len(), a }
    }

    /// Of the means of scores between runs, A's before B's.
    pub fn of_runs(scores: Vec<f64>, runs: usize, a: usize) -> Self {
        Self { scores, answers: runs, a }
    }

    /// How far the second of two answers is from the first.
    pub fn score(&self, first: usize, second: usize) -> f64 {
        self.scores[first * self.answers + second]
    }

    /// How much further B lies from A than A from itself: as it was.
    pub fn excess(&self) -> f64 {
        self.excess_of(as_it_was(self.a))
    }

    /// The same for every deal.
    pub fn dealt(&self, deals: &Deals) -> Vec<f64> {
        deals.iter().map(|labels| self.excess_of(*labels)).collect()
    }

    fn excess_of(&self, labels: u32) -> f64 {
        let is_a = |answer: &usize| labels >> answer & 1 == 1;
        let (a, b): (Vec<usize>, Vec<usize>) = (0..self.answers).partition(is_a);
        self.mean(&a, &b) - self.mean(&a, &a)
    }

    /// Of all pairs of two answers.
    fn mean(&self, from: &[usize], to: &[usize]) -> f64 {
        let (mut sum, mut pairs) = (0.0, 0_u32);
        for x in from {
            for y in to.iter().filter(|y| *y != x) {
                sum += self.score(*x, *y);
                pairs += 1;
            }
        }
        sum / f64::from(pairs.max(1))
    }
}

/// The mean distance between A's answers, and that from A's to B's.
pub fn distances(step: Step, answers: &[&Features], a: usize) -> (f64, f64) {
    let mean = |pairs: &mut dyn Iterator<Item = f64>| {
        let (count, sum) = pairs.fold((0_u32, 0.0), |(n, sum), distance| (n + 1, sum + distance));
        sum / f64::from(count.max(1))
    };
    let (of_a, of_b) = answers.split_at(a);
    let own = (0..a).flat_map(|x| (0..a).filter(move |y| *y != x).map(move |y| (x, y)));
    let floor = mean(&mut own.map(|(x, y)| step.distance(of_a[x], of_a[y])));
    let pairs = of_a.iter().flat_map(|x| of_b.iter().map(|y| step.distance(x, y)));
    (floor, mean(&mut { pairs }))
}

/// The deals for so many answers of which so many are A's, made once.
pub struct Dealer {
    chance: Chance,
    made: BTreeMap<(usize, usize), Deals>,
}

impl Dealer {
    /// Draws from `chance` where there are too many deals.
    pub fn new(chance: Chance) -> Self {
        Self { chance, made: BTreeMap::new() }
    }

    /// At most 32 answers.
    pub fn deals(&mut self, answers: usize, a: usize) -> &Deals {
        let chance = &mut self.chance;
        self.made.entry((answers, a)).or_insert_with(|| {
            every(answers, a).unwrap_or_else(|| {
                let drawn = (1..MOST_DEALS).map(|_| {
                    let mut order: Vec<usize> = (0..answers).collect();
                    chance.draw(&mut order, a);
                    order[..a].iter().fold(0, |labels, answer| labels | 1 << answer)
                });
                std::iter::once(as_it_was(a)).chain(drawn).collect()
            })
        })
    }
}

/// All deals, if they are not too many.
fn every(answers: usize, a: usize) -> Option<Deals> {
    let is_deal = |labels: &u32| labels.count_ones() as usize == a;
    // More than 12 answers have too many deals anyway, but for a single odd one out.
    if answers > 12 {
        return None;
    }
    let deals: Deals = (0..1_u32 << answers).filter(is_deal).collect();
    (deals.len() <= MOST_DEALS).then_some(deals)
}

const fn as_it_was(a: usize) -> u32 {
    ((1_u64 << a) - 1) as u32
}
