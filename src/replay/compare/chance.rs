//! Chance that is the same in every release: the same runs always get the same verdict.
//!
//! ChaCha with 8 rounds, keyed with the seed; every use has a stream of its own. Must not
//! know: what is drawn for.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::f64::consts::TAU;

/// A stream of random numbers.
pub(in crate::replay) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of that number; streams of one seed are independent.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Evenly from `0..n`; 0 where that is empty.
    pub fn below(&mut self, n: usize) -> usize {
        // Off by less than n / 2^64.
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Evenly from 0 up to, without, 1.
    pub fn uniform(&mut self) -> f64 {
        const STEPS: f64 = (1_u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 / STEPS
    }

    /// From the standard normal distribution (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    /// From the Poisson distribution with mean 1, cut at 8: more comes once in a million.
    pub fn poisson(&mut self) -> u8 {
        let mut left = self.uniform();
        let mut share = (-1.0_f64).exp();
        for count in 0..8_u8 {
            if left < share {
                return count;
            }
            left -= share;
            share /= f64::from(count) + 1.0;
        }
        8
    }

    /// Puts `n` items, drawn without replacement, first.
    pub fn draw<T>(&mut self, items: &mut [T], n: usize) {
        for at in 0..n.min(items.len()) {
            let other = at + self.below(items.len() - at);
            items.swap(at, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_in_every_release() {
        let mut chance = Chance::new(7, 0);
        let drawn: Vec<usize> = (0..6).map(|_| chance.below(1000)).collect();
        assert_eq!(drawn, [764, 465, 5, 301, 386, 336]);
        assert_ne!(Chance::new(7, 1).below(1 << 40), Chance::new(7, 0).below(1 << 40));
    }

    #[test]
    fn the_distributions_have_their_moments() {
        let mut chance = Chance::new(1, 0);
        let moments = |draw: &mut dyn FnMut() -> f64| {
            let drawn: Vec<f64> = (0..20_000).map(|_| draw()).collect();
            let mean = drawn.iter().sum::<f64>() / 20_000.0;
            (mean, drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0)
        };
        let near = |(mean, variance): (f64, f64), expected: (f64, f64)| {
            assert!((mean - expected.0).abs() < 0.03, "{mean}");
            assert!((variance - expected.1).abs() < 0.05, "{variance}");
        };
        near(moments(&mut || chance.normal()), (0.0, 1.0));
        near(moments(&mut || f64::from(chance.poisson())), (1.0, 1.0));
        near(moments(&mut || chance.uniform()), (0.5, 1.0 / 12.0));
    }

    #[test]
    fn a_draw_takes_every_item_equally_often() {
        let mut chance = Chance::new(1, 0);
        let mut taken = [0_u32; 5];
        for _ in 0..5_000 {
            let mut items = [0, 1, 2, 3, 4];
            chance.draw(&mut items, 2);
            items[..2].iter().for_each(|item| taken[*item] += 1);
        }
        assert!(taken.iter().all(|times| (1_850..2_150).contains(times)), "{taken:?}");
    }
}
