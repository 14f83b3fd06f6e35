//! The permutation test of a difference of means, and the interval that it implies.
//!
//! If A and B do not differ, the labels of their runs mean nothing (Fisher 1935, Pitman 1937).
//! Relabelling swaps some runs of B with as many of A. If B were A shifted by `d`, the swap
//! would make the difference of the means smaller exactly when the mean of the swapped runs
//! of B lies above that of the swapped runs of A by more than `d`. So one sorted list, that
//! swapped difference for every relabelling, answers everything: how probable any shift is,
//! and which shifts cannot be ruled out, the confidence interval (Garthwaite 1996).
//!
//! Nothing is assumed of the noise but that it is the same for A and B; where B's is three
//! times A's, five and five runs raise 6 to 7 % of false alarms instead of 5 % (10 % where it is
//! also skewed), as does the t test. A two-sided p is twice that of the smaller side, so that
//! it, the interval and both one-sided tests agree.
//!
//! Must not know: what is measured, or what follows.

use super::mean;
use crate::replay::chance::{Chance, Stream};

/// How much work a test may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// All relabellings are looked at when there are at most so many …
    pub exact: u64,
    /// … else so many, drawn at random (Monte Carlo).
    pub draws: usize,
}

impl Effort {
    /// For a verdict: exact up to 9 and 9 runs. Beyond, a p of 0.05 is off by 0.0015.
    pub const VERDICT: Self = Self { exact: 100_000, draws: 19_999 };
    /// For one of many simulated comparisons: exact up to 6 and 6 runs.
    pub const SIMULATION: Self = Self { exact: 1_000, draws: 499 };
}

/// Every relabelling of runs, by what it swaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Swaps {
    /// Mean of the swapped runs of B less that of the swapped runs of A, ascending.
    differences: Vec<f64>,
    /// Relabellings that swap nothing: 1, the observed one, where all are looked at.
    unmoved: usize,
    estimate: f64,
    /// Differences closer than this are equal but for rounding.
    tolerance: f64,
}

impl Swaps {
    /// Of the values of A's runs and of B's, finite numbers and at least one each; with fewer,
    /// nothing is ever significant.
    pub fn new(a: &[f64], b: &[f64], effort: Effort, seed: u64) -> Self {
        let pool = Pool { values: a.iter().chain(b).copied().collect(), a: a.len() };
        let (mut differences, unmoved) = match relabellings(a.len(), b.len()) {
            Some(count) if count <= effort.exact && pool.values.len() < 64 => pool.all(),
            _ => pool.drawn(effort.draws, seed),
        };
        differences.sort_unstable_by(f64::total_cmp);
        let largest = pool.values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let estimate = if a.is_empty() || b.is_empty() { 0.0 } else { mean(b) - mean(a) };
        Self { differences, unmoved, estimate, tolerance: largest * 1e-12 }
    }

    /// Mean of B less that of A.
    pub const fn estimate(&self) -> f64 {
        self.estimate
    }

    /// The probability of a difference at least as large, either way, if B is like A.
    pub fn p(&self) -> f64 {
        (2.0 * self.p_above(0.0).min(self.p_below(0.0))).min(1.0)
    }

    /// The probability of a difference at least as large, if B lies above A by `shift` or
    /// less. Small: B lies above A by more.
    pub fn p_above(&self, shift: f64) -> f64 {
        let reached = self.differences.partition_point(|d| *d <= shift + self.tolerance);
        self.share(reached)
    }

    /// The probability of a difference at least as small, if B lies above A by `shift` or
    /// more. Small: B lies above A by less.
    pub fn p_below(&self, shift: f64) -> f64 {
        let short = self.differences.partition_point(|d| *d < shift - self.tolerance);
        self.share(self.differences.len() - short)
    }

    /// The differences between B and A that a two-sided test at `alpha` does not rule out;
    /// `None` where it can rule out none, because there are too few runs.
    pub fn interval(&self, alpha: f64) -> Option<(f64, f64)> {
        let total = (self.differences.len() + self.unmoved) as f64;
        // What rounding has done to a whole number is undone.
        let allowed = (alpha / 2.0 * total + 1e-9).floor() as usize;
        let rank = allowed.checked_sub(self.unmoved)?;
        let low = *self.differences.get(rank)?;
        let high = *self.differences.get(self.differences.len().checked_sub(rank + 1)?)?;
        (low <= high).then_some((low, high))
    }

    /// Whether all values are the same, so that no relabelling can matter.
    pub fn is_flat(&self) -> bool {
        let ends = [self.differences.first(), self.differences.last()];
        ends.into_iter().flatten().all(|difference| difference.abs() <= self.tolerance)
    }

    fn share(&self, swaps: usize) -> f64 {
        (swaps + self.unmoved) as f64 / (self.differences.len() + self.unmoved) as f64
    }
}

/// The ways to label `a + b` runs; `None` where they do not fit.
pub fn relabellings(a: usize, b: usize) -> Option<u64> {
    let (total, fewer) = (a.checked_add(b)? as u64, a.min(b) as u64);
    (0..fewer).try_fold(1_u64, |ways, taken| Some(ways.checked_mul(total - taken)? / (taken + 1)))
}

/// The smallest two-sided p that so many runs can give.
pub fn smallest_p(a: usize, b: usize) -> f64 {
    (2.0 / relabellings(a, b).unwrap_or(u64::MAX) as f64).min(1.0)
}

/// Runs of A, then of B.
struct Pool {
    values: Vec<f64>,
    a: usize,
}

impl Pool {
    /// Every relabelling; fewer than 64 runs.
    fn all(&self) -> (Vec<f64>, usize) {
        let b = self.values.len() - self.a;
        let observed = ((1_u64 << b) - 1) << self.a;
        let mut differences = Vec::new();
        let mut labelled = (1_u64 << b) - 1;
        while labelled >> self.values.len() == 0 && labelled != 0 {
            differences.extend(self.swapped(labelled, observed));
            labelled = next_of_same_size(labelled);
        }
        (differences, 1)
    }

    /// `labelled` and `observed` have a bit for each run that is one of B's.
    fn swapped(&self, labelled: u64, observed: u64) -> Option<f64> {
        let moved = labelled ^ observed;
        let (mut sum, mut rest) = (0.0, moved);
        while rest != 0 {
            let run = rest.trailing_zeros() as usize;
            sum += if run < self.a { -self.values[run] } else { self.values[run] };
            rest &= rest - 1;
        }
        (moved != 0).then(|| sum / f64::from(moved.count_ones() / 2))
    }

    /// So many relabellings, drawn with replacement.
    fn drawn(&self, draws: usize, seed: u64) -> (Vec<f64>, usize) {
        let mut chance = Chance::new(seed, Stream::Relabelling);
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        let sum_a: f64 = self.values[..self.a].iter().sum();
        let differences: Vec<f64> = (0..draws)
            .filter_map(|_| {
                chance.draw(&mut order, self.a);
                // The first ones are labelled A now: those of B among them were swapped with
                // those of A that are not among them.
                let (mut moved, mut stayed, mut swapped) = (0.0, 0.0, 0_u32);
                for run in &order[..self.a] {
                    if *run < self.a {
                        stayed += self.values[*run];
                    } else {
                        moved += self.values[*run];
                        swapped += 1;
                    }
                }
                (swapped > 0).then(|| (moved - (sum_a - stayed)) / f64::from(swapped))
            })
            .collect();
        // The observed one always counts, so that p is never 0 (Davison and Hinkley 1997).
        let unmoved = draws - differences.len() + 1;
        (differences, unmoved)
    }
}

/// The next larger number with as many bits (Gosper).
const fn next_of_same_size(bits: u64) -> u64 {
    let lowest = bits & bits.wrapping_neg();
    let ripple = bits.wrapping_add(lowest);
    if ripple == 0 { 0 } else { (((ripple ^ bits) >> 2) / lowest) | ripple }
}
