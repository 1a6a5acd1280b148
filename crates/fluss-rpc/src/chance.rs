//! Random numbers for jitter and for choosing among equal servers. Not suitable for secrets.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A sequence of random numbers. Clones share it.
#[derive(Clone)]
pub struct Chance(Arc<AtomicU64>);

impl Chance {
    /// Creates a sequence from a seed, for reproducible tests.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    /// Returns the next number (`SplitMix64`).
    pub fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to 1.
    pub(crate) fn unit(&self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a number below `bound`.
    pub(crate) fn below(&self, bound: usize) -> usize {
        ((self.unit() * bound as f64) as usize).min(bound.saturating_sub(1))
    }
}

impl Default for Chance {
    /// Creates a randomly seeded sequence.
    fn default() -> Self {
        Self::seeded(RandomState::new().hash_one(0_u8))
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_each_time() {
        let draw = |seed| {
            let chance = Chance::seeded(seed);
            [chance.draw(), chance.clone().draw(), chance.draw()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let chance = Chance::default();
        assert!((0..1000).all(|_| chance.below(3) < 3));
        assert!((0..1000).any(|_| chance.below(3) == 2));
        assert_eq!(chance.below(0), 0);
    }
}
