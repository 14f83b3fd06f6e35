//! The one source of chance.
//!
//! Must not know: what is drawn. Not for secrets: keys and tokens need the system's own.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A lock-free SplitMix64 stream (Steele, Lea, Flood 2014), seedable for tests.
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    /// A stream that always yields the same numbers for the same seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A stream that differs from process to process.
    pub fn from_system() -> Self {
        // The standard library seeds its hash maps from the system's randomness.
        Self::seeded(RandomState::new().build_hasher().finish())
    }

    /// 64 random bits.
    pub fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, or 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        // Lemire's multiply-shift; its bias below 2^-32 does not matter for balancing.
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_a_bound_holds() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        assert!((0..100).all(|_| a.next_u64() == b.next_u64()));
        assert!((0..1000).all(|_| a.below(3) < 3));
        assert_eq!(a.below(0), 0);
    }
}
