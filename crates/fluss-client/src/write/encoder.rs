//! The rows of one batch, while it is open and once it is sealed.

use bytes::Bytes;
use fluss_row::arrow::TableBatch;
use fluss_row::kv::{KvBatchBuilder, SealedKvBatch};
use fluss_row::log::{ArrowLogBatchBuilder, RowLogBatchBuilder, SealedLogBatch};
use fluss_row::{InternalRow, RowEncoder};

use crate::engine::write::Stamp;
use crate::error::{Error, Result};

/// Takes the rows of one batch, in the form in which they are sent.
#[derive(Debug)]
pub(crate) enum Encoder {
    /// A log table in the ARROW format: one builder per column.
    Arrow(Box<ArrowLogBatchBuilder>),
    /// A log table in a row format.
    Rows(Box<RowLogBatchBuilder>),
    /// A primary-key table.
    Kv(KvBatchBuilder),
}

/// A sealed batch: its rows have their final bytes.
#[derive(Debug)]
pub(crate) enum Sealed {
    Log(SealedLogBatch),
    Kv(SealedKvBatch),
}

impl Encoder {
    /// Adds a row of a log table. Returns the bytes it takes. After an error the batch is unchanged.
    #[inline]
    pub(crate) fn append<R: InternalRow + ?Sized>(&mut self, row: &R) -> Result<usize> {
        let added = match self {
            Self::Arrow(builder) => builder.append(row),
            Self::Rows(builder) => builder.append(row),
            Self::Kv(_) => return Err(wrong_table()),
        };
        added.map_err(Error::from)
    }

    /// Adds the rows of an Arrow batch, the first batch without a copy. Returns the bytes they take. After an error the batch is unchanged.
    pub(crate) fn append_batch(&mut self, batch: &TableBatch) -> Result<usize> {
        match self {
            Self::Arrow(builder) => builder.append_table_batch(batch).map_err(Error::from),
            Self::Rows(_) | Self::Kv(_) => Err(wrong_table()),
        }
    }

    /// Adds an upsert. Returns the bytes it takes. After an error the batch is unchanged.
    #[inline]
    pub(crate) fn upsert<R: InternalRow + ?Sized>(
        &mut self,
        key: &[u8],
        rows: &RowEncoder,
        row: &R,
    ) -> Result<usize> {
        match self {
            Self::Kv(builder) => builder.append_row(key, rows, row).map_err(Error::from),
            Self::Arrow(_) | Self::Rows(_) => Err(wrong_table()),
        }
    }

    /// Adds a delete. Returns the bytes it takes.
    #[inline]
    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<usize> {
        match self {
            Self::Kv(builder) => builder.append(key, None).map_err(Error::from),
            Self::Arrow(_) | Self::Rows(_) => Err(wrong_table()),
        }
    }

    /// Adds an upsert, or a delete without a row, that was encoded before. Returns the bytes it takes.
    pub(crate) fn record(&mut self, key: &[u8], row: Option<&[u8]>) -> Result<usize> {
        match self {
            Self::Kv(builder) => builder.append(key, row).map_err(Error::from),
            Self::Arrow(_) | Self::Rows(_) => Err(wrong_table()),
        }
    }

    /// Whether its rows are an Arrow batch of the user's, held without a copy.
    pub(crate) fn is_view(&self) -> bool {
        matches!(self, Self::Arrow(builder) if builder.is_view())
    }

    /// Makes the bytes: for Arrow this encodes and compresses all columns, which takes milliseconds for a large batch. The builder may
    /// come back for the next batch, with its memory.
    pub(crate) fn seal(self) -> Result<(Sealed, Option<Self>)> {
        match self {
            Self::Arrow(mut builder) => {
                let sealed = builder.build()?;
                Ok((Sealed::Log(sealed), Some(Self::Arrow(builder))))
            }
            Self::Rows(mut builder) => Ok((Sealed::Log(builder.build()), None)),
            Self::Kv(builder) => Ok((Sealed::Kv(builder.seal()), None)),
        }
    }
}

impl Sealed {
    /// Size in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Log(batch) => batch.size_bytes(),
            Self::Kv(batch) => batch.size_bytes(),
        }
    }

    /// Size of the rows before they were compressed.
    pub(super) fn uncompressed_bytes(&self) -> usize {
        match self {
            Self::Log(batch) => batch.uncompressed_bytes(),
            Self::Kv(batch) => batch.size_bytes(),
        }
    }

    /// Sets writer id and sequence, and the checksum; the bytes to send.
    pub(super) fn stamp(&mut self, stamp: Stamp) -> Bytes {
        match self {
            Self::Log(batch) => batch.stamp(stamp.writer_id, stamp.sequence),
            Self::Kv(batch) => batch.stamp(stamp.writer_id, stamp.sequence),
        }
    }
}

#[cold]
fn wrong_table() -> Error {
    Error::usage("rows are appended to log tables, upserted and deleted in primary-key tables")
}
