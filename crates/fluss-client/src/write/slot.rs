//! The open batch of a bucket, behind one short lock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use fluss_metadata::{TableId, TablePath};

use super::batch::{ClosedBatch, OpenBatch};
use super::inbox::Inbox;
use super::rebucket::Rebucket;
use crate::engine::write::{Fill, SlotId, next_batch_size, next_bucket};
use crate::error::Error;

/// The buckets of a table without partitions, or of one partition.
#[derive(Debug)]
pub(crate) struct BucketGroup {
    pub(super) table_path: TablePath,
    pub(super) table_id: TableId,
    /// Name of the partition and the values that it is made of, in the order of the table's partition keys.
    pub(super) partition: Option<PartitionName>,
    pub(super) slots: Box<[Arc<BucketSlot>]>,
    sticky: AtomicU32,
    round: AtomicU32,
    /// Size at which batches are full; 0 for the largest.
    batch_size: AtomicUsize,
    /// Whether the cluster has not yet told how many buckets there are.
    is_tentative: AtomicBool,
}

/// The number of a bucket that has none.
const NO_ID: SlotId = SlotId::MAX;

/// The name of a partition.
#[derive(Debug, Clone)]
pub(crate) struct PartitionName {
    pub(super) name: Arc<str>,
    /// One value for each partition key.
    pub(super) values: Vec<String>,
}

/// One bucket as the appenders see it.
#[derive(Debug)]
pub(crate) struct BucketSlot {
    pub(super) bucket: u32,
    group: Weak<BucketGroup>,
    inbox: Arc<Inbox>,
    /// Its number in the engine, given by the sender, which alone looks at it; [`NO_ID`] as long as it has none.
    id: AtomicUsize,
    /// Whether it had a leader when the sender last looked.
    is_available: AtomicBool,
    state: Mutex<SlotState>,
}

#[derive(Debug, Default)]
pub(super) struct SlotState {
    pub(super) open: Option<OpenBatch>,
    /// Full batches that the sender has not taken yet, in order.
    pub(super) closed: VecDeque<ClosedBatch>,
    /// Why nothing can be written any more.
    pub(super) failed: Option<Error>,
    /// Its rows belong elsewhere: there are other buckets than was thought.
    pub(super) moved: Option<Arc<Rebucket>>,
}

impl BucketGroup {
    pub(super) fn new(
        table_path: TablePath,
        table_id: TableId,
        partition: Option<PartitionName>,
        buckets: u32,
        inbox: &Arc<Inbox>,
        first: u32,
        is_tentative: bool,
    ) -> Arc<Self> {
        Arc::new_cyclic(|group| Self {
            table_path,
            table_id,
            partition,
            slots: (0..buckets.max(1))
                .map(|bucket| {
                    Arc::new(BucketSlot::new(
                        bucket,
                        Weak::clone(group),
                        Arc::clone(inbox),
                    ))
                })
                .collect(),
            sticky: AtomicU32::new(first % buckets.max(1)),
            round: AtomicU32::new(first),
            batch_size: AtomicUsize::new(0),
            is_tentative: AtomicBool::new(is_tentative),
        })
    }

    /// Whether the rows may have to move to other buckets.
    pub(super) fn is_tentative(&self) -> bool {
        self.is_tentative.load(Ordering::Relaxed)
    }

    /// The cluster has told of as many buckets as there are here.
    pub(super) fn settle(&self) {
        self.is_tentative.store(false, Ordering::Relaxed);
    }

    /// Size at which batches are full now, if `most` is the largest.
    pub(super) fn batch_size(&self, most: usize) -> usize {
        match self.batch_size.load(Ordering::Relaxed) {
            0 => most,
            size => size.min(most),
        }
    }

    /// Learns from a batch of `sealed` bytes how large the next ones shall be.
    pub(super) fn learn_batch_size(&self, sealed: usize, fill: Fill, most: usize) {
        let next = next_batch_size(self.batch_size(most), sealed, fill, most);
        self.batch_size.store(next, Ordering::Relaxed);
    }

    /// The bucket that rows without a key go to until its batch is closed.
    #[inline]
    pub(super) fn sticky_bucket(&self) -> u32 {
        self.sticky.load(Ordering::Relaxed)
    }

    /// The bucket of the next row, going round.
    #[inline]
    pub(super) fn round_robin_bucket(&self) -> u32 {
        let buckets = self.slots.len() as u32;
        let turn = self.round.fetch_add(1, Ordering::Relaxed) % buckets;
        if self.is_available(turn) {
            turn
        } else {
            next_bucket(turn, buckets, |bucket| self.is_available(bucket))
        }
    }

    #[inline]
    fn is_available(&self, bucket: u32) -> bool {
        self.slots
            .get(bucket as usize)
            .is_some_and(|slot| slot.is_available.load(Ordering::Relaxed))
    }

    /// The batch of `bucket` was closed: rows without a key go to the next bucket.
    fn leave(&self, bucket: u32) {
        if self.sticky.load(Ordering::Relaxed) == bucket {
            let next = next_bucket(bucket, self.slots.len() as u32, |bucket| {
                self.is_available(bucket)
            });
            self.sticky.store(next, Ordering::Relaxed);
        }
    }
}

impl BucketSlot {
    fn new(bucket: u32, group: Weak<BucketGroup>, inbox: Arc<Inbox>) -> Self {
        Self {
            bucket,
            group,
            inbox,
            id: AtomicUsize::new(NO_ID),
            is_available: AtomicBool::new(true),
            state: Mutex::default(),
        }
    }

    /// Its number in the engine, if it has one.
    pub(super) fn id(&self) -> Option<SlotId> {
        Some(self.id.load(Ordering::Relaxed)).filter(|id| *id != NO_ID)
    }

    pub(super) fn set_id(&self, id: Option<SlotId>) {
        self.id.store(id.unwrap_or(NO_ID), Ordering::Relaxed);
    }

    /// Refuses rows from now on, if none are in it that the sender has not taken.
    pub(super) fn shut(&self, error: &Error) -> bool {
        let mut state = self.state();
        let is_empty = state.open.is_none() && state.closed.is_empty();
        if is_empty && state.failed.is_none() {
            state.failed = Some(error.clone());
        }
        is_empty
    }

    /// Takes rows again.
    pub(super) fn reopen(&self) {
        self.state().failed = None;
    }

    /// Whether no rows are in it that the sender has not taken.
    pub(super) fn is_empty(&self) -> bool {
        let state = self.state();
        state.open.is_none() && state.closed.is_empty()
    }

    /// The buckets it is one of.
    pub(super) fn group(&self) -> Option<Arc<BucketGroup>> {
        self.group.upgrade()
    }

    #[inline]
    pub(super) fn state(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_available(&self, is_available: bool) {
        // A plain load first: the flag is read per row by other threads and hardly ever changes.
        if self.is_available.load(Ordering::Relaxed) != is_available {
            self.is_available.store(is_available, Ordering::Relaxed);
        }
    }

    /// Rows without a key shall go to another bucket from now on.
    pub(super) fn leave(&self) {
        if let Some(group) = self.group() {
            group.leave(self.bucket);
        }
    }

    /// Closes the open batch, for the sender to take.
    pub(super) fn close_open(&self, state: &mut SlotState) {
        if let Some(open) = state.open.take() {
            if open.batch.rows() > 0 {
                state.closed.push_back(open.close());
            }
            self.leave();
        }
    }
}

impl BucketSlot {
    /// Asks the sender to look at this bucket.
    pub(super) fn want_attention(self: Arc<Self>) {
        let inbox = Arc::clone(&self.inbox);
        inbox.look_at(self);
    }

    /// Asks the sender to look at this bucket at `by` the latest.
    pub(super) fn want_attention_by(self: Arc<Self>, by: Instant) {
        let inbox = Arc::clone(&self.inbox);
        inbox.look_at_by(self, by);
    }
}
