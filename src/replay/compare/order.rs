//! In which order the runs of A and B are made.
//!
//! A server warms up, a neighbour wakes, a night begins: what changes slowly must not fall on
//! one arm. Blocks of four, `ABBA` or `BAAB` by lot, let a linear drift hit both alike. Must
//! not know: what a run is.

use crate::replay::chance::{Chance, Stream};
use serde::{Deserialize, Serialize};

/// One of the two sides of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// What is compared with.
    A,
    /// What is compared.
    B,
}

/// How the runs of both arms were ordered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As [`interleave`] has it.
    Interleaved,
    /// All of one arm, then all of the other.
    InTurn,
    /// A is traffic of the past, cut into blocks of time.
    Recorded,
}

/// The order of `runs` runs of each arm. The same seed gives the same order.
pub fn interleave(runs: usize, seed: u64) -> Vec<Arm> {
    let mut chance = Chance::new(seed, Stream::Order);
    let mut order = Vec::with_capacity(2 * runs);
    while order.len() < 2 * runs {
        let (first, second) =
            if chance.below(2) == 0 { (Arm::A, Arm::B) } else { (Arm::B, Arm::A) };
        order.extend([first, second, second, first]);
    }
    // Half a block is a pair.
    order.truncate(2 * runs);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_have_equally_many_runs_and_a_drift_hits_both_alike() {
        for runs in 0..12 {
            for seed in 0..20 {
                let order = interleave(runs, seed);
                let places =
                    |arm| (0..order.len()).filter(|at| order[*at] == arm).collect::<Vec<_>>();
                let (a, b) = (places(Arm::A), places(Arm::B));
                assert_eq!((a.len(), b.len()), (runs, runs));
                let apart = a.iter().sum::<usize>().abs_diff(b.iter().sum());
                assert_eq!(apart, runs % 2, "{order:?}");
            }
        }
    }

    #[test]
    fn either_arm_may_begin() {
        let begins: Vec<Arm> = (0..20).map(|seed| interleave(5, seed)[0]).collect();
        assert!(begins.contains(&Arm::A) && begins.contains(&Arm::B));
        assert_eq!(interleave(5, 3), interleave(5, 3));
    }
}
