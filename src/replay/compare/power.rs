//! What so many runs can find.
//!
//! A shift of B moves the interval of a comparison by as much and changes nothing else of it.
//! So one simulated comparison without any shift says from which shift on it would have been a
//! finding, and many of them say with which power any shift is found: no search, and the same
//! for every noise, which is their unit. Must not know: where the noise was measured.

use super::student::t_quantile;
use super::swaps::{Effort, Swaps, smallest_p};
use crate::replay::chance::{Chance, Stream};

/// More runs than this of one arm are not suggested.
const MOST_RUNS: usize = 64;

/// What comparisons of so many runs find, in units of the noise between runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// Of each simulated comparison the shift from which on it is a finding, ascending;
    /// infinite where none is.
    needed: Vec<f64>,
}

impl Reach {
    /// Simulates `simulations` comparisons of `runs` and `runs` runs with normal noise, in
    /// which a p of at most `level` is a finding: alpha over the number of metrics that
    /// decide. 1000 of them give a power to within 0.03.
    pub fn simulated(runs: usize, level: f64, simulations: u32, seed: u64) -> Self {
        let needed = |number: u32| {
            let seed = seed.wrapping_add(u64::from(number));
            let mut chance = Chance::new(seed, Stream::Power);
            let mut arm = || (0..runs).map(|_| chance.normal()).collect::<Vec<f64>>();
            let swaps = Swaps::new(&arm(), &arm(), Effort::SIMULATION, seed);
            swaps.interval(level).map_or(f64::INFINITY, |(low, _)| -low)
        };
        let mut needed: Vec<f64> = (0..simulations).map(needed).collect();
        needed.sort_unstable_by(f64::total_cmp);
        Self { needed }
    }

    /// The probability that a shift of that many times the noise is found, whichever way.
    pub fn power(&self, shift: f64) -> f64 {
        let found = self.needed.partition_point(|needed| *needed < shift.abs());
        found as f64 / self.needed.len().max(1) as f64
    }

    /// The smallest shift that is found with that power; `None` where none is.
    pub fn smallest(&self, power: f64) -> Option<f64> {
        let rank = (power * self.needed.len() as f64).ceil() as usize;
        let shift = self.needed.get(rank.saturating_sub(1)).copied();
        shift.filter(|shift| shift.is_finite()).map(|shift| shift.max(0.0))
    }
}

/// The fewest runs of each arm that find a shift of that many times the noise; `reach` says
/// what so many runs find. `None` where 64 do not.
pub fn runs_needed(
    shift: f64,
    level: f64,
    wanted: f64,
    mut reach: impl FnMut(usize) -> Reach,
) -> Option<usize> {
    let start = runs_by_formula(shift, level, wanted)?;
    let mut finds = |runs: usize| reach(runs).power(shift) >= wanted;
    if finds(start) {
        let fewer = (2..start).rev().take_while(|runs| finds(*runs));
        return Some(fewer.last().unwrap_or(start));
    }
    (start + 1..=MOST_RUNS).find(|runs| finds(*runs))
}

/// The same by the t test's formula: about right, at once.
pub fn runs_by_formula(shift: f64, level: f64, wanted: f64) -> Option<usize> {
    (2..=MOST_RUNS).find(|runs| {
        let freedom = 2 * runs - 2;
        let reach = t_quantile(1.0 - level / 2.0, freedom) + t_quantile(wanted, freedom);
        reach * (2.0 / *runs as f64).sqrt() <= shift.abs() && smallest_p(*runs, *runs) <= level
    })
}
