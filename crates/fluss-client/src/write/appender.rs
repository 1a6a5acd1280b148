//! From a row to the open batch of its bucket: the hot path, and what happens when the write buffer is full.
//!
//! A row takes one lock, that of its bucket, and allocates nothing. Everything else (opening and closing a batch, memory, waking the
//! sender) happens once a batch or once every few kilobytes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::block_in_place;

use super::batch::{Batch, OpenBatch, Rerouted};
use super::buckets::{LockedBucket, PartitionBuckets};
use super::completion::Completion;
use super::doorbell::Lifecycle;
use super::encoder::Encoder;
use super::format::WriteFormat;
use super::memory::Credit;
use super::rebucket::reroute;
use super::result::WriteResultFuture;
use super::shared::Shared;
use super::table::TableWrites;
use super::writer_state::WriterState;
use crate::clock::now;
use crate::engine::write::{full_at, next_step};
use crate::error::{Cause, Error, Result};
use crate::runtime::BlockingWait;
use crate::turn::take_turn;

/// Most bytes that a waiting writer asks for at once, so that it is not woken for every few rows.
const WAIT_FOR: usize = 256 * 1024;
/// Share of the buffer that it asks for at most, as a divisor.
const WAIT_SHARE: usize = 16;

/// Rows at which a batch is full whatever its size: the count in its header is an `i32`, and a load has fewer rows than what remains.
const MAX_ROWS: u32 = 1 << 30;

/// The write path of one writer handle.
#[derive(Debug, Clone)]
pub(crate) struct Appender {
    shared: Arc<Shared>,
    table: Arc<TableWrites>,
    format: Arc<WriteFormat>,
    writer: Arc<WriterState>,
}

/// Where a row goes.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) buckets: &'a Arc<PartitionBuckets>,
    /// The bucket; the sticky one if `None`.
    pub(crate) bucket: Option<u32>,
    /// The bucket key, if it may be needed later and cannot be computed from the row.
    pub(crate) bucket_key: Option<&'a [u8]>,
}

/// What is added to a batch at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) rows: u32,
    /// Approximate size in bytes: this much room is made first.
    pub(crate) bytes: usize,
    /// Whether it is a batch of its own.
    pub(crate) is_alone: bool,
}

impl Load {
    /// One row. It has room until the current step of memory is used up.
    const ROW: Self = Self {
        rows: 1,
        bytes: 1,
        is_alone: false,
    };
}

enum Attempt {
    Done(WriteResultFuture),
    /// There is no room; at least this many bytes are needed.
    Full(usize),
}

/// Why a bucket takes no row now.
enum NoRoom {
    /// At least this many bytes are needed.
    Full(usize),
    /// The row belongs to other buckets.
    Moved(Arc<PartitionBuckets>),
}

impl Appender {
    pub(super) fn new(
        shared: Arc<Shared>,
        table: Arc<TableWrites>,
        format: Arc<WriteFormat>,
    ) -> Self {
        let writer = Arc::new(WriterState::default());
        shared.remember(&writer);
        Self {
            shared,
            table,
            format,
            writer,
        }
    }

    pub(crate) fn table(&self) -> &Arc<TableWrites> {
        &self.table
    }

    pub(crate) fn format(&self) -> &Arc<WriteFormat> {
        &self.format
    }

    /// Bytes of rows that make a full batch when they do not compress.
    pub(crate) fn max_batch(&self) -> usize {
        full_at(
            self.shared.config.writer_batch_size,
            self.shared.memory.capacity(),
            1.0,
        )
    }

    /// Writes a row. Waits on this thread for room if necessary.
    #[inline]
    pub(crate) fn write(
        &self,
        target: &Target<'_>,
        encode: impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        self.write_load(target, Load::ROW, encode)
    }

    /// Writes a load. Waits on this thread for room if necessary.
    #[inline]
    pub(crate) fn write_load(
        &self,
        target: &Target<'_>,
        load: Load,
        mut encode: impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        match self.attempt(target, load, None, &mut encode)? {
            Attempt::Done(future) => Ok(future),
            Attempt::Full(bytes) => self.wait_and_write(target, load, bytes, &mut encode),
        }
    }

    /// Writes a row, or returns an error if the buffer is full.
    pub(crate) fn try_write(
        &self,
        target: &Target<'_>,
        mut encode: impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        match self.attempt(target, Load::ROW, None, &mut encode)? {
            Attempt::Done(future) => Ok(future),
            Attempt::Full(bytes) => {
                self.shared.doorbell.ring();
                Err(self.buffer_full(bytes, Duration::ZERO))
            }
        }
    }

    /// Writes a row. Waits for room without blocking the thread.
    pub(crate) async fn write_async(
        &self,
        target: &Target<'_>,
        encode: impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        self.write_load_async(target, Load::ROW, encode).await
    }

    /// Writes a load. Waits for room without blocking the thread.
    pub(crate) async fn write_load_async(
        &self,
        target: &Target<'_>,
        load: Load,
        mut encode: impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        let mut bytes = match self.attempt(target, load, None, &mut encode)? {
            Attempt::Done(future) => return Ok(future),
            Attempt::Full(bytes) => bytes,
        };
        let timeout = self.shared.config.writer_buffer_wait_timeout;
        let mut sleep = Box::pin(self.shared.sleep(timeout));
        loop {
            let waiting = self.shared.memory.wait(self.bytes_to_wait_for(bytes));
            self.shared.doorbell.ring();
            let mut credit = tokio::select! {
                biased;
                credit = waiting => credit,
                slept = &mut sleep => {
                    slept?;
                    return Err(self.buffer_full(bytes, timeout));
                }
            };
            match self.attempt(target, load, Some(&mut credit), &mut encode)? {
                Attempt::Done(future) => return Ok(future),
                Attempt::Full(more) => bytes = more,
            }
        }
    }

    /// The one place where a thread waits. The drivers never run on it (or learn that it waits), so they keep running and free room.
    #[cold]
    fn wait_and_write(
        &self,
        target: &Target<'_>,
        load: Load,
        mut bytes: usize,
        encode: &mut impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        let timeout = self.shared.config.writer_buffer_wait_timeout;
        let ends = Instant::now().checked_add(timeout);
        let left = || {
            ends.map_or(timeout, |ends| {
                ends.saturating_duration_since(Instant::now())
            })
        };
        loop {
            let waiting = self.shared.memory.wait(self.bytes_to_wait_for(bytes));
            self.shared.doorbell.ring();
            let granted = match self.shared.drivers.blocking_wait() {
                BlockingWait::TellRuntime => block_in_place(|| waiting.block(left())),
                BlockingWait::InPlace => waiting.block(left()),
                BlockingWait::Never => None,
            };
            let Some(mut credit) = granted else {
                return Err(self.buffer_full(bytes, timeout));
            };
            match self.attempt(target, load, Some(&mut credit), encode)? {
                Attempt::Done(future) => return Ok(future),
                Attempt::Full(more) => bytes = more,
            }
        }
    }

    fn bytes_to_wait_for(&self, bytes: usize) -> usize {
        bytes.max(WAIT_FOR.min(self.shared.memory.capacity() / WAIT_SHARE))
    }

    /// Writes a load if there is room for it. Otherwise returns how many bytes are needed.
    #[inline]
    fn attempt(
        &self,
        target: &Target<'_>,
        load: Load,
        granted: Option<&mut Credit>,
        encode: &mut impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<Attempt> {
        let bucket = target
            .bucket
            .unwrap_or_else(|| target.buckets.sticky_bucket());
        let Some(mut bucket) = target.buckets.lock(bucket) else {
            return Err(Error::internal(format!("there is no bucket {bucket}"))
                .of_table(&target.buckets.table_path));
        };
        if !self.has_room(&bucket, load) {
            match self.with_room(bucket, target, load, granted, encode) {
                Ok(ready) => bucket = ready,
                Err(ended) => return ended,
            }
        }
        let added = self.add(&mut bucket, target, load, encode);
        if bucket.has_news() {
            bucket.release();
        }
        added.map(Attempt::Done)
    }

    /// Makes room for a load in a bucket; if there is none, returns how the attempt ended.
    #[cold]
    fn with_room<'a>(
        &self,
        mut bucket: LockedBucket<'a>,
        target: &Target<'_>,
        load: Load,
        mut granted: Option<&mut Credit>,
        encode: &mut impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<LockedBucket<'a>, Result<Attempt>> {
        let no_room = match self.make_room(&mut bucket, load, granted.as_deref_mut()) {
            Ok(None) => return Ok(bucket),
            Ok(Some(no_room)) => Ok(no_room),
            Err(error) => Err(error),
        };
        bucket.release();
        Err(match no_room {
            Ok(NoRoom::Moved(to)) => self.write_moved(&to, target, load, granted, encode),
            Ok(NoRoom::Full(bytes)) => Ok(Attempt::Full(bytes)),
            Err(error) => Err(error),
        })
    }

    /// Adds a load to the open batch of a bucket, which has room for it.
    #[inline]
    fn add(
        &self,
        bucket: &mut LockedBucket<'_>,
        target: &Target<'_>,
        load: Load,
        encode: &mut impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        let Some(open) = bucket.open_mut() else {
            return Err(Error::internal("there is no open batch"));
        };
        let added = match encode(&mut open.encoder) {
            Ok(added) => added,
            Err(error) => {
                bucket.drop_empty();
                return Err(error.of_table(&target.buckets.table_path));
            }
        };
        let index = open.add(load.rows, added);
        let last = open.batch.writers.last();
        if !last.is_some_and(|writer| Arc::ptr_eq(writer, &self.writer)) {
            open.batch.join(&self.writer);
        }
        if let Some(key) = target.bucket_key {
            open.batch.bucket_keys.push(key);
        }
        let future = WriteResultFuture::new(Arc::clone(&open.batch.completion), index);
        if open.bytes >= open.full_at || load.is_alone || index + load.rows >= MAX_ROWS {
            bucket.close_open();
        }
        Ok(future)
    }

    /// Whether the bucket has an open batch of this writer's format with room for a load.
    #[inline]
    fn has_room(&self, bucket: &LockedBucket<'_>, load: Load) -> bool {
        bucket.open().is_some_and(|open| {
            open.bytes + load.bytes <= open.batch.credit.bytes()
                && !load.is_alone
                && Arc::ptr_eq(&open.batch.format, &self.format)
                && !self.writer.is_closed()
        })
    }

    /// Makes sure that the bucket has an open batch of this writer's format with room for a load. Otherwise returns why it has not.
    #[cold]
    fn make_room(
        &self,
        bucket: &mut LockedBucket<'_>,
        load: Load,
        granted: Option<&mut Credit>,
    ) -> Result<Option<NoRoom>> {
        if self.writer.is_closed() {
            return Err(Error::closed("the writer"));
        }
        if let Some(error) = bucket.failed() {
            return Err(error.clone());
        }
        if let Some(to) = bucket.moved() {
            return Ok(Some(NoRoom::Moved(Arc::clone(to))));
        }
        let is_unfit =
            |open: &OpenBatch| load.is_alone || !Arc::ptr_eq(&open.batch.format, &self.format);
        if bucket.open().is_some_and(is_unfit) {
            bucket.close_open();
        }
        if let Some(open) = bucket.open_mut() {
            let capacity = self.shared.memory.capacity();
            let credit = &mut open.batch.credit;
            if let Some(granted) = granted {
                credit.absorb(granted);
            }
            let missing = (open.bytes + load.bytes)
                .saturating_sub(credit.bytes())
                .min(capacity);
            let step = next_step(credit.bytes(), capacity).max(missing);
            let is_full = missing > 0 && !credit.try_grow(step);
            return Ok(is_full.then_some(NoRoom::Full(step)));
        }
        if self.shared.doorbell.lifecycle() == Lifecycle::Ended {
            return Err(Error::closed("the connection"));
        }
        let credit = match self.first_credit(load, granted) {
            Ok(credit) => credit,
            Err(step) => return Ok(Some(NoRoom::Full(step))),
        };
        let config = &self.shared.config;
        let since = now();
        let batch = bucket.new_batch(&self.format, credit, since);
        bucket.set_open(batch, config.writer_batch_size, &self.shared.memory)?;
        bucket.announce(since + config.writer_batch_timeout);
        Ok(None)
    }

    /// Memory for a batch that begins with a load. Otherwise returns how many bytes are needed.
    fn first_credit(&self, load: Load, granted: Option<&mut Credit>) -> Result<Credit, usize> {
        let capacity = self.shared.memory.capacity();
        let mut credit = self.shared.memory.credit();
        if let Some(granted) = granted {
            credit.absorb(granted);
        }
        let step = next_step(0, capacity).max(load.bytes.min(capacity));
        if credit.bytes() < step && !credit.try_grow(step - credit.bytes()) {
            return Err(step);
        }
        Ok(credit)
    }

    /// Writes rows whose bucket was chosen before the partition turned out to have other buckets.
    #[cold]
    fn write_moved(
        &self,
        to: &PartitionBuckets,
        target: &Target<'_>,
        load: Load,
        granted: Option<&mut Credit>,
        encode: &mut impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<Attempt> {
        let credit = match self.first_credit(load, granted) {
            Ok(credit) => credit,
            Err(step) => return Ok(Attempt::Full(step)),
        };
        let failed = |error: Error| error.of_table(&target.buckets.table_path);
        let mut encoder = self.format.encoder()?;
        encode(&mut encoder).map_err(failed)?;
        let (sealed, builder) = encoder.seal().map_err(failed)?;
        self.format.keep(builder);
        let mut batch = Batch::new(&self.format, Completion::new(None), credit, now());
        batch.completion.add_rows(load.rows);
        batch.writers.push(Arc::clone(&self.writer));
        if let Some(key) = target.bucket_key {
            batch.bucket_keys.push(key);
        }
        let future = WriteResultFuture::new(Arc::clone(&batch.completion), 0);
        let most = self.shared.config.writer_batch_size;
        reroute(Rerouted { batch, sealed }, to, &self.shared.memory, most);
        Ok(Attempt::Done(future))
    }

    /// Waits until every row written before this call is acknowledged or failed. Returns the first failure since the last call.
    pub(crate) async fn flush(&self) -> Result<()> {
        self.writer.wait().await;
        self.writer.take_failure().map_or(Ok(()), Err)
    }

    /// Refuses rows from now on, then flushes for at most `timeout`.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<()> {
        self.writer.close();
        take_turn().await;
        let flushed = self.shared.within(timeout, self.writer.finish()).await;
        flushed.unwrap_or_else(|| Err(WriterState::not_sent([&*self.writer], timeout)))
    }

    #[cold]
    fn buffer_full(&self, bytes: usize, waited: Duration) -> Error {
        let capacity = self.shared.memory.capacity();
        Error::new(Cause::BufferFull {
            wanted: bytes,
            capacity,
            waited,
        })
        .of_table(self.format.info.table_path())
    }
}
