//! Chance that is the same on every machine and in every release: the same plan and the same
//! runs always come to the same.
//!
//! ChaCha with 8 rounds is a published algorithm with test vectors, keyed here with the seed,
//! byte by byte, and `libm` computes logarithms and powers in software: the system's own may
//! differ in the last bit. What is drawn in which order is part of the plan format. Must not
//! know: what is drawn for.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// What a stream of random numbers is for. Streams of one seed are independent. Their numbers do
/// not change: plans and verdicts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// The instants of a plan.
    Arrivals = 0,
    /// Simulated comparisons.
    Power = 1,
    /// Orders of runs that a drift is compared with.
    Drift = 2,
    /// Runs dealt to two arms.
    Deals = 3,
    /// Which arm comes first.
    Order = 4,
    /// Relabellings of runs.
    Relabelling = 5,
    /// Worlds that tests make up.
    #[cfg(test)]
    Simulation = 9,
    /// Answers dealt to two arms.
    Panels = 10,
    /// How often a request counts in each drawing.
    Lots = 11,
}

/// A stream of random numbers.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// That stream of that seed.
    pub fn new(seed: u64, stream: Stream) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream as u64);
        Self(rng)
    }

    /// Evenly from `0..n`; 0 where that is empty.
    pub fn below(&mut self, n: usize) -> usize {
        // Off by less than n / 2^64.
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Evenly between 0 and 1, neither of them included.
    pub fn uniform(&mut self) -> f64 {
        const STEPS: f64 = (1_u64 << 52) as f64;
        ((self.0.next_u64() >> 12) as f64 + 0.5) / STEPS
    }

    /// From the exponential distribution with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// From the gamma distribution with that shape and mean 1.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.uniform(), shape.recip());
            return self.gamma_from_1(shape + 1.0) * boost / shape;
        }
        self.gamma_from_1(shape) / shape
    }

    /// From the standard normal distribution (Marsaglia's polar method).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                return x * (-2.0 * libm::log(square) / square).sqrt();
            }
        }
    }

    /// From the Poisson distribution with mean 1, cut at 8: more comes once in a million.
    pub fn poisson(&mut self) -> u8 {
        let mut left = self.uniform();
        let mut share = std::f64::consts::E.recip();
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

    /// With scale 1, for shapes from 1 (Marsaglia and Tsang, ACM TOMS 26(3), 2000).
    fn gamma_from_1(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = (9.0 * d).sqrt().recip();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            let v = root * root * root;
            let u = self.uniform();
            if root > 0.0 && libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_in_every_release() {
        let mut chance = Chance::new(7, Stream::Arrivals);
        let drawn: Vec<usize> = (0..6).map(|_| chance.below(1000)).collect();
        assert_eq!(drawn, [764, 465, 5, 301, 386, 336]);
        let other = Chance::new(7, Stream::Power).below(1 << 40);
        assert_ne!(other, Chance::new(7, Stream::Arrivals).below(1 << 40));
    }

    #[test]
    fn the_distributions_have_their_moments() {
        let mut chance = Chance::new(1, Stream::Simulation);
        let moments = |draw: &mut dyn FnMut() -> f64| {
            let drawn: Vec<f64> = (0..20_000).map(|_| draw()).collect();
            let mean = drawn.iter().sum::<f64>() / 20_000.0;
            (mean, drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0)
        };
        let near = |(mean, variance): (f64, f64), expected: (f64, f64)| {
            assert!((mean - expected.0).abs() < 0.03, "{mean}");
            assert!((variance - expected.1).abs() < 0.06, "{variance}");
        };
        near(moments(&mut || chance.normal()), (0.0, 1.0));
        near(moments(&mut || f64::from(chance.poisson())), (1.0, 1.0));
        near(moments(&mut || chance.uniform()), (0.5, 1.0 / 12.0));
        near(moments(&mut || chance.exponential()), (1.0, 1.0));
        near(moments(&mut || chance.gamma(4.0)), (1.0, 0.25));
    }

    #[test]
    fn a_draw_takes_every_item_equally_often() {
        let mut chance = Chance::new(1, Stream::Simulation);
        let mut taken = [0_u32; 5];
        for _ in 0..5_000 {
            let mut items = [0, 1, 2, 3, 4];
            chance.draw(&mut items, 2);
            items[..2].iter().for_each(|item| taken[*item] += 1);
        }
        assert!(taken.iter().all(|times| (1_850..2_150).contains(times)), "{taken:?}");
    }
}
