//! Finding batches in bytes.

use bytes::{Bytes, BytesMut};
use fluss_metadata::RowType;

use super::context::ReadContext;
use super::decoded::{self, DecodedBatch};
use super::header::{self, LogBatchHeader};
use super::statistics::{self, BatchStatistics};
use crate::arrow::ipc::{self, Message, WireColumn};
use crate::arrow::to_arrow_type;
use crate::{Result, RowError};

/// The batches in a piece of the log: the records of a fetch, a segment file, or a part of one.
///
/// Nothing is copied: batches share the bytes. A batch that is cut off at the end is skipped silently, because
/// servers cut anywhere; see [`cut_bytes`](Self::cut_bytes). Invalid bytes cause an error with their position, which
/// ends the iteration. Checksums are only checked by [`LogBatch::verify_crc`], because batches of a projected fetch
/// do not have a valid one.
#[derive(Debug, Clone)]
pub struct LogBatches {
    bytes: Bytes,
    position: usize,
    failed: bool,
}

impl LogBatches {
    /// Iterates over the batches at the start of `bytes`.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            position: 0,
            failed: false,
        }
    }

    /// Where the next batch begins.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns the number of bytes after the last whole batch, once the iterator has ended: those of a batch that is
    /// cut off or corrupt.
    ///
    /// If the bytes are known to be complete, like those of a file, this should be 0: a corrupt length that is too
    /// large looks like a batch that is cut off.
    pub fn cut_bytes(&self) -> usize {
        self.bytes.len() - self.position
    }

    fn next_batch(&mut self) -> Result<Option<LogBatch>> {
        let position = self.position;
        let rest = self.bytes.slice(position..);
        let corrupt = |base_offset| {
            move |source| RowError::CorruptBatch {
                base_offset,
                position,
                source: Box::new(source),
            }
        };
        let base_offset = rest
            .first_chunk()
            .map_or(-1, |bytes| i64::from_le_bytes(*bytes));
        let Some((base_offset, size)) = header::peek(&rest).map_err(corrupt(base_offset))? else {
            return Ok(None);
        };
        if rest.len() < size {
            return Ok(None);
        }
        let bytes = rest.slice(..size);
        let header = LogBatchHeader::parse(&bytes).map_err(corrupt(base_offset))?;
        self.position += size;
        Ok(Some(LogBatch {
            header,
            bytes,
            position,
        }))
    }
}

impl Iterator for LogBatches {
    type Item = Result<LogBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        self.next_batch()
            .inspect_err(|_| self.failed = true)
            .transpose()
    }
}

/// A whole batch of the log with a parsed header. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogBatch {
    header: LogBatchHeader,
    bytes: Bytes,
    position: usize,
}

impl LogBatch {
    /// The batch that `bytes` consist of. Returns an error if they are cut off or have trailing bytes.
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self> {
        let bytes = bytes.into();
        let base_offset = bytes
            .first_chunk()
            .map_or(-1, |bytes| i64::from_le_bytes(*bytes));
        let corrupt = |source| RowError::CorruptBatch {
            base_offset,
            position: 0,
            source: Box::new(source),
        };
        let header = LogBatchHeader::parse(&bytes).map_err(corrupt)?;
        let (needed, available) = (header.size_bytes(), bytes.len());
        if needed > available {
            return Err(corrupt(RowError::Truncated {
                what: "log batch",
                offset: 0,
                needed,
                available,
            }));
        }
        if needed < available {
            return Err(corrupt(RowError::Malformed {
                what: "log batch",
                offset: needed,
                problem: "followed by more bytes",
            }));
        }
        Ok(Self {
            header,
            bytes,
            position: 0,
        })
    }

    /// Returns the header.
    pub fn header(&self) -> &LogBatchHeader {
        &self.header
    }

    /// Returns the bytes of the batch.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the bytes of the batch.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Where the batch begins in the bytes it was found in.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Verifies the checksum. Batches of a projected fetch do not have a valid one: the server keeps that of the
    /// whole batch.
    pub fn verify_crc(&self) -> Result<()> {
        let computed = header::compute_crc(self.header.magic, &self.bytes);
        if computed == self.header.crc {
            return Ok(());
        }
        Err(self.corrupt(RowError::Checksum {
            what: "log batch",
            stored: self.header.crc,
            computed,
        }))
    }

    /// Reads the records.
    ///
    /// Whatever the bytes are, this returns rows or an error, within the limits of the context. Only bytes with a
    /// verified checksum are known to be what was written. The columns share the bytes unless these are compressed or
    /// misaligned.
    pub fn read(&self, context: &ReadContext) -> Result<DecodedBatch> {
        let decoded = self.read_around(context)?;
        match decoded.first_unreadable(0) {
            Some((_, error)) => Err(self.corrupt(error)),
            None => Ok(decoded),
        }
    }

    /// Reads the records, whether each of them is a row or not. [`DecodedBatch::first_unreadable`] finds those that are none, so that the
    /// others can be used.
    ///
    /// Errs when no record can be relied on. Otherwise as [`read`](Self::read).
    pub fn read_around(&self, context: &ReadContext) -> Result<DecodedBatch> {
        decoded::read(self, context).map_err(|error| self.corrupt(error))
    }

    /// Returns the statistics between header and records, `None` if there are none. `row_type` is that of the schema
    /// it was written with.
    pub fn statistics(&self, row_type: &RowType) -> Result<Option<BatchStatistics>> {
        let start = self.header.magic.header_bytes();
        let block = self.bytes.slice(start..self.header.records_at());
        statistics::read(&block, start, row_type).map_err(|error| self.corrupt(error))
    }

    /// Returns the batch as a server sends it for a projected fetch: only some columns, by ascending position, without
    /// statistics, and with the checksum of the whole batch. `row_type` is that of the schema it was written with.
    ///
    /// Returns an error for positions that do not exist or do not ascend, and for bytes that are no ARROW batch of
    /// this type.
    pub fn project(&self, row_type: &RowType, positions: &[usize]) -> Result<Bytes> {
        if !positions.is_sorted_by(|one, other| one < other) || positions.is_empty() {
            return Err(RowError::InvalidValue {
                expected: "ascending list of positions".into(),
                value: format!("{positions:?}").into(),
            });
        }
        let field_count = row_type.fields().len();
        if let Some(position) = positions
            .iter()
            .copied()
            .find(|position| *position >= field_count)
        {
            return Err(RowError::FieldOutOfRange {
                position,
                field_count,
            });
        }
        let mut out = Vec::with_capacity(self.bytes.len());
        LogBatchHeader {
            statistics_bytes: 0,
            ..self.header
        }
        .encode(&mut out);
        if self.header.record_count > 0 {
            let (changes, records) = self.split_changes().map_err(|error| self.corrupt(error))?;
            out.extend_from_slice(&changes);
            let columns = row_type
                .fields()
                .iter()
                .enumerate()
                .map(|(position, field)| {
                    let arrow = to_arrow_type(field.data_type()).map_err(|error| {
                        error.in_column(position, field.name(), field.data_type())
                    })?;
                    Ok(WireColumn::new(
                        field.name(),
                        arrow,
                        positions.contains(&position),
                    ))
                });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let message = Message::parse(&records, self.bytes.len() - records.len())
                .map_err(|error| self.corrupt(error))?;
            ipc::project(&message, &columns, &mut out).map_err(|error| self.corrupt(error))?;
        }
        let mut out = BytesMut::from(Bytes::from(out));
        header::set_size(&mut out);
        Ok(out.freeze())
    }

    /// Returns the change types of an ARROW batch, none if it is append-only, and what follows them.
    pub(super) fn split_changes(&self) -> Result<(Bytes, Bytes)> {
        let records = self.bytes.slice(self.header.records_at()..);
        if self.header.is_append_only() {
            return Ok((Bytes::new(), records));
        }
        let needed = self.header.record_count();
        if records.len() < needed {
            let offset = self.header.records_at();
            return Err(RowError::Truncated {
                what: "change types",
                offset,
                needed,
                available: records.len(),
            });
        }
        Ok((records.slice(..needed), records.slice(needed..)))
    }

    fn corrupt(&self, source: RowError) -> RowError {
        match source {
            RowError::CorruptBatch { .. } | RowError::MissingFeature { .. } => source,
            source => RowError::CorruptBatch {
                base_offset: self.header.base_offset,
                position: self.position,
                source: Box::new(source),
            },
        }
    }
}
