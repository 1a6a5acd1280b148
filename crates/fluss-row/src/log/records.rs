//! The records of INDEXED and COMPACTED batches. Source: `IndexedLogRecord.java`, `CompactedLogRecord.java`.

use std::ops::Range;

use bytes::Bytes;

use super::batches::LogBatch;
use crate::{BinaryRow, ChangeType, Result, RowDecoder, RowError};

/// Bytes of the length that a record begins with, and that it does not count.
const LENGTH_BYTES: usize = 4;
/// Bytes of the shortest record: its length and its change type.
const MIN_RECORD_BYTES: usize = 5;

/// Where the records of a batch are, each checked to be a row.
#[derive(Debug, Clone)]
pub(super) struct Records {
    bytes: Bytes,
    rows: Vec<Range<u32>>,
    decoder: RowDecoder,
}

impl Records {
    /// Finds and checks all records. Returns them with their change types, which are those of the records even if the batch is
    /// append-only.
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
        let mut checked: Option<BinaryRow> = None;
        for _ in 0..count {
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
            if ChangeType::from_byte(*change).is_none() {
                return Err(malformed("of an unknown change type"));
            }
            let end = at + LENGTH_BYTES + length;
            let range = end - row.len()..end;
            let row = bytes.slice(range.clone());
            match &mut checked {
                Some(checked) => checked.decode_next(row)?,
                none => *none = Some(decoder.decode(row)?),
            }
            changes.push(*change);
            // A batch is shorter than 2 GiB.
            rows.push(range.start as u32..range.end as u32);
            at = end;
        }
        if at < bytes.len() {
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
                decoder: decoder.clone(),
            },
            changes,
        ))
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row; `None` if there is none.
    pub(super) fn row(&self, index: usize) -> Option<BinaryRow> {
        let range = self.rows.get(index)?;
        self.decoder
            .decode(self.bytes.slice(range.start as usize..range.end as usize))
            .ok()
    }
}
