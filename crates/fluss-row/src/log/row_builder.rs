//! Building INDEXED and COMPACTED batches.

use fluss_metadata::{LogFormat, RowType, SchemaId};

use super::header::{LogBatchHeader, LogMagic};
use super::narrow_schema_id;
use super::sealed::SealedLogBatch;
use crate::arrow::ipc;
use crate::{ChangeType, InternalRow, Result, RowEncoder, RowError, RowFormat};

/// Bytes of a record besides its row: its length, which counts what follows it, and the change type.
const RECORD_OVERHEAD_BYTES: usize = 5;
const LENGTH_BYTES: usize = 4;

/// Builds a log batch of rows in one of the row formats.
#[derive(Debug)]
pub struct RowLogBatchBuilder {
    encoder: RowEncoder,
    schema_id: i16,
    append_only: bool,
    magic: LogMagic,
    /// The batch so far, with room for its header.
    bytes: Vec<u8>,
    record_count: i32,
}

/// The row format of a log format, if it is one.
pub(super) fn row_format(format: LogFormat) -> Option<RowFormat> {
    match format {
        LogFormat::Arrow => None,
        LogFormat::Indexed => Some(RowFormat::Indexed),
        LogFormat::Compacted => Some(RowFormat::Compacted),
    }
}

impl RowLogBatchBuilder {
    /// Creates a builder for batches of appended rows, as in log tables. Returns an error for the format ARROW, types
    /// that the format cannot hold, and a schema id beyond 32767.
    pub fn new(row_type: &RowType, schema_id: SchemaId, format: LogFormat) -> Result<Self> {
        let unsupported = RowError::UnsupportedTable {
            property: "table.log.format",
            value: "ARROW, which has no rows,".into(),
        };
        Ok(Self {
            encoder: RowEncoder::of_table(row_format(format).ok_or(unsupported)?, row_type)?,
            schema_id: narrow_schema_id(schema_id)?,
            append_only: true,
            magic: LogMagic::V0,
            bytes: empty(LogMagic::V0),
            record_count: 0,
        })
    }

    /// Builds batches whose records have change types, as in changelogs of primary-key tables.
    #[must_use]
    pub fn with_change_types(mut self) -> Self {
        self.append_only = false;
        self
    }

    /// Builds batches with this layout. Drops the rows appended so far.
    #[must_use]
    pub fn with_magic(self, magic: LogMagic) -> Self {
        Self {
            magic,
            bytes: empty(magic),
            record_count: 0,
            ..self
        }
    }

    /// Appends a row and returns by how many bytes the batch grew. On an error, which names the column, nothing was
    /// appended.
    #[inline]
    pub fn append<R: InternalRow + ?Sized>(&mut self, row: &R) -> Result<usize> {
        self.append_change(ChangeType::AppendOnly, row)
    }

    /// Appends a row with its change type. Also returns an error if the builder has no change types and the row is
    /// not just appended.
    pub fn append_change<R: InternalRow + ?Sized>(
        &mut self,
        change: ChangeType,
        row: &R,
    ) -> Result<usize> {
        if self.append_only && change != ChangeType::AppendOnly {
            return Err(RowError::InvalidValue {
                expected: "change type of a batch of appended rows".into(),
                value: change.short_string().into(),
            });
        }
        let record_count = self.record_count.checked_add(1).ok_or(RowError::TooLarge {
            what: "number of rows of a batch",
            value: self.record_count as u64 + 1,
            max: i32::MAX as u64,
        })?;
        let start = self.bytes.len();
        self.bytes
            .extend_from_slice(&[0, 0, 0, 0, change.to_byte()]);
        let encoded = self
            .encoder
            .encode(row, &mut self.bytes)
            .and_then(|()| ipc::check_size(self.bytes.len()));
        if let Err(error) = encoded {
            self.bytes.truncate(start);
            return Err(error);
        }
        let size = self.bytes.len() - start;
        if let Some(length) = self
            .bytes
            .get_mut(start..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            *length = ((size - LENGTH_BYTES) as i32).to_le_bytes();
        }
        self.record_count = record_count;
        Ok(size)
    }

    /// Returns the number of rows.
    pub fn row_count(&self) -> usize {
        self.record_count as usize
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Returns the bytes of the batch, header included.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// About how many bytes a row adds at least.
    pub fn row_size_hint(&self) -> usize {
        RECORD_OVERHEAD_BYTES + self.encoder.size_hint()
    }

    /// Ends the batch: the rows as they are, and the checksum. The builder is empty then.
    pub fn build(&mut self) -> SealedLogBatch {
        let bytes = std::mem::replace(&mut self.bytes, empty(self.magic));
        let record_count = std::mem::take(&mut self.record_count);
        let size = bytes.len();
        SealedLogBatch::new(
            bytes,
            LogBatchHeader::unstamped(self.magic, self.schema_id, self.append_only, record_count),
            size,
        )
    }
}

/// Room for the header.
fn empty(magic: LogMagic) -> Vec<u8> {
    vec![0; magic.header_bytes()]
}
