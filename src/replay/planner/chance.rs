//! Chance that is the same on every machine and in every release.
//!
//! ChaCha8 is a published algorithm with test vectors, seeded here byte by byte, and `libm`
//! computes the logarithms and powers in software: the system's own may differ in the last bit.
//! What is drawn in which order is part of the plan format. Must not know: what it is for.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// A stream of random numbers.
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of `seed`.
    pub(super) fn seeded(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Between 0 and 1, neither of them included.
    fn uniform(&mut self) -> f64 {
        const STEPS: f64 = (1_u64 << 52) as f64;
        ((self.0.next_u64() >> 12) as f64 + 0.5) / STEPS
    }

    /// Of the exponential distribution with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// Of the gamma distribution with that shape and mean 1.
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.uniform(), shape.recip());
            return self.gamma_from_1(shape + 1.0) * boost / shape;
        }
        self.gamma_from_1(shape) / shape
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

    /// Of the standard normal distribution (Marsaglia's polar method).
    fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                return x * (-2.0 * libm::log(square) / square).sqrt();
            }
        }
    }
}
