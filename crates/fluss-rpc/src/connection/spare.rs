//! Reuses the memory of large frames that are no longer in use. A scan receives megabytes again and again, and
//! allocating them each time costs more than reading them.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

/// Minimum size of frames whose memory is reused.
pub(super) const LARGE: usize = 64 * 1024;
/// Maximum total size of tracked frames. Tracking a frame that is in use takes no extra memory.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Unused memory is freed after this long without a large frame.
const KEPT: Duration = Duration::from_secs(1);

/// The most recent large frames.
#[derive(Debug, Default)]
pub(super) struct Spares {
    lent: VecDeque<Bytes>,
    bytes: usize,
    last_lent: Option<Instant>,
}

impl Spares {
    /// Tracks a frame that is passed on.
    pub(super) fn lend(&mut self, frame: &Bytes, now: Instant) {
        self.bytes += frame.len();
        self.lent.push_back(frame.clone());
        self.last_lent = Some(now);
        while self.bytes > MAX_BYTES && self.forget_first().is_some() {}
    }

    /// Returns empty memory with room for `wanted` bytes from a frame that is no longer in use. Smaller ones are freed.
    pub(super) fn take(&mut self, wanted: usize) -> Option<BytesMut> {
        for _ in 0..self.lent.len() {
            let frame = self.forget_first()?;
            match frame.try_into_mut() {
                Ok(mut memory) => {
                    memory.clear();
                    if memory.try_reclaim(wanted) {
                        return Some(memory);
                    }
                }
                Err(held) => {
                    self.bytes += held.len();
                    self.lent.push_back(held);
                }
            }
        }
        None
    }

    /// When unused memory will be freed, if there is any.
    pub(super) fn release_at(&self) -> Option<Instant> {
        self.last_lent.map(|last| last + KEPT)
    }

    /// Frees memory that has not been used for a while.
    pub(super) fn release(&mut self, now: Instant) {
        if self.release_at().is_some_and(|at| at <= now) {
            *self = Self::default();
        }
    }

    fn forget_first(&mut self) -> Option<Bytes> {
        let frame = self.lent.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Bytes {
        let mut memory = BytesMut::with_capacity(length + 4);
        memory.resize(length + 4, 7);
        memory.split_off(4).freeze()
    }

    #[test]
    fn memory_is_used_again_only_when_nobody_holds_the_frame() {
        let mut spares = Spares::default();
        let (held, dropped) = (frame(1000), frame(1000));
        let at = dropped.as_ptr() as usize;
        let now = Instant::now();
        spares.lend(&held, now);
        spares.lend(&dropped, now);
        let part = dropped.slice(10..20);
        drop(dropped);
        assert!(spares.take(1000).is_none(), "a slice holds the frame");
        drop(part);
        let memory = spares.take(1004).unwrap();
        assert!(memory.is_empty() && memory.capacity() >= 1004);
        assert!((at - 4..=at).contains(&(memory.as_ptr() as usize)));
        assert!(spares.take(1).is_none(), "the other one is held");
        assert!(held.iter().all(|byte| *byte == 7));
    }

    #[test]
    fn memory_too_small_for_the_frames_of_now_is_given_back() {
        let mut spares = Spares::default();
        spares.lend(&frame(1000), Instant::now());
        assert!(spares.take(5000).is_none());
        assert_eq!((spares.lent.len(), spares.bytes), (0, 0));
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes_and_time() {
        let mut spares = Spares::default();
        let now = Instant::now();
        for _ in 0..5 {
            spares.lend(&frame(MAX_BYTES / 4), now);
        }
        assert_eq!((spares.lent.len(), spares.bytes), (4, MAX_BYTES));
        spares.lend(&frame(2 * MAX_BYTES), now);
        assert_eq!((spares.lent.len(), spares.bytes), (0, 0));

        spares.lend(&frame(10), now);
        spares.release(now + KEPT - Duration::from_millis(1));
        assert_eq!(spares.lent.len(), 1);
        spares.release(now + KEPT);
        assert_eq!((spares.lent.len(), spares.release_at()), (0, None));
    }
}
