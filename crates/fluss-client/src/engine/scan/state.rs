//! The scanner as a whole: subscriptions, what answers do to them, and what `poll` takes.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::time::Instant;

use fluss_metadata::TableBucket;
use fluss_wire::error_code::{ErrorCode, ServerError};

use super::bucket::{Bucket, Chunk, Failure, Phase, Source, StartOffset, Ticket};
use super::buffer::{Pending, Slot};
use super::outcome::retry_delay;
use super::remote::RemoteCursor;
use crate::error::{Error, Result};

/// The protocol's sign for "the earliest offset there is". Source: `FetchParams#FETCH_FROM_EARLIEST_OFFSET`.
pub(crate) const EARLIEST_OFFSET: i64 = -2;
/// Empty answers in a row, to requests for one bucket alone and below the high watermark, after which it will never answer.
const STUCK_ANSWERS: u32 = 6;
/// Answers in a row, to requests for one bucket alone, that held no whole batch: the server sends the first one whole.
const CUT_ANSWERS: u32 = 3;

/// The bounds that the configuration sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) fetch_max_bytes: usize,
    pub(crate) bucket_max_bytes: usize,
    pub(crate) prefetch_max_bytes: usize,
    pub(crate) max_poll_records: usize,
}

/// What came back for one bucket.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Bytes of the log, or none.
    Records {
        /// Bytes received, those of a cut batch included.
        bytes: usize,
        /// Offset after the last whole batch, if there was one.
        next_offset: Option<i64>,
        /// Size of the largest whole batch, or of the cut one if there was no other.
        largest_batch: usize,
        high_watermark: Option<i64>,
        /// Offset up to which the server left out batches that a filter excludes.
        filtered_end: Option<i64>,
        /// Whether the last batch was written with the schema that the scanner projects, or a newer one.
        current_schema: bool,
    },
    /// The offset lies in remote segments.
    Remote(RemoteCursor),
    /// Batches of a remote segment, and where to go on in it.
    RemoteRead {
        bytes: usize,
        next_offset: Option<i64>,
        cursor: Result<RemoteCursor, i64>,
    },
    /// The offset that was asked for.
    Resolved(i64),
    /// It failed for a passing reason: again at this instant.
    Retry { until: Instant, error: Error },
    /// The projection does not fit its batches.
    Unproject,
    /// The offset is not in the log, and the scanner is to go on elsewhere.
    Reset(StartOffset),
    /// It failed for good.
    Failed(Error),
}

/// Rows of one batch that `poll` hands out.
#[derive(Debug)]
pub(crate) struct Taken<C> {
    pub(crate) bucket: TableBucket,
    pub(crate) chunk: C,
    pub(crate) rows: Range<usize>,
}

/// What `poll` finds.
#[derive(Debug)]
pub(crate) enum Take<C> {
    Rows(Vec<Taken<C>>),
    Failed(Error),
    Nothing,
}

/// All subscriptions of one scanner.
#[derive(Debug)]
pub(crate) struct ScanEngine<C> {
    pub(super) limits: Limits,
    pub(super) buckets: HashMap<TableBucket, Bucket<C>>,
    /// The buckets in the order of asking, rotated by every plan.
    pub(super) order: VecDeque<TableBucket>,
    /// The buckets that have rows or a failure at the front.
    ready: VecDeque<TableBucket>,
    pub(super) buffered_bytes: usize,
    pub(super) reserved_bytes: usize,
    /// Requests under way, by server, that the server holds until there is data.
    pub(super) held_fetches: HashMap<i32, usize>,
    next_id: u64,
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
            held_fetches: HashMap::new(),
            next_id: 0,
            plan_is_due: false,
        }
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Starts, or starts anew, reading a bucket. What was buffered of it is thrown away.
    pub(crate) fn subscribe(&mut self, bucket: TableBucket, start: StartOffset) {
        self.unsubscribe(&bucket);
        let generation = self.next_id();
        self.buckets.insert(bucket, Bucket::new(generation, start));
        self.order.push_back(bucket);
        self.plan_is_due = true;
    }

    /// Ends reading a bucket. Returns whether it was being read.
    pub(crate) fn unsubscribe(&mut self, bucket: &TableBucket) -> bool {
        let Some(old) = self.buckets.remove(bucket) else {
            return false;
        };
        self.buffered_bytes = self.buffered_bytes.saturating_sub(old.buffered_bytes);
        self.reserved_bytes = self.reserved_bytes.saturating_sub(old.reserved_bytes);
        self.order.retain(|other| other != bucket);
        self.ready.retain(|other| other != bucket);
        self.plan_is_due = true;
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Offset after the last row handed out, empty batches behind it included.
    pub(crate) fn position(&self, bucket: &TableBucket) -> Option<i64> {
        self.buckets.get(bucket).map(|bucket| bucket.consumed)
    }

    /// All buckets that are read, in no particular order.
    pub(crate) fn subscribed(&self) -> impl Iterator<Item = &TableBucket> {
        self.buckets.keys()
    }

    /// Failures in a row of a bucket, for the pause before the next attempt.
    pub(crate) fn failures(&self, bucket: &TableBucket) -> u32 {
        self.buckets.get(bucket).map_or(0, |bucket| bucket.failures)
    }

    /// Takes in what came back for a bucket. Returns a ticket if batches are to be decoded.
    ///
    /// Answers to an older subscription are thrown away.
    pub(crate) fn on_answer(
        &mut self,
        bucket: &TableBucket,
        generation: u64,
        answer: Answer,
        now: Instant,
    ) -> Option<Ticket> {
        let id = self.next_id();
        let configured = self.limits.bucket_max_bytes;
        let state = self
            .buckets
            .get_mut(bucket)
            .filter(|state| state.generation == generation)?;
        self.reserved_bytes = self.reserved_bytes.saturating_sub(state.reserved_bytes);
        state.reserved_bytes = 0;
        if state.phase == Phase::Stopped {
            return None;
        }
        state.phase = Phase::Idle;
        if !matches!(answer, Answer::Retry { .. }) {
            state.failures = 0;
            state.failing = None;
        }
        let (end_offset, bytes) = match answer {
            Answer::Records {
                bytes,
                next_offset: None,
                largest_batch,
                high_watermark,
                filtered_end,
                ..
            } => {
                state.high_watermark = high_watermark.or(state.high_watermark);
                let empty = Empty {
                    bytes,
                    first_batch: largest_batch.max(configured),
                    filtered_end,
                };
                if let Err(error) = on_no_batch(state, empty, now) {
                    self.fail(bucket, error);
                }
                return None;
            }
            Answer::Records {
                bytes,
                next_offset: Some(next),
                largest_batch,
                high_watermark,
                filtered_end,
                current_schema,
            } => {
                state.high_watermark = high_watermark.or(state.high_watermark);
                let end = next
                    .max(filtered_end.unwrap_or(next))
                    .max(state.fetch_offset);
                state.stuck = 0;
                state.largest_batch = largest_batch;
                state.alone = false;
                state.unprojected = state.unprojected && !current_schema;
                state.fetch_offset = end;
                state.at_end = state.high_watermark.is_some_and(|mark| end >= mark);
                (end, bytes)
            }
            Answer::RemoteRead {
                bytes,
                next_offset,
                cursor,
            } => {
                let mut end = next_offset
                    .unwrap_or(state.fetch_offset)
                    .max(state.fetch_offset);
                match cursor {
                    Ok(cursor) => state.source = Source::Remote(cursor),
                    Err(segment_end) => {
                        end = end.max(segment_end);
                        state.source = Source::Log;
                    }
                }
                state.fetch_offset = end;
                state.at_end = false;
                (end, bytes)
            }
            Answer::Remote(cursor) => {
                state.source = Source::Remote(cursor);
                state.stuck = 0;
                return None;
            }
            Answer::Resolved(offset) => {
                state.source = Source::Log;
                state.fetch_offset = offset;
                state.at_end = false;
                if state.slots.is_empty() {
                    state.consumed = offset;
                }
                return None;
            }
            Answer::Retry { until, error } => {
                state.rest(until, error, now);
                if matches!(state.source, Source::Remote(_)) {
                    state.source = Source::Log;
                }
                return None;
            }
            Answer::Unproject => {
                if state.unprojected {
                    self.fail(
                        bucket,
                        Error::corrupt("the server refuses a projection that was not asked for"),
                    );
                } else {
                    state.unprojected = true;
                }
                return None;
            }
            Answer::Reset(start) => {
                state.source = Source::Resolve(start);
                return None;
            }
            Answer::Failed(error) => {
                self.fail(bucket, error);
                return None;
            }
        };
        let ticket = Ticket(id);
        state.slots.push_back(Slot {
            ticket,
            end_offset,
            bytes,
            chunks: VecDeque::new(),
            done: false,
        });
        state.buffered_bytes += bytes;
        self.buffered_bytes += bytes;
        Some(ticket)
    }

    /// Takes in one decoded batch of an answer. Returns whether there is something new for `poll`.
    pub(crate) fn on_decoded(&mut self, bucket: &TableBucket, ticket: Ticket, chunk: C) -> bool {
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        let Some(slot) = state.slots.iter_mut().find(|slot| slot.ticket == ticket) else {
            return false;
        };
        let next_row = chunk.skipped_rows();
        if next_row < chunk.row_count() {
            slot.chunks.push_back(Pending { chunk, next_row });
        }
        self.mark_ready(bucket)
    }

    /// Takes in that an answer is decoded to its end. Returns whether there is something new for `poll`.
    pub(crate) fn on_decode_end(
        &mut self,
        bucket: &TableBucket,
        ticket: Ticket,
        outcome: Result<()>,
    ) -> bool {
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        let Some(index) = state.slots.iter().position(|slot| slot.ticket == ticket) else {
            return false;
        };
        let mut freed = 0;
        match outcome {
            Ok(()) => {
                if let Some(slot) = state.slots.get_mut(index) {
                    slot.done = true;
                }
            }
            Err(error) => {
                // What was decoded before the failure is still handed out; what lies behind it is not.
                while state.slots.len() > index + 1 {
                    freed += state.slots.pop_back().map_or(0, |slot| slot.bytes);
                }
                if let Some(slot) = state.slots.get_mut(index) {
                    slot.done = true;
                    slot.end_offset = slot.chunks.back().map_or(state.consumed, |pending| {
                        pending
                            .chunk
                            .offset_after(pending.chunk.row_count().saturating_sub(1))
                    });
                }
                state.buffered_bytes = state.buffered_bytes.saturating_sub(freed);
                state.phase = Phase::Stopped;
                state.failure = Some(Failure {
                    error: error.of_bucket(*bucket),
                    reported: false,
                });
            }
        }
        freed += state.drop_finished_slots();
        self.buffered_bytes = self.buffered_bytes.saturating_sub(freed);
        self.mark_ready(bucket)
    }

    /// Stops a bucket: `poll` returns the error once the rows before it are handed out.
    pub(crate) fn fail(&mut self, bucket: &TableBucket, error: Error) {
        if let Some(state) = self.buckets.get_mut(bucket) {
            state.phase = Phase::Stopped;
            state.failure = Some(Failure {
                error: error.of_bucket(*bucket),
                reported: false,
            });
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

    /// Puts a bucket into the ring if it has something at its front. Returns whether it was not there before.
    fn mark_ready(&mut self, bucket: &TableBucket) -> bool {
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        let due = state.has_rows()
            || (state.failure_is_due()
                && state
                    .failure
                    .as_ref()
                    .is_some_and(|failure| !failure.reported));
        if !due || state.in_ready {
            return false;
        }
        state.in_ready = true;
        self.ready.push_back(*bucket);
        true
    }

    /// Takes rows for `poll`: of one bucket after the other, at most the configured number, but never half an update.
    pub(crate) fn take(&mut self) -> Take<C> {
        let mut taken = Vec::new();
        let mut left = self.limits.max_poll_records;
        while left > 0 {
            let Some(bucket) = self.ready.front().copied() else {
                break;
            };
            let Some(state) = self.buckets.get_mut(&bucket) else {
                self.ready.pop_front();
                continue;
            };
            if state.failure_is_due() {
                if !taken.is_empty() {
                    break;
                }
                self.ready.pop_front();
                state.in_ready = false;
                if let Some(failure) = &mut state.failure {
                    failure.reported = true;
                    return Take::Failed(failure.error.clone());
                }
                continue;
            }
            let freed = take_rows(state, bucket, &mut left, &mut taken);
            self.buffered_bytes = self.buffered_bytes.saturating_sub(freed);
            self.plan_is_due |= freed > 0;
            // A bucket with more rows goes to the back once a poll is full, so that the next one begins with another bucket.
            if left == 0 || !(state.has_rows() || state.failure_is_due()) {
                self.ready.pop_front();
                state.in_ready = false;
                self.mark_ready(&bucket);
            }
        }
        if taken.is_empty() {
            Take::Nothing
        } else {
            Take::Rows(taken)
        }
    }

    /// Why waiting on is in vain: the error of a bucket that stopped, which a poll reported before, or that of one which has failed for
    /// passing reasons since `failing_before`.
    pub(crate) fn standing_failure(&self, failing_before: Instant) -> Option<Error> {
        let stopped = |state: &Bucket<C>| {
            state
                .failure
                .as_ref()
                .filter(|_| state.failure_is_due())
                .map(|failure| failure.error.clone())
        };
        let failing = |(bucket, state): (&TableBucket, &Bucket<C>)| {
            let failing = state
                .failing
                .as_ref()
                .filter(|failing| failing.since <= failing_before)?;
            Some(
                failing
                    .error
                    .clone()
                    .of_bucket(*bucket)
                    .after_attempts(state.failures),
            )
        };
        self.buckets
            .values()
            .find_map(stopped)
            .or_else(|| self.buckets.iter().find_map(failing))
    }
}

/// Moves rows of a bucket out, as many as are `left`. Returns the bytes that became free.
fn take_rows<C: Chunk>(
    state: &mut Bucket<C>,
    bucket: TableBucket,
    left: &mut usize,
    taken: &mut Vec<Taken<C>>,
) -> usize {
    let mut freed = state.drop_finished_slots();
    while *left > 0 {
        let Some(chunks) = state.slots.front_mut().map(|slot| &mut slot.chunks) else {
            break;
        };
        let Some(pending) = chunks.front_mut() else {
            break;
        };
        let count = pending.chunk.row_count();
        let start = pending.next_row;
        let mut end = count.min(start.saturating_add(*left));
        if end < count && pending.chunk.is_update_before(end.saturating_sub(1)) {
            end += 1;
        }
        *left = left.saturating_sub(end - start);
        state.consumed = pending.chunk.offset_after(end.saturating_sub(1));
        if end < count {
            pending.next_row = end;
            taken.push(Taken {
                bucket,
                chunk: pending.chunk.clone(),
                rows: start..end,
            });
        } else if let Some(pending) = chunks.pop_front() {
            taken.push(Taken {
                bucket,
                chunk: pending.chunk,
                rows: start..end,
            });
            freed += state.drop_finished_slots();
        }
    }
    freed
}

/// An answer without a whole batch.
struct Empty {
    bytes: usize,
    /// Bytes to ask for so that the first batch comes whole.
    first_batch: usize,
    filtered_end: Option<i64>,
}

/// At the end of the log, cut off, filtered out, or an offset that the server will never serve.
fn on_no_batch<C: Chunk>(state: &mut Bucket<C>, empty: Empty, now: Instant) -> Result<()> {
    if let Some(end) = empty.filtered_end.filter(|end| *end > state.fetch_offset) {
        state.fetch_offset = end;
        if state.slots.is_empty() {
            state.consumed = end;
        }
        return Ok(());
    }
    if empty.bytes > 0 {
        state.at_end = false;
        state.stuck += u32::from(state.asked_alone);
        state.alone = true;
        state.largest_batch = empty.first_batch;
        if state.stuck >= CUT_ANSWERS {
            return Err(Error::corrupt(format!(
                "no whole batch in {} bytes at offset {}",
                empty.bytes, state.fetch_offset
            )));
        }
        return Ok(());
    }
    let mark = state.high_watermark.unwrap_or(0);
    if state.fetch_offset == EARLIEST_OFFSET {
        // Where an empty log begins is asked for, so that what it begins with later is not taken for more of the same.
        if mark > 0 {
            state.source = Source::Resolve(StartOffset::EarliestResolved);
        } else {
            state.at_end = true;
        }
        return Ok(());
    }
    if state.fetch_offset >= mark {
        state.at_end = true;
        state.stuck = 0;
        return Ok(());
    }
    state.at_end = false;
    state.alone = true;
    if state.asked_alone {
        state.stuck += 1;
        if state.stuck >= STUCK_ANSWERS {
            // The server found the offset out of its logs' range, and says nothing as the records are in the lake
            // (`ReplicaManager#handleFetchOutOfRangeException`). DIFFERS: the Java client asks for ever.
            let message = format!(
                "offset {} is not served though the log goes on to {mark}: its records are in the lake only, so read them there or start at a later offset",
                state.fetch_offset
            );
            return Err(Error::from(ServerError {
                code: ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
                message: Some(message),
            }));
        }
        state.phase = Phase::Until(now + retry_delay(state.stuck, u32::MAX));
    }
    Ok(())
}
