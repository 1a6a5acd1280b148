//! Copies of the Arrow batches of users that are made ready to be sent: how many bytes of them there may be.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::write::BucketNumber;

/// Share of the write buffer that they may take together, as a divisor. Each bucket may have one whatever the others
/// have.
const SHARE: usize = 8;

/// The copies of all buckets.
#[derive(Debug)]
pub(super) struct Copies {
    bytes: Arc<AtomicUsize>,
    most: usize,
    /// Buckets with batches whose turn is near, and for which there is no room.
    waiting: VecDeque<BucketNumber>,
}

/// One copy, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Copied {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Copies {
    /// For a write buffer of this many bytes.
    pub(super) fn new(buffer: usize) -> Self {
        Self {
            bytes: Arc::default(),
            most: buffer / SHARE,
            waiting: VecDeque::new(),
        }
    }

    /// Counts a copy if there is room for it, or if it is the one that its bucket has in any case.
    pub(super) fn add(&self, bytes: usize, is_first: bool) -> Option<Copied> {
        if !is_first && self.bytes.load(Ordering::Relaxed) + bytes > self.most {
            return None;
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Some(Copied {
            all: Arc::clone(&self.bytes),
            bytes,
        })
    }

    /// The bucket wants to be notified of room.
    pub(super) fn wait(&mut self, bucket: BucketNumber) {
        if !self.waiting.contains(&bucket) {
            self.waiting.push_back(bucket);
        }
    }

    /// The buckets that wait, first come first served; none while there is no room at all. Those that still find none
    /// wait again.
    pub(super) fn take_waiting(&mut self) -> VecDeque<BucketNumber> {
        if self.bytes.load(Ordering::Relaxed) < self.most {
            std::mem::take(&mut self.waiting)
        } else {
            VecDeque::new()
        }
    }
}

impl Copied {
    /// It now takes this many bytes, which are fewer.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let freed = self.bytes.saturating_sub(bytes);
        self.all.fetch_sub(freed, Ordering::Relaxed);
        self.bytes -= freed;
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_stay_within_their_share_but_for_the_first_of_each_bucket() {
        let mut copies = Copies::new(100 * SHARE);
        let held: Vec<_> = [(60, true), (60, true), (1, false), (90, true)]
            .into_iter()
            .map(|(bytes, is_first)| copies.add(bytes, is_first))
            .collect();
        let found: Vec<_> = held.iter().map(Option::is_some).collect();
        assert_eq!(found, [true, true, false, true]);
        copies.wait(7);
        copies.wait(8);
        copies.wait(7);
        assert!(copies.take_waiting().is_empty(), "there is no room");
        drop(held);
        assert_eq!(copies.take_waiting(), [7, 8]);
        assert!(copies.take_waiting().is_empty());
        let mut small = copies.add(100, false).unwrap();
        assert!(copies.add(50, false).is_none());
        small.shrink(50);
        small.shrink(70);
        assert!(copies.add(50, false).is_some());
    }
}
