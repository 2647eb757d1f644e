//! Randomness as a function: the same seed, purpose and number give the same draw, whatever was drawn before.
//!
//! Dropping one event from a simulated run therefore leaves every other draw as it was, and a failing run shrinks.

use sha2::{Digest, Sha256};

/// A stream of draws that depends on nothing but its seed and the names it is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    seed: u64,
}

impl Draw {
    /// All draws of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A number over the whole range of `u64`.
    #[must_use]
    pub fn number(self, purpose: &str, n: u64) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(n.to_le_bytes());
        hash.update(purpose.as_bytes());
        let bytes: [u8; 32] = hash.finalize().into();
        bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A number below `bound`; 0 when `bound` is 0.
    #[must_use]
    pub fn below(self, bound: u64, purpose: &str, n: u64) -> u64 {
        // The high half of a 128-bit product: uniform to one part in 2^64 / bound.
        ((u128::from(self.number(purpose, n)) * u128::from(bound)) >> 64) as u64
    }

    /// True in `per_mille` of 1 000 draws.
    #[must_use]
    pub fn chance(self, per_mille: u32, purpose: &str, n: u64) -> bool {
        self.below(1000, purpose, n) < u64::from(per_mille)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_its_names_alone() {
        let draw = Draw::new(7);
        assert_eq!(draw.number("fault", 3), Draw::new(7).number("fault", 3));
        assert_ne!(draw.number("fault", 3), draw.number("fault", 4));
        assert_ne!(draw.number("fault", 3), draw.number("delay", 3));
        assert_ne!(draw.number("fault", 3), Draw::new(8).number("fault", 3));
    }

    #[test]
    fn chances_come_out_as_asked() {
        let hits = (0..10_000).filter(|n| Draw::new(1).chance(50, "lost", *n)).count();
        assert!((400..600).contains(&hits), "{hits}");
    }
}
