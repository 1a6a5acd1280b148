//! Whether a server ends a fetch that it holds when a row comes.

use std::time::Duration;

/// Answers in a row, or nearly so, that must say the same.
const SURE: i8 = 2;
/// Sooner than this an answer may be one that was there when it was asked for.
const LEAST_HELD: Duration = Duration::from_millis(20);

/// What is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waking(i8);

impl Waking {
    /// Before anything is learned: servers do it when followers have fetched what came, so with several replicas.
    pub(super) fn new(replicated: bool) -> Self {
        Self(if replicated { SURE } else { -SURE })
    }

    pub(super) fn wakes(self) -> bool {
        self.0 > 0
    }

    /// Takes in that a fetch which might be held for `wait` brought rows after it `took` so long.
    pub(super) fn on_news(&mut self, wait: Duration, took: Duration) {
        if took >= wait {
            self.0 = (self.0 - SURE / 2).max(-SURE);
        } else if took > (wait / 5).max(LEAST_HELD) && took < wait / 5 * 4 {
            self.0 = (self.0 + SURE / 2).min(SURE);
        }
        if self.0 == 0 {
            // Two that say the same have outweighed what was known.
            self.0 = if took >= wait { -1 } else { 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(500);

    fn after(waking: &mut Waking, millis: u64) -> bool {
        waking.on_news(WAIT, Duration::from_millis(millis));
        waking.wakes()
    }

    #[test]
    fn two_answers_outweigh_what_was_known_and_one_does_not() {
        let mut waking = Waking::new(true);
        assert!(waking.wakes());
        assert!(after(&mut waking, 500));
        assert!(after(&mut waking, 200));
        assert!(after(&mut waking, 501));
        assert!(!after(&mut waking, 500));
        assert!(!after(&mut waking, 500));
        assert!(!after(&mut waking, 200));
        assert!(after(&mut waking, 200));
    }

    #[test]
    fn an_answer_that_was_there_at_once_or_nearly_at_the_end_says_nothing() {
        let mut waking = Waking::new(false);
        for millis in [0, 1, 19, 90, 450, 499] {
            assert!(!after(&mut waking, millis));
        }
    }
}
