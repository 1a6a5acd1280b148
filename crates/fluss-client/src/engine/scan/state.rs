//! The scanner as a whole: its subscriptions, and what was counted of them.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use fluss_metadata::TableBucket;

use super::bucket::{Bucket, Chunk, Phase};
use super::start::StartOffset;
use super::tail::Tail;
use super::watch::Watches;
use crate::error::Error;

/// The bounds that the configuration sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) fetch_max_bytes: usize,
    pub(crate) bucket_max_bytes: usize,
    /// Of a remote segment at once.
    pub(crate) remote_max_bytes: usize,
    pub(crate) prefetch_max_bytes: usize,
    pub(crate) max_poll_records: usize,
    pub(crate) tail: Tail,
}

/// All subscriptions of one scanner.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own, and they combine freely"
)]
pub(crate) struct ScanEngine<C> {
    pub(super) limits: Limits,
    pub(super) buckets: HashMap<TableBucket, Bucket<C>>,
    /// The buckets in the order of asking, rotated by every plan, without those that watches look after.
    pub(super) order: VecDeque<TableBucket>,
    /// The buckets that have rows or a failure at the front.
    pub(super) ready: VecDeque<TableBucket>,
    /// Bytes of all buckets, with those that decoding added.
    pub(super) buffered_bytes: usize,
    pub(super) reserved_bytes: usize,
    /// About how much a bucket brings that shares a request.
    pub(super) usual_bytes: usize,
    /// The buckets that are at their end.
    pub(super) watches: Watches,
    /// Whether a bucket is gone and not yet forgotten.
    pub(super) closing: bool,
    next_id: u64,
    /// Before when no bucket can have failed for long.
    pub(super) failures_due: Option<Instant>,
    /// Whether buckets may still be found that are to be read.
    discovering: bool,
    /// Whether every bucket was given an end.
    pub(super) bounded: bool,
    /// Whether room came free, or a subscription changed, since the last plan.
    pub(super) plan_is_due: bool,
}

impl<C: Chunk> ScanEngine<C> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            buckets: HashMap::new(),
            order: VecDeque::new(),
            ready: VecDeque::new(),
            buffered_bytes: 0,
            reserved_bytes: 0,
            usual_bytes: limits.bucket_max_bytes / 8,
            watches: Watches::default(),
            closing: false,
            next_id: 0,
            failures_due: None,
            discovering: false,
            bounded: false,
            plan_is_due: false,
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Starts or restarts reading a bucket. What was buffered of it is discarded.
    pub(crate) fn subscribe(&mut self, bucket: TableBucket, start: StartOffset) {
        self.unsubscribe(&bucket);
        let generation = self.next_id();
        self.bounded = false;
        self.buckets.insert(bucket, Bucket::new(generation, start));
        self.order.push_back(bucket);
        self.plan_is_due = true;
    }

    /// As [`subscribe`](Self::subscribe), because the whole table is read.
    pub(crate) fn subscribe_of_table(&mut self, bucket: TableBucket, start: StartOffset) {
        self.subscribe(bucket, start);
        if let Some(state) = self.buckets.get_mut(&bucket) {
            state.of_table = true;
        }
    }

    /// Ends reading a bucket. Returns whether it was being read.
    pub(crate) fn unsubscribe(&mut self, bucket: &TableBucket) -> bool {
        let Some(old) = self.buckets.remove(bucket) else {
            return false;
        };
        let buffered = old.buffered_bytes + old.unpacked_bytes;
        self.buffered_bytes = self.buffered_bytes.saturating_sub(buffered);
        self.reserved_bytes = self.reserved_bytes.saturating_sub(old.reserved_bytes);
        self.watches.changed = true;
        self.order.retain(|other| other != bucket);
        self.ready.retain(|other| other != bucket);
        self.plan_is_due = true;
        true
    }

    /// Whether there is nothing to wait for.
    pub(crate) fn is_empty(&self) -> bool {
        self.buckets.is_empty() && !self.discovering
    }

    /// Takes in whether buckets may still be found that are to be read.
    pub(crate) fn set_discovering(&mut self, discovering: bool) {
        self.discovering = discovering;
    }

    pub(crate) fn is_discovering(&self) -> bool {
        self.discovering
    }

    /// Offset after the last returned row, including empty batches after it.
    pub(crate) fn position(&self, bucket: &TableBucket) -> Option<i64> {
        self.buckets.get(bucket).map(|bucket| bucket.consumed)
    }

    /// Like [`position`](Self::position), for a poll that returns it.
    pub(crate) fn tell_position(&mut self, bucket: &TableBucket) -> Option<i64> {
        let state = self.buckets.get_mut(bucket)?;
        state.told = state.consumed;
        Some(state.told)
    }

    /// The buckets that advanced without rows since a poll last reported them, and how far.
    pub(crate) fn tell_progress(&mut self) -> Vec<(TableBucket, i64)> {
        let moved = self
            .buckets
            .iter_mut()
            .filter(|(_, state)| state.consumed > state.told);
        let mut progress: Vec<_> = moved
            .map(|(bucket, state)| {
                state.told = state.consumed;
                (*bucket, state.told)
            })
            .collect();
        progress.sort_unstable();
        progress
    }

    /// All buckets that are read, in no particular order.
    pub(crate) fn subscribed(&self) -> impl Iterator<Item = &TableBucket> {
        self.buckets.keys()
    }

    /// Failures in a row of a bucket, for the pause before the next attempt.
    pub(crate) fn failures(&self, bucket: &TableBucket) -> u32 {
        self.buckets.get(bucket).map_or(0, |bucket| bucket.failures)
    }

    /// Whether a bucket stopped with an error.
    pub(crate) fn has_failed(&self, bucket: &TableBucket) -> bool {
        let state = self.buckets.get(bucket);
        state.is_some_and(|state| state.failure.is_some())
    }

    /// Stops a bucket: `poll` returns the error once the rows before it are handed out.
    pub(crate) fn fail(&mut self, bucket: &TableBucket, error: Error) {
        if let Some(state) = self.buckets.get_mut(bucket) {
            self.watches.changed |= state.phase == Phase::Watched;
            state.stop_with(error.of_bucket(*bucket), state.fetch_offset);
            self.mark_ready(bucket);
        }
    }

    /// Lets a bucket whose leader is not known rest until `until`.
    pub(crate) fn pause(
        &mut self,
        bucket: &TableBucket,
        until: Instant,
        error: Error,
        now: Instant,
    ) {
        if let Some(state) = self
            .buckets
            .get_mut(bucket)
            .filter(|state| matches!(state.phase, Phase::Idle | Phase::Until(_)))
        {
            state.rest(until, error, now);
        }
    }

    /// Whether there may be something new to plan since the last plan.
    pub(crate) fn plan_is_due(&self) -> bool {
        self.plan_is_due
    }
}
