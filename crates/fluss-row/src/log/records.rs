//! The records of INDEXED and COMPACTED batches. Source: `IndexedLogRecord.java`, `CompactedLogRecord.java`.

use std::ops::Range;

use bytes::Bytes;

use super::batches::LogBatch;
use crate::{BinaryRow, ChangeType, Result, RowDecoder, RowError};

/// Bytes of the length that a record begins with, and that it does not count.
const LENGTH_BYTES: usize = 4;
/// Bytes of the shortest record: its length and its change type.
const MIN_RECORD_BYTES: usize = 5;

/// Where the records of a batch are, and which of them are no rows.
#[derive(Debug, Clone)]
pub(super) struct Records {
    bytes: Bytes,
    rows: Vec<Range<u32>>,
    /// Positions of the records that cannot be read, ascending.
    unreadable: Vec<u32>,
    /// Where the record starts whose end cannot be found; later records cannot be found either.
    lost_at: Option<usize>,
    count: usize,
    decoder: RowDecoder,
}

impl Records {
    /// Finds and checks all records. Returns them with their change types, which are those of the records even if the
    /// batch is append-only.
    pub(super) fn read(batch: &LogBatch, decoder: &RowDecoder) -> Result<(Self, Vec<u8>)> {
        let bytes = batch.bytes();
        let count = batch.header().record_count();
        let mut at = batch.header().records_at();
        let available = bytes.len() - at;
        if count.saturating_mul(MIN_RECORD_BYTES) > available {
            return Err(RowError::Truncated {
                what: "records",
                offset: at,
                needed: count.saturating_mul(MIN_RECORD_BYTES),
                available,
            });
        }
        let mut rows = Vec::with_capacity(count);
        let mut changes = Vec::with_capacity(count);
        let mut unreadable = Vec::new();
        let mut lost_at = None;
        let mut checked: Option<BinaryRow> = None;
        for index in 0..count {
            let Ok((change, range)) = frame(bytes, at) else {
                lost_at = Some(at);
                break;
            };
            let row = bytes.slice(range.clone());
            let read = match &mut checked {
                Some(checked) => checked.decode_next(row),
                none => decoder.decode(row).map(|row| *none = Some(row)),
            };
            if read.is_err() || ChangeType::from_byte(change).is_none() {
                unreadable.push(index as u32);
            }
            changes.push(change);
            at = range.end;
            // A batch is shorter than 2 GiB.
            rows.push(range.start as u32..range.end as u32);
        }
        if lost_at.is_none() && at < bytes.len() {
            return Err(RowError::Malformed {
                what: "log batch",
                offset: at,
                problem: "longer than its records",
            });
        }
        Ok((
            Self {
                bytes: bytes.clone(),
                rows,
                unreadable,
                lost_at,
                count,
                decoder: decoder.clone(),
            },
            changes,
        ))
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// A row; `None` if there is none.
    pub(super) fn row(&self, index: usize) -> Option<BinaryRow> {
        self.decode(self.rows.get(index)?).ok()
    }

    /// The first records from `from` on that cannot be read, and why.
    pub(super) fn first_unreadable(&self, from: usize) -> Option<(Range<usize>, RowError)> {
        let next = self
            .unreadable
            .partition_point(|index| (*index as usize) < from);
        if let Some(index) = self.unreadable.get(next) {
            let index = *index as usize;
            let range = self.rows.get(index)?;
            let error = self.decode(range).err().unwrap_or(RowError::Malformed {
                what: "record",
                offset: (range.start as usize).saturating_sub(MIN_RECORD_BYTES),
                problem: "of an unknown change type",
            });
            return Some((index..index + 1, error));
        }
        let error = frame(&self.bytes, self.lost_at?).err()?;
        let first = from.max(self.rows.len());
        (first < self.count).then_some((first..self.count, error))
    }

    fn decode(&self, range: &Range<u32>) -> Result<BinaryRow> {
        let row = range.start as usize..range.end as usize;
        self.decoder.decode(self.bytes.slice(row))
    }
}

/// The change type of the record that begins at `at`, and where its row is.
fn frame(bytes: &Bytes, at: usize) -> Result<(u8, Range<usize>)> {
    let malformed = |problem| RowError::Malformed {
        what: "record",
        offset: at,
        problem,
    };
    let record = bytes.get(at..).unwrap_or_default();
    let truncated = |needed| RowError::Truncated {
        what: "record",
        offset: at,
        needed,
        available: record.len(),
    };
    let (length, rest) = record
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or_else(|| truncated(LENGTH_BYTES))?;
    let length = usize::try_from(i32::from_le_bytes(*length))
        .map_err(|_| malformed("of a negative length"))?;
    let (change, row) = rest
        .get(..length)
        .ok_or_else(|| truncated(LENGTH_BYTES + length))?
        .split_first()
        .ok_or_else(|| malformed("empty"))?;
    let end = at + LENGTH_BYTES + length;
    Ok((*change, end - row.len()..end))
}
