//! The log of one bucket: its batches, and the latest sequences of its writers.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use fluss_row::log::{LogBatch, LogBatches, LogMagic, NO_WRITER_ID, assign_offset};
use fluss_wire::error_code::{ErrorCode, ServerError};

use super::segments::Segments;
use crate::reply::internal;

/// The number of batches remembered per writer, to detect duplicates.
const REMEMBERED_BATCHES: usize = 5;

/// Batches in the order of their offsets.
#[derive(Default)]
pub(crate) struct Log {
    batches: Vec<LogBatch>,
    /// Its end offset while it has no batch.
    empty_at: i64,
    writers: BTreeMap<i64, VecDeque<Written>>,
    pub(super) segments: Segments,
}

/// A remembered batch.
#[derive(Debug, Clone, Copy)]
struct Written {
    sequence: i32,
    offsets: Appended,
}

/// The offsets of a batch: its first, and the one after its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    pub(crate) next_offset: i64,
}

impl Log {
    /// The offset of the next record. Also the high watermark, because writes are visible at once.
    pub(crate) fn end_offset(&self) -> i64 {
        self.batches
            .last()
            .map_or(self.empty_at, |batch| batch.header().next_offset())
    }

    /// The offset of the first record.
    pub(crate) fn start_offset(&self) -> i64 {
        let first = self.batches.first();
        first.map_or(self.empty_at, |batch| batch.header().base_offset())
    }

    /// Removes the batches that end at or before an offset.
    pub(crate) fn trim(&mut self, offset: i64) {
        self.empty_at = self.end_offset();
        self.batches
            .retain(|batch| batch.header().next_offset() > offset);
        self.segments.forget(offset);
    }

    /// Drops leading segments whose last batch was written before `oldest`, except for the last segment.
    pub(super) fn drop_before(&mut self, oldest: i64, segment_bytes: usize) {
        let (mut bytes, mut keep_from) = (0, None);
        let mut before: Option<&LogBatch> = None;
        for batch in &self.batches {
            if bytes > 0 && bytes + batch.bytes().len() > segment_bytes {
                // A segment ends here.
                bytes = 0;
                match before {
                    Some(last) if last.header().commit_timestamp() < oldest => {
                        keep_from = Some(last.header().next_offset());
                    }
                    _ => break,
                }
            }
            bytes += batch.bytes().len();
            before = Some(batch);
        }
        if let Some(offset) = keep_from {
            self.trim(offset);
        }
    }

    pub(crate) fn expire_writers(&mut self) {
        self.writers.clear();
    }

    /// The batches from the one with this offset.
    pub(crate) fn since(&self, offset: i64) -> &[LogBatch] {
        let before = self
            .batches
            .partition_point(|batch| batch.header().next_offset() <= offset);
        self.batches.get(before..).unwrap_or_default()
    }

    /// Appends batches. Returns the offsets of the first write if they are duplicates.
    ///
    /// If one of several batches is a duplicate, none is written, as on real servers.
    pub(crate) fn append(&mut self, records: &Bytes, now: i64) -> Result<Appended, ServerError> {
        let batches = parse(records)?;
        let mut last = BTreeMap::new();
        for batch in &batches {
            let (writer, sequence) = (batch.header().writer_id(), batch.header().sequence());
            if writer == NO_WRITER_ID {
                continue;
            }
            if let Some(before) = self.duplicate_of(writer, sequence) {
                return Ok(before);
            }
            let known = last
                .get(&writer)
                .copied()
                .or_else(|| self.last_sequence(writer));
            check_sequence(writer, sequence, known)?;
            last.insert(writer, sequence);
        }
        let base_offset = self.end_offset();
        let timestamp = self.max_timestamp().max(now);
        for batch in batches {
            self.push(&batch, timestamp)?;
        }
        Ok(Appended {
            base_offset,
            next_offset: self.end_offset(),
        })
    }

    fn push(&mut self, batch: &LogBatch, timestamp: i64) -> Result<(), ServerError> {
        // A copy: the header changes, and the bytes belong to the request.
        let mut bytes = BytesMut::from(batch.bytes().as_ref());
        assign_offset(&mut bytes, self.end_offset(), timestamp, 0).map_err(internal)?;
        let batch = LogBatch::parse(bytes.freeze()).map_err(internal)?;
        let header = batch.header();
        if header.writer_id() != NO_WRITER_ID {
            let written = self.writers.entry(header.writer_id()).or_default();
            if written.len() == REMEMBERED_BATCHES {
                written.pop_front();
            }
            written.push_back(Written {
                sequence: header.sequence(),
                offsets: Appended {
                    base_offset: header.base_offset(),
                    next_offset: header.next_offset(),
                },
            });
        }
        self.batches.push(batch);
        Ok(())
    }

    /// The offsets of the batch with this sequence, if it is one of the latest of the writer.
    pub(crate) fn duplicate_of(&self, writer: i64, sequence: i32) -> Option<Appended> {
        let mut known = self.writers.get(&writer)?.iter();
        let found = known.find(|written| written.sequence == sequence)?;
        Some(found.offsets)
    }

    fn last_sequence(&self, writer: i64) -> Option<i32> {
        Some(self.writers.get(&writer)?.back()?.sequence)
    }

    pub(crate) fn max_timestamp(&self) -> i64 {
        self.batches
            .last()
            .map_or(-1, |batch| batch.header().commit_timestamp())
    }

    /// The offset of the first batch that was written at this time or later, if any.
    pub(crate) fn offset_at(&self, timestamp: i64) -> Option<i64> {
        let before = self
            .batches
            .partition_point(|batch| batch.header().commit_timestamp() < timestamp);
        Some(self.batches.get(before)?.header().base_offset())
    }
}

/// Splits `records` into batches and verifies their checksums.
fn parse(records: &Bytes) -> Result<Vec<LogBatch>, ServerError> {
    let corrupt = |reason: String| ServerError::new(ErrorCode::CORRUPT_RECORD_EXCEPTION, reason);
    let mut found = LogBatches::new(records.clone());
    let mut batches = Vec::new();
    for batch in found.by_ref() {
        let batch = batch.map_err(|error| corrupt(error.to_string()))?;
        batch
            .verify_crc()
            .map_err(|error| corrupt(error.to_string()))?;
        if batch.header().magic() > LogMagic::V1 {
            return Err(internal("the servers know no log batch of this magic"));
        }
        batches.push(batch);
    }
    if batches.is_empty() || found.cut_bytes() > 0 {
        return Err(corrupt("the records end inside a batch".to_owned()));
    }
    Ok(batches)
}

/// Sequences start at 0, grow by one, and wrap around to 0.
fn check_sequence(writer: i64, sequence: i32, last: Option<i32>) -> Result<(), ServerError> {
    let expected = match last {
        None | Some(i32::MAX) => 0,
        Some(last) => last + 1,
    };
    if sequence == expected {
        return Ok(());
    }
    Err(ServerError::new(
        ErrorCode::OUT_OF_ORDER_SEQUENCE_EXCEPTION,
        format!(
            "Out of order batch sequence for writer {writer}: {sequence} (incoming batch sequence), {expected} expected"
        ),
    ))
}
