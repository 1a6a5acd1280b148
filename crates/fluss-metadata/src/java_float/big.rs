//! Whole numbers of any size, with the operations needed to find digits.

use std::cmp::Ordering;

/// A non-negative whole number in 32-bit limbs, the lowest first, without trailing zero limbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Big {
    limbs: Vec<u32>,
}

impl Big {
    pub(super) fn new(value: u64) -> Self {
        let mut big = Self {
            limbs: vec![value as u32, (value >> 32) as u32],
        };
        big.trim();
        big
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    pub(super) fn times(mut self, factor: u32) -> Self {
        let mut carry = 0;
        for limb in &mut self.limbs {
            let product = u64::from(*limb) * u64::from(factor) + carry;
            *limb = product as u32;
            carry = product >> 32;
        }
        self.limbs.push(carry as u32);
        self.trim();
        self
    }

    pub(super) fn times_power_of_5(mut self, mut power: u32) -> Self {
        const STEP: u32 = 13;
        while power > 0 {
            let step = power.min(STEP);
            self = self.times(5_u32.pow(step));
            power -= step;
        }
        self
    }

    pub(super) fn shifted(mut self, bits: u32) -> Self {
        // A power of two below 2^32 at a time, then whole limbs.
        self = self.times(1 << (bits % 32));
        let mut limbs = vec![0; (bits / 32) as usize];
        limbs.append(&mut self.limbs);
        self.limbs = limbs;
        self.trim();
        self
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let length = self.limbs.len().max(other.limbs.len());
        let mut carry = 0;
        let mut limbs = Vec::with_capacity(length + 1);
        for at in 0..length {
            let limb = |big: &Self| u64::from(big.limbs.get(at).copied().unwrap_or(0));
            let sum = limb(self) + limb(other) + carry;
            limbs.push(sum as u32);
            carry = sum >> 32;
        }
        limbs.push(carry as u32);
        let mut sum = Self { limbs };
        sum.trim();
        sum
    }

    /// Subtracts `other`, which must not be larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = 0;
        for (at, limb) in self.limbs.iter_mut().enumerate() {
            let taken = i64::from(other.limbs.get(at).copied().unwrap_or(0)) + borrow;
            let rest = i64::from(*limb) - taken;
            *limb = rest as u32;
            borrow = i64::from(rest < 0);
        }
        self.trim();
    }

    /// Divides by `divisor`, keeps the remainder, and returns the quotient, which must be small.
    pub(super) fn divide(&mut self, divisor: &Self) -> u32 {
        let mut quotient = 0;
        while *self >= *divisor {
            self.subtract(divisor);
            quotient += 1;
        }
        quotient
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Big {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_length = self.limbs.len().cmp(&other.limbs.len());
        by_length.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_agrees_with_128_bits() {
        let wide = |value: u128| {
            Big::new((value >> 64) as u64)
                .shifted(64)
                .plus(&Big::new(value as u64))
        };
        let (a, b) = (0xdead_beef_0123_4567_89ab_cdef_u128, 0xffff_ffff_ffff_u128);
        assert_eq!(wide(a).plus(&wide(b)), wide(a + b));
        assert_eq!(wide(b).times_power_of_5(20), wide(b * 5_u128.pow(20)));
        assert_eq!(wide(b).shifted(33), wide(b << 33));
        let mut rest = wide(b * 7 + 5);
        assert_eq!(rest.divide(&wide(b)), 7);
        assert_eq!(rest, wide(5));
        assert!(wide(a) > wide(b));
        assert_eq!(Big::new(0).shifted(70), Big::new(0));
    }
}
