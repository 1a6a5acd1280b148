//! Growing, jittered pauses between repetitions.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);
/// Doublings after which a pause has its full length.
const MAX_DOUBLINGS: u32 = 6;

/// A source of pauses. Its randomness is a seed passed in, so that tests are exact.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    state: u64,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        // A zero state would stay zero.
        Self { state: seed | 1 }
    }

    /// The pause before repetition number `failures` (1 for the first): 20 ms doubled each time up to 1 s, of which the second half is
    /// random.
    pub(crate) fn pause(&mut self, failures: u32) -> Duration {
        let full = FIRST
            .saturating_mul(1 << failures.saturating_sub(1).min(MAX_DOUBLINGS))
            .min(LONGEST);
        let half = full / 2;
        half + half.mul_f64(self.fraction())
    }

    /// A number in `[0, 1)` (xorshift64*).
    pub(crate) fn fraction(&mut self) -> f64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_half_of_each_is_random() {
        let mut backoff = Backoff::new(7);
        let cases = [
            (1, 20),
            (2, 40),
            (3, 80),
            (6, 640),
            (7, 1000),
            (8, 1000),
            (u32::MAX, 1000),
        ];
        for (failures, full) in cases {
            for _ in 0..100 {
                let pause = backoff.pause(failures);
                let full = Duration::from_millis(full);
                assert!(pause >= full / 2 && pause <= full, "{failures}: {pause:?}");
            }
        }
    }
}
