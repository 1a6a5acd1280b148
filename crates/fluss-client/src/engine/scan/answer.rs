//! What came back for a bucket, and what it does to the bucket.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fluss_metadata::TableBucket;
use fluss_metadata::text::Count;
use fluss_rpc::RetryPolicy;
use fluss_wire::error_code::{ErrorCode, ServerError};

use super::bucket::{Bucket, Chunk, Phase, Source};
use super::buffer::Slot;
use super::buffer::Ticket;
use super::remote::RemoteCursor;
use super::start::EARLIEST_OFFSET;
use super::start::StartOffset;
use super::state::ScanEngine;
use super::tail::Warmth;
use crate::error::{Error, Result};

/// Empty answers in a row, to requests for one bucket alone and below the high watermark, after which it will never
/// answer.
const STUCK_ANSWERS: u32 = 6;
/// Answers in a row that were full of other buckets, after which a bucket is asked for alone.
const PASSED_OVER_ANSWERS: u32 = 8;
/// Answers in a row, to requests for one bucket alone, that held no whole batch: the server sends the first one whole.
const CUT_ANSWERS: u32 = 3;
/// How often a bucket at its end is asked for whose batches are older than the projected columns.
const UNPROJECTED_PERIOD: Duration = Duration::from_millis(20);

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
    /// Nothing, though there is something: the answer was full of other buckets.
    PassedOver { high_watermark: Option<i64> },
    /// The offset lies in remote segments.
    Remote(RemoteCursor),
    /// Batches of a remote segment, and where to continue in it.
    RemoteRead {
        bytes: usize,
        next_offset: Option<i64>,
        cursor: Result<RemoteCursor, i64>,
    },
    /// The offset that was asked for.
    Resolved(i64),
    /// It failed transiently: retry at this instant.
    Retry { until: Instant, error: Error },
    /// The projection does not fit its batches.
    Unproject,
    /// The offset is not in the log, and the scanner should continue elsewhere.
    Reset(StartOffset),
    /// It failed for good.
    Failed(Error),
}
impl<C: Chunk> ScanEngine<C> {
    /// Takes in what came back for a bucket. Returns a ticket if batches are to be decoded.
    ///
    /// Responses to an older subscription are discarded.
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
        let watched = state.phase == Phase::Watched;
        state.phase = Phase::Idle;
        let asked = state.fetch_offset;
        // That the server names remote segments is no success yet: they may be missing.
        if !matches!(answer, Answer::Retry { .. } | Answer::Remote(_)) {
            state.failures = 0;
            state.failing = None;
        }
        let brought = state.on_answer(answer, configured, now);
        if state.at_end && state.unprojected && state.phase == Phase::Idle {
            // No watch asks for it, which would project.
            state.phase = Phase::Until(now + UNPROJECTED_PERIOD);
        }
        let (end_offset, bytes) = match brought {
            Ok(brought) => brought?,
            Err(error) => {
                self.fail(bucket, error);
                return None;
            }
        };
        if !watched && !state.asked_alone {
            let brought = if state.at_end { bytes } else { configured };
            self.usual_bytes = (self.usual_bytes * 7 + brought).div_ceil(8).max(1);
        }
        let warmth = state.warmth.get_or_insert_with(|| Warmth::new(now));
        warmth.warm(now, watched);
        let ticket = Ticket(id);
        state.slots.push_back(Slot {
            ticket,
            decoded_to: asked,
            end_offset,
            bytes,
            unpacked_bytes: 0,
            chunks: VecDeque::new(),
            done: false,
        });
        state.buffered_bytes += bytes;
        self.buffered_bytes += bytes;
        Some(ticket)
    }
}

impl<C: Chunk> Bucket<C> {
    /// Moves on as an answer says. Returns where its batches end and how many bytes they are, if it has any; an error
    /// that does not pass.
    fn on_answer(
        &mut self,
        answer: Answer,
        configured: usize,
        now: Instant,
    ) -> Result<Option<(i64, usize)>> {
        match answer {
            Answer::Records {
                bytes,
                next_offset: None,
                largest_batch,
                high_watermark,
                filtered_end,
                ..
            } => {
                self.high_watermark = high_watermark.or(self.high_watermark);
                let empty = Empty {
                    bytes,
                    first_batch: largest_batch.max(configured),
                    filtered_end,
                };
                on_no_batch(self, empty, now)?;
            }
            Answer::Records {
                bytes,
                next_offset: Some(next),
                largest_batch,
                high_watermark,
                filtered_end,
                current_schema,
            } => {
                self.high_watermark = high_watermark.or(self.high_watermark);
                let end = next
                    .max(filtered_end.unwrap_or(next))
                    .max(self.fetch_offset);
                self.stuck = 0;
                self.passed_over = 0;
                self.largest_batch = largest_batch;
                self.alone = false;
                self.unprojected = self.unprojected && !current_schema;
                self.fetch_offset = end;
                self.at_end = self.high_watermark.is_some_and(|mark| end >= mark);
                return Ok(Some((end, bytes)));
            }
            Answer::PassedOver { high_watermark } => {
                self.high_watermark = high_watermark.or(self.high_watermark);
                self.at_end = false;
                self.passed_over += 1;
                // If there is nothing for it in an answer of its own either, it will never come.
                self.alone = self.passed_over >= PASSED_OVER_ANSWERS;
            }
            Answer::RemoteRead {
                bytes,
                next_offset,
                cursor,
            } => {
                let mut end = next_offset
                    .unwrap_or(self.fetch_offset)
                    .max(self.fetch_offset);
                match cursor {
                    Ok(cursor) => self.source = Source::Remote(cursor),
                    Err(segment_end) => {
                        end = end.max(segment_end);
                        self.source = Source::Log;
                    }
                }
                self.fetch_offset = end;
                self.at_end = false;
                return Ok(Some((end, bytes)));
            }
            Answer::Remote(cursor) => {
                self.source = Source::Remote(cursor);
                self.stuck = 0;
            }
            Answer::Resolved(offset) => {
                self.entry = None;
                if let Source::Resolve(StartOffset::Timestamp(time)) = self.source {
                    self.since = Some(time);
                    self.entry = Some(offset);
                }
                self.source = Source::Log;
                self.fetch_offset = offset;
                self.at_end = false;
                if self.slots.is_empty() {
                    self.consumed = offset;
                    self.told = offset;
                }
            }
            Answer::Retry { until, error } => {
                self.rest(until, error, now);
                if matches!(self.source, Source::Remote(_)) {
                    self.source = Source::Log;
                }
            }
            Answer::Unproject if self.unprojected => {
                return Err(Error::corrupt(
                    "the server refuses a projection that was not asked for",
                ));
            }
            Answer::Unproject => self.unprojected = true,
            Answer::Reset(start) => self.source = Source::Resolve(start),
            Answer::Failed(error) => return Err(error),
        }
        Ok(None)
    }
}

/// An answer without a whole batch.
#[derive(Clone, Copy)]
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
                "no whole batch in {} at offset {}",
                Count(empty.bytes, "byte"),
                state.fetch_offset
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
            // (`ReplicaManager#handleFetchOutOfRangeException`). DIFFERS: the Java client keeps asking indefinitely.
            let message = format!(
                "offset {} is not served although the log continues to {mark}: its records are only in the lake, so read them there or start at a later offset",
                state.fetch_offset
            );
            return Err(Error::from(ServerError {
                code: ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
                message: Some(message),
            }));
        }
        state.phase = Phase::Until(now + RetryPolicy::FETCH.pause(state.stuck, 1.0));
    }
    Ok(())
}
