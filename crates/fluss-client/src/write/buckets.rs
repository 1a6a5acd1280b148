//! The buckets of a partition that is written to, each with its open batch behind one short lock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fluss_metadata::{TableId, TableInfo, TablePath};

use super::batch::{Batch, ClosedBatch, OpenBatch};
use super::completion::Completion;
use super::doorbell::{Button, Doorbell};
use super::format::WriteFormat;
use super::memory::{Credit, Memory};
use crate::engine::write::{
    BucketNumber, ClosedBy, PartitionNumber, Urgency, next_batch_size, next_bucket,
};
use crate::error::{Error, Result};

/// The buckets of a table without partitions, or of one partition.
#[derive(Debug)]
pub(crate) struct PartitionBuckets {
    pub(super) table_path: TablePath,
    pub(super) table_id: TableId,
    /// The partition; `None` for a table without partitions.
    pub(super) partition: Option<PartitionName>,
    /// Number of the first bucket. The others follow.
    pub(super) number: PartitionNumber,
    writers: Box<[BucketWriter]>,
    sticky: AtomicU32,
    round: AtomicU32,
    /// Size at which batches are full; 0 for the largest.
    batch_size: AtomicUsize,
    /// Whether the number of buckets is a guess, because the cluster has not reported it yet.
    is_tentative: AtomicBool,
}

/// The name of a partition.
#[derive(Debug, Clone)]
pub(crate) struct PartitionName {
    pub(super) name: Arc<str>,
    /// One value for each partition key of the table.
    pub(super) values: Vec<String>,
}

/// One bucket.
#[derive(Debug)]
struct BucketWriter {
    button: Button,
    /// Whether it had a leader when the sender last looked.
    is_available: AtomicBool,
    state: Mutex<BucketState>,
}

#[derive(Debug, Default)]
struct BucketState {
    open: Option<OpenBatch>,
    /// Batches that the sender has not taken yet, in order.
    closed: VecDeque<ClosedBatch>,
    /// Why rows are rejected.
    failed: Option<Error>,
    /// The partition has other buckets than assumed, and the rows belong there.
    moved: Option<Arc<PartitionBuckets>>,
}

/// A bucket whose lock is held.
pub(super) struct LockedBucket<'a> {
    buckets: &'a PartitionBuckets,
    bucket: u32,
    writer: &'a BucketWriter,
    state: MutexGuard<'a, BucketState>,
    news: News,
}

/// What the sender has to learn of a bucket.
enum News {
    None,
    /// A batch was opened, and is due then.
    Opened(Instant),
    Closed,
}

impl PartitionBuckets {
    /// `count` buckets. The first rows without a key go to the bucket that the random number `first` selects, so that many clients with few
    /// rows do not all write to the same one.
    pub(super) fn new(
        info: &TableInfo,
        partition: Option<PartitionName>,
        count: i32,
        doorbell: &Arc<Doorbell>,
        first: u32,
    ) -> Self {
        let count = u32::try_from(count).unwrap_or(1).max(1);
        let (number, buttons) = doorbell.buttons(count as usize);
        let writer = |button| BucketWriter {
            button,
            is_available: AtomicBool::new(true),
            state: Mutex::default(),
        };
        Self {
            table_path: info.table_path().clone(),
            table_id: info.table_id(),
            partition,
            number,
            writers: buttons.map(writer).collect(),
            sticky: AtomicU32::new(first % count),
            round: AtomicU32::new(first),
            batch_size: AtomicUsize::new(0),
            is_tentative: AtomicBool::new(false),
        }
    }

    /// Marks the number of buckets as a guess: rows may have to move to other buckets.
    pub(super) fn tentative(self) -> Self {
        self.is_tentative.store(true, Ordering::Relaxed);
        self
    }

    pub(super) fn is_tentative(&self) -> bool {
        self.is_tentative.load(Ordering::Relaxed)
    }

    /// The cluster has confirmed the number of buckets.
    pub(super) fn settle(&self) {
        self.is_tentative.store(false, Ordering::Relaxed);
    }

    /// Whether one of the buckets has this number.
    pub(super) fn contains(&self, number: BucketNumber) -> bool {
        (self.number..self.number + self.writers.len()).contains(&number)
    }

    /// The number of buckets.
    #[inline]
    pub(super) fn count(&self) -> u32 {
        self.writers.len() as u32
    }

    /// Size at which batches are full now, if `most` is the largest.
    pub(super) fn batch_size(&self, most: usize) -> usize {
        match self.batch_size.load(Ordering::Relaxed) {
            0 => most,
            size => size.min(most),
        }
    }

    /// Adapts the size of the next batches to one of `sealed` bytes.
    pub(super) fn learn_batch_size(&self, sealed: usize, by: ClosedBy, most: usize) {
        let next = next_batch_size(self.batch_size(most), sealed, by, most);
        self.batch_size.store(next, Ordering::Relaxed);
    }

    /// The bucket that rows without a key go to until its batch is closed.
    #[inline]
    pub(super) fn sticky_bucket(&self) -> u32 {
        self.sticky.load(Ordering::Relaxed)
    }

    /// The bucket of the next row, round robin.
    #[inline]
    pub(super) fn round_robin_bucket(&self) -> u32 {
        let turn = self.round.fetch_add(1, Ordering::Relaxed) % self.count();
        if self.is_available(turn) {
            turn
        } else {
            self.next_bucket(turn)
        }
    }

    fn next_bucket(&self, bucket: u32) -> u32 {
        next_bucket(bucket, self.count(), |bucket| self.is_available(bucket))
    }

    #[inline]
    fn is_available(&self, bucket: u32) -> bool {
        self.writers
            .get(bucket as usize)
            .is_some_and(|writer| writer.is_available.load(Ordering::Relaxed))
    }

    pub(super) fn set_available(&self, bucket: u32, is_available: bool) {
        // A plain load first: other threads read the flag for each row, and it hardly ever changes.
        if let Some(writer) = self.writers.get(bucket as usize)
            && writer.is_available.load(Ordering::Relaxed) != is_available
        {
            writer.is_available.store(is_available, Ordering::Relaxed);
        }
    }

    /// Asks the sender to look at all buckets.
    pub(super) fn mark_ready(&self) {
        for writer in &self.writers {
            writer.button.press();
        }
    }

    /// Locks a bucket; `None` if there is no bucket of this index.
    #[inline]
    pub(super) fn lock(&self, bucket: u32) -> Option<LockedBucket<'_>> {
        let writer = self.writers.get(bucket as usize)?;
        Some(LockedBucket {
            buckets: self,
            bucket,
            writer,
            state: writer.state.lock().unwrap_or_else(PoisonError::into_inner),
            news: News::None,
        })
    }

    /// Locks the buckets one after another.
    pub(super) fn lock_each(&self) -> impl Iterator<Item = LockedBucket<'_>> {
        (0..self.count()).filter_map(|bucket| self.lock(bucket))
    }

    /// Fails the rows that the sender has not taken. Returns how many.
    pub(super) fn fail_batches(&self, error: &Error) -> u64 {
        let mut rows = 0;
        for mut bucket in self.lock_each() {
            bucket.close_open();
            let closed = bucket.take_closed();
            drop(bucket);
            for closed in closed {
                rows += u64::from(closed.batch.rows());
                closed.batch.fail(error.clone());
            }
        }
        rows
    }

    /// Fails the rows that the sender has not taken, and all that are written from now on. Returns how many were failed.
    pub(super) fn fail(&self, error: &Error) -> u64 {
        for mut bucket in self.lock_each() {
            bucket.state.failed = Some(error.clone());
        }
        self.fail_batches(error)
    }

    /// Whether the sender has taken all rows.
    pub(super) fn are_empty(&self) -> bool {
        self.lock_each().all(|bucket| bucket.is_empty())
    }

    /// Refuses rows from now on, unless some came that the sender has not taken. Returns whether it does.
    pub(super) fn shut(&self, error: &Error) -> bool {
        let is_shut = self.lock_each().all(|mut bucket| {
            let is_empty = bucket.is_empty();
            if is_empty {
                bucket.state.failed.get_or_insert_with(|| error.clone());
            }
            is_empty
        });
        if !is_shut {
            self.lock_each()
                .for_each(|mut bucket| bucket.state.failed = None);
        }
        is_shut
    }
}

impl LockedBucket<'_> {
    /// Why rows are rejected.
    pub(super) fn failed(&self) -> Option<&Error> {
        self.state.failed.as_ref()
    }

    /// The buckets that the rows belong to instead.
    pub(super) fn moved(&self) -> Option<&Arc<PartitionBuckets>> {
        self.state.moved.as_ref()
    }

    /// Rows belong to other buckets from now on.
    pub(super) fn set_moved(&mut self, to: &Arc<PartitionBuckets>) {
        self.state.moved = Some(Arc::clone(to));
    }

    #[inline]
    pub(super) fn open(&self) -> Option<&OpenBatch> {
        self.state.open.as_ref()
    }

    #[inline]
    pub(super) fn open_mut(&mut self) -> Option<&mut OpenBatch> {
        self.state.open.as_mut()
    }

    /// A batch without rows; awaiting one of its rows wakes the sender.
    pub(super) fn new_batch(
        &self,
        format: &Arc<WriteFormat>,
        credit: Credit,
        since: Instant,
    ) -> Batch {
        let completion = Completion::new(Some(self.writer.button.clone()));
        Batch::new(format, completion, credit, since)
    }

    /// Makes a batch the open one. `most` is the largest size of a batch.
    pub(super) fn set_open(&mut self, batch: Batch, most: usize, memory: &Memory) -> Result<()> {
        let batch_size = self.buckets.batch_size(most);
        self.state.open = Some(OpenBatch::new(batch, batch_size, memory)?);
        Ok(())
    }

    /// The sender should look at the new open batch at `due` the latest.
    pub(super) fn announce(&mut self, due: Instant) {
        if matches!(self.news, News::None) {
            self.news = News::Opened(due);
        }
    }

    /// Removes an open batch that has no rows.
    pub(super) fn drop_empty(&mut self) {
        self.state.open.take_if(|open| open.batch.rows() == 0);
    }

    /// Closes the open batch, for the sender to take. Rows without a key go to another bucket from now on.
    pub(super) fn close_open(&mut self) {
        let Some(open) = self.state.open.take() else {
            return;
        };
        if open.batch.rows() > 0 {
            self.state.closed.push_back(open.close());
        }
        self.news = News::Closed;
        let sticky = &self.buckets.sticky;
        if sticky.load(Ordering::Relaxed) == self.bucket {
            sticky.store(self.buckets.next_bucket(self.bucket), Ordering::Relaxed);
        }
    }

    /// [`close_open`](Self::close_open), because the engine wants the batch: its linger is over unless someone wanted it earlier.
    pub(super) fn close_due(&mut self) {
        let is_due = |open: &OpenBatch| {
            open.bytes < open.full_at && open.batch.completion.urgency() == Urgency::Linger
        };
        let is_due = self.open().is_some_and(is_due);
        self.close_open();
        if is_due && let Some(closed) = self.state.closed.back_mut() {
            closed.closed_by = ClosedBy::Linger;
        }
    }

    /// The closed batches, in order.
    pub(super) fn take_closed(&mut self) -> VecDeque<ClosedBatch> {
        std::mem::take(&mut self.state.closed)
    }

    fn is_empty(&self) -> bool {
        self.state.open.is_none() && self.state.closed.is_empty()
    }

    /// Whether [`release`](Self::release) has to inform the sender. If not, the bucket can just be dropped.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        !matches!(self.news, News::None)
    }

    /// Gives the lock up, then informs the sender of what was done.
    #[inline]
    pub(super) fn release(self) {
        drop(self.state);
        match self.news {
            News::None => {}
            News::Opened(due) => self.writer.button.press_by(due),
            News::Closed => self.writer.button.press(),
        }
    }
}
