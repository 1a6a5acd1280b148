//! Learns which buffers of a table a fast level compresses as well as the table's level.
//!
//! A higher level spends its effort on finding repetitions. Numbers and distinct short strings have none. There it is
//! no better than the fastest level, and sometimes worse, for several times the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Smaller buffers are compressed at the level of the table: there is nothing to be won.
pub(super) const LEAST_BYTES: usize = 2048;
/// A buffer is tried at both levels once in so many batches.
const TRIED_EVERY: u8 = 64;
/// Share of the size that a quick result may be larger by, as a divisor.
const TOLERANCE: usize = 128;

const QUICK: u8 = 0x80;

/// How a buffer is to be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// At the level of the table.
    Full,
    /// At the quickest level.
    Quick,
    /// At both: the better result is taken.
    Both,
}

/// For each buffer of a message, in its order: batches until it is tried again, and with [`QUICK`] that the quick
/// level will do. Shared by all that build batches of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Habits(Arc<[AtomicU8]>);

impl Habits {
    /// Of messages of so many buffers.
    pub(crate) fn new(buffers: usize) -> Self {
        Self((0..buffers).map(|_| AtomicU8::new(0)).collect())
    }

    /// What to do with the next buffer at this place.
    pub(super) fn effort(&self, place: usize) -> Effort {
        let Some(habit) = self.0.get(place) else {
            return Effort::Full;
        };
        // Two threads that build batches at once may both try, or one step be lost: no harm.
        let seen = habit.load(Ordering::Relaxed);
        if seen & !QUICK == 0 {
            return Effort::Both;
        }
        habit.store(seen - 1, Ordering::Relaxed);
        if seen & QUICK == 0 {
            Effort::Full
        } else {
            Effort::Quick
        }
    }

    /// Learns from the sizes at both levels. Returns whether the quick result is to be taken.
    pub(super) fn learn(&self, place: usize, full: usize, quick: usize) -> bool {
        let will_do = quick <= full + full / TOLERANCE;
        if let Some(habit) = self.0.get(place) {
            let habit_of = TRIED_EVERY - 1;
            habit.store(
                if will_do { QUICK | habit_of } else { habit_of },
                Ordering::Relaxed,
            );
        }
        will_do
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_tried_first_and_again_after_as_many_batches() {
        let habits = Habits::new(2);
        for (quick, then) in [
            (100, Effort::Quick),
            (102, Effort::Full),
            (90, Effort::Quick),
        ] {
            assert_eq!(habits.effort(1), Effort::Both);
            assert_eq!(habits.learn(1, 100, quick), then == Effort::Quick);
            for _ in 1..TRIED_EVERY {
                assert_eq!(habits.effort(1), then);
            }
        }
        assert_eq!(habits.effort(0), Effort::Both, "each buffer for itself");
        assert_eq!(habits.effort(2), Effort::Full, "of no message of the table");
    }

    #[test]
    fn a_quick_result_may_be_larger_by_less_than_a_hundredth() {
        let habits = Habits::new(1);
        assert!(habits.learn(0, 128_000, 129_000));
        assert!(!habits.learn(0, 128_000, 129_001));
    }
}
