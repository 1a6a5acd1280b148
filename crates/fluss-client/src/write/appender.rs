//! From a row to the open batch of its bucket: the hot path, and what happens when the write buffer is full.
//!
//! A row takes one lock, that of its bucket, and allocates nothing. Everything else (opening and closing a batch, memory, waking the
//! sender) happens once a batch or once every few kilobytes.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::task::block_in_place;

use super::batch::{Batch, Loose, OpenBatch};
use super::completion::Completion;
use super::encoder::Encoder;
use super::format::WriteFormat;
use super::member::Member;
use super::memory::Credit;
use super::rebucket::Rebucket;
use super::slot::{BucketGroup, BucketSlot, SlotState};
use super::table::TableWrites;
use super::{Shared, now};
use crate::engine::write::{Wish, full_at, next_step};
use crate::error::{Cause, Error, Result};
use crate::runtime::BlockingWait;
use crate::table::WriteResultFuture;
use crate::turn::take_turn;

/// Most bytes that a waiting writer asks for at once, so that it is not woken for every few rows.
const WAIT_FOR: usize = 256 * 1024;
/// Share of the buffer that it asks for at most, as a divisor.
const WAIT_SHARE: usize = 16;

/// Rows at which a batch is full whatever its size: the count in its header is an `i32`, and loads are smaller than the rest.
const MAX_ROWS: u32 = 1 << 30;

/// The write path of one writer handle.
#[derive(Debug, Clone)]
pub(crate) struct Appender {
    shared: Arc<Shared>,
    table: Arc<TableWrites>,
    format: Arc<WriteFormat>,
    member: Arc<Member>,
}

/// Where a row goes.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) group: &'a Arc<BucketGroup>,
    /// The bucket; that of the moment if `None`.
    pub(crate) bucket: Option<u32>,
    /// What led to the bucket, if that may have to be known later and cannot be told from the row.
    pub(crate) bucket_key: Option<&'a [u8]>,
}

/// What is to be added to a batch at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) rows: u32,
    /// About how many bytes it takes: so much room is made first.
    pub(crate) bytes: usize,
    /// Whether it is a batch of its own.
    pub(crate) is_alone: bool,
}

impl Load {
    /// One row, for which there is room as long as the step is not used up.
    const ROW: Self = Self {
        rows: 1,
        bytes: 1,
        is_alone: false,
    };
}

enum Attempt {
    Done(WriteResultFuture),
    /// There is no room; at least so many bytes are needed.
    Full(usize),
}

impl Appender {
    pub(super) fn new(
        shared: Arc<Shared>,
        table: Arc<TableWrites>,
        format: Arc<WriteFormat>,
    ) -> Self {
        let member = Arc::new(Member::default());
        shared.remember(&member);
        Self {
            shared,
            table,
            format,
            member,
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

    /// Writes a row, waiting on this thread for room if need be.
    #[inline]
    pub(crate) fn write(
        &self,
        target: &Target<'_>,
        encode: impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        self.write_load(target, Load::ROW, encode)
    }

    /// Writes a load, waiting on this thread for room if need be.
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

    /// Writes a row, or says that the buffer is full.
    pub(crate) fn try_write(
        &self,
        target: &Target<'_>,
        mut encode: impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        match self.attempt(target, Load::ROW, None, &mut encode)? {
            Attempt::Done(future) => Ok(future),
            Attempt::Full(bytes) => {
                self.shared.inbox.ring();
                Err(self.buffer_full(bytes, Duration::ZERO))
            }
        }
    }

    /// Writes a row, waiting for room without holding a thread.
    pub(crate) async fn write_async(
        &self,
        target: &Target<'_>,
        encode: impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<WriteResultFuture> {
        self.write_load_async(target, Load::ROW, encode).await
    }

    /// Writes a load, waiting for room without holding a thread.
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
            let waiting = self.shared.memory.wait(self.wish_for(bytes));
            self.shared.inbox.ring();
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

    /// The one place where a thread waits. The drivers never run on it (or are told that it waits), so they go on and free room.
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
            let waiting = self.shared.memory.wait(self.wish_for(bytes));
            self.shared.inbox.ring();
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

    fn wish_for(&self, bytes: usize) -> usize {
        bytes.max(WAIT_FOR.min(self.shared.memory.capacity() / WAIT_SHARE))
    }

    fn attempt(
        &self,
        target: &Target<'_>,
        load: Load,
        granted: Option<&mut Credit>,
        encode: &mut impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<Attempt> {
        let bucket = target
            .bucket
            .unwrap_or_else(|| target.group.sticky_bucket());
        let Some(slot) = target.group.slots.get(bucket as usize) else {
            return Err(Error::usage(format!("there is no bucket {bucket}"))
                .of_table(&target.group.table_path));
        };
        let mut state = slot.state();
        let (mut is_new, mut was_closed) = (false, false);
        if !self.has_room(&state, load) {
            let mut granted = granted;
            match self.make_room(slot, &mut state, load, granted.as_deref_mut())? {
                Room::Ready {
                    is_new: opened,
                    was_closed: closed,
                } => (is_new, was_closed) = (opened, closed),
                Room::Full {
                    bytes,
                    was_closed: closed,
                } => {
                    drop(state);
                    if closed {
                        Arc::clone(slot).want_attention();
                    }
                    return Ok(Attempt::Full(bytes));
                }
                Room::Moved(to) => {
                    drop(state);
                    return self.write_moved(&to, target, load, granted, encode);
                }
            }
        }
        let Some(open) = state.open.as_mut() else {
            return Ok(Attempt::Full(0));
        };
        let added = match encode(&mut open.encoder) {
            Ok(added) => added,
            Err(error) => {
                if is_new {
                    state.open = None;
                }
                drop(state);
                if was_closed {
                    Arc::clone(slot).want_attention();
                }
                return Err(error.of_table(&target.group.table_path));
            }
        };
        let index = open.add(load.rows, added);
        if !open
            .batch
            .members
            .last()
            .is_some_and(|member| Arc::ptr_eq(member, &self.member))
        {
            open.batch.join(&self.member);
        }
        if let Some(key) = target.bucket_key {
            open.batch.bucket_keys.push(key);
        }
        let since = open.batch.since;
        let future = WriteResultFuture::new(Arc::clone(&open.batch.completion), index);
        let is_full = open.bytes >= open.full_at || load.is_alone || index + load.rows >= MAX_ROWS;
        if is_full {
            slot.close_open(&mut state);
        }
        drop(state);
        if is_full || was_closed {
            Arc::clone(slot).want_attention();
        } else if is_new {
            Arc::clone(slot).want_attention_by(since + self.shared.config.writer_batch_timeout);
        }
        Ok(Attempt::Done(future))
    }

    /// Whether the slot has an open batch of this writer's format with room for a load.
    #[inline]
    fn has_room(&self, state: &SlotState, load: Load) -> bool {
        state.open.as_ref().is_some_and(|open| {
            open.bytes + load.bytes <= open.batch.credit.bytes()
                && !load.is_alone
                && Arc::ptr_eq(&open.batch.format, &self.format)
                && !self.member.is_closed()
        })
    }

    /// Sees to it that the slot has an open batch of this writer's format with room for a load.
    #[cold]
    fn make_room(
        &self,
        slot: &Arc<BucketSlot>,
        state: &mut SlotState,
        load: Load,
        granted: Option<&mut Credit>,
    ) -> Result<Room> {
        if self.member.is_closed() {
            return Err(Error::closed("the writer"));
        }
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        if let Some(to) = &state.moved {
            return Ok(Room::Moved(Arc::clone(to)));
        }
        let capacity = self.shared.memory.capacity();
        let mut was_closed = false;
        if state
            .open
            .as_ref()
            .is_some_and(|open| load.is_alone || !Arc::ptr_eq(&open.batch.format, &self.format))
        {
            slot.close_open(state);
            was_closed = true;
        }
        if let Some(open) = &mut state.open {
            if let Some(granted) = granted {
                open.batch.credit.absorb(granted);
            }
            let missing = (open.bytes + load.bytes)
                .saturating_sub(open.batch.credit.bytes())
                .min(capacity);
            let step = next_step(open.batch.credit.bytes(), capacity).max(missing);
            if missing > 0 && !open.batch.credit.try_grow(step) {
                return Ok(Room::Full {
                    bytes: step,
                    was_closed,
                });
            }
            return Ok(Room::Ready {
                is_new: false,
                was_closed,
            });
        }
        if self.shared.inbox.is_ended() {
            return Err(Error::closed("the connection"));
        }
        let mut credit = self.shared.memory.credit();
        if let Some(granted) = granted {
            credit.absorb(granted);
        }
        let step = next_step(0, capacity).max(load.bytes.min(capacity));
        if credit.bytes() < step && !credit.try_grow(step - credit.bytes()) {
            return Ok(Room::Full {
                bytes: step,
                was_closed,
            });
        }
        let most = self.shared.config.writer_batch_size;
        let batch_size = slot.group().map_or(most, |group| group.batch_size(most));
        let completion = Completion::new(Arc::downgrade(slot));
        let batch = Batch::new(&self.format, completion, credit, now());
        state.open = Some(OpenBatch::new(batch, batch_size, &self.shared.memory)?);
        Ok(Room::Ready {
            is_new: true,
            was_closed,
        })
    }

    /// Writes rows whose bucket was found before the buckets of their partition turned out to be other ones.
    #[cold]
    fn write_moved(
        &self,
        to: &Rebucket,
        target: &Target<'_>,
        load: Load,
        granted: Option<&mut Credit>,
        encode: &mut impl FnMut(&mut Encoder) -> Result<usize>,
    ) -> Result<Attempt> {
        let capacity = self.shared.memory.capacity();
        let mut credit = self.shared.memory.credit();
        if let Some(granted) = granted {
            credit.absorb(granted);
        }
        let step = next_step(0, capacity).max(load.bytes.min(capacity));
        if credit.bytes() < step && !credit.try_grow(step - credit.bytes()) {
            return Ok(Attempt::Full(step));
        }
        let failed = |error: Error| error.of_table(&target.group.table_path);
        let mut encoder = self.format.encoder()?;
        encode(&mut encoder).map_err(failed)?;
        let (sealed, builder) = encoder.seal().map_err(failed)?;
        self.format.keep(builder);
        let mut batch = Batch::new(&self.format, Completion::new(Weak::new()), credit, now());
        batch.completion.add_rows(load.rows);
        batch.members.push(Arc::clone(&self.member));
        if let Some(key) = target.bucket_key {
            batch.bucket_keys.push(key);
        }
        let future = WriteResultFuture::new(Arc::clone(&batch.completion), 0);
        to.pour(Loose { batch, sealed });
        Ok(Attempt::Done(future))
    }

    /// Waits until every row written before this call is acknowledged or failed; the first failure since the last call.
    pub(crate) async fn flush(&self) -> Result<()> {
        flush(&self.member).await
    }

    /// Refuses rows from now on, then flushes for at most `timeout`.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<()> {
        self.member.close();
        take_turn().await;
        let flushed = self.shared.within(timeout, finish(&self.member)).await;
        flushed.unwrap_or_else(|| Err(Member::not_sent([&*self.member], timeout)))
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

enum Room {
    Ready {
        is_new: bool,
        /// The open batch of another format made place.
        was_closed: bool,
    },
    Full {
        bytes: usize,
        was_closed: bool,
    },
    /// The rows belong into other buckets.
    Moved(Arc<Rebucket>),
}

/// Waits for the batches a writer has now; the first failure since the last time.
async fn flush(member: &Member) -> Result<()> {
    wait(member).await;
    member.take_failure().map_or(Ok(()), Err)
}

/// As [`flush`], at the end of a writer: the first failure that nobody was told of.
pub(super) async fn finish(member: &Member) -> Result<()> {
    wait(member).await;
    member.take_untold_failure().map_or(Ok(()), Err)
}

async fn wait(member: &Member) {
    let mut pending = member.pending();
    for batch in &pending {
        batch.want(Wish::Flush);
    }
    let mut next = 0;
    while let Some(batch) = pending.get(next).cloned() {
        next += 1;
        let mut place = super::completion::NOT_WAITING;
        // The outcome itself is with the member, which also keeps it if this future is dropped half-way.
        std::future::poll_fn(|context| batch.poll(Wish::Flush, &mut place, context).map(|_| ()))
            .await;
        if let Some(outcome) = batch.outcome() {
            let moved = outcome.moved_to().cloned();
            pending.extend(moved.inspect(|batch| batch.want(Wish::Flush)));
        }
    }
}
