//! When to try again: pauses that grow, with jitter, up to a deadline. Pure: time and chance are passed in.

use std::time::Duration;

/// How long to pause between attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Pause after the first failure.
    pub initial: Duration,
    /// Longest pause.
    pub max: Duration,
    /// Share of the pause that chance may add or take, 0 to 1.
    pub jitter: f64,
    /// Most attempts.
    pub max_attempts: u32,
}

impl RetryPolicy {
    /// For dials: 50 ms to 1 s.
    pub const DIAL: Self = Self {
        initial: Duration::from_millis(50),
        max: Duration::from_secs(1),
        jitter: 0.2,
        max_attempts: u32::MAX,
    };
    /// For calls: 20 ms to 1 s.
    pub const CALL: Self = Self {
        initial: Duration::from_millis(20),
        max: Duration::from_secs(1),
        jitter: 0.2,
        max_attempts: 64,
    };
    /// For authentication that the server wants repeated: 100 ms to 5 s. Source: `ServerConnection.java`.
    pub const AUTHENTICATION: Self = Self {
        initial: Duration::from_millis(100),
        max: Duration::from_secs(5),
        jitter: 0.2,
        max_attempts: 32,
    };

    /// The pause after `failures` failures in a row, 1 or more. `chance` is a random number from 0 to 1.
    pub fn pause(&self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let base = self.initial.saturating_mul(1 << doublings).min(self.max);
        base.mul_f64(1.0 + self.jitter * (chance.clamp(0.0, 1.0) * 2.0 - 1.0))
    }

    /// The pause before the next attempt, or `None` when the budget or the time left ends here.
    pub fn next_pause(&self, failures: u32, chance: f64, left: Duration) -> Option<Duration> {
        let pause = self.pause(failures, chance);
        (failures < self.max_attempts && pause < left).then_some(pause)
    }
}

/// A random number from 0 to 1, good enough to spread pauses.
pub(crate) fn chance() -> f64 {
    use std::collections::hash_map::RandomState;
    use std::hash::BuildHasher;
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A random number below `bound`.
pub(crate) fn random_below(bound: usize) -> usize {
    ((chance() * bound as f64) as usize).min(bound.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_around_it() {
        let policy = RetryPolicy::DIAL;
        let cases = [
            (1, 0.5, 50),
            (2, 0.5, 100),
            (5, 0.5, 800),
            (6, 0.5, 1000),
            (4000, 0.5, 1000),
            (1, 0.0, 40),
            (1, 1.0, 60),
        ];
        for (failures, chance, millis) in cases {
            assert_eq!(
                policy.pause(failures, chance).as_millis(),
                millis,
                "{failures} {chance}"
            );
        }
    }

    #[test]
    fn the_deadline_and_the_budget_end_it() {
        let policy = RetryPolicy {
            max_attempts: 3,
            ..RetryPolicy::CALL
        };
        assert!(policy.next_pause(2, 0.5, Duration::from_secs(1)).is_some());
        assert!(policy.next_pause(3, 0.5, Duration::from_secs(1)).is_none());
        assert!(
            policy
                .next_pause(1, 0.5, Duration::from_millis(5))
                .is_none()
        );
    }
}
