//! Building ARROW batches.

use std::fmt;

use arrow_array::RecordBatch;
use fluss_metadata::{ArrowCompression, RowType, SchemaId};

use super::header::{LogBatchHeader, LogMagic};
use super::sealed::SealedLogBatch;
use super::{narrow_schema_id, statistics};
use crate::arrow::{ColumnBuilders, ColumnarBatch, FlatBatch, TableBatch, UserBatch, ipc};
use crate::compression::Compressor;
use crate::{ChangeType, InternalRow, Result, RowError};

/// Bytes of a message besides its body, about: the tables of its metadata, and what it lists for each column.
const METADATA_BYTES: usize = 160;
const METADATA_COLUMN_BYTES: usize = 64;

/// Builds a log batch of Arrow columns.
///
/// Rows are written to the columns immediately. [`build`](Self::build) compresses them, which may take a while and
/// can run on any thread. The builder is empty afterwards and can be used for the next batch.
pub struct ArrowLogBatchBuilder {
    columns: ColumnBuilders,
    /// A batch that was appended first, held without a copy as long as nothing follows it.
    first: Option<UserBatch>,
    compressor: Compressor,
    schema_id: i16,
    /// The change type of each row; `None` in a batch of appended rows only.
    changes: Option<Vec<u8>>,
    statistics: Option<Vec<usize>>,
    magic: LogMagic,
    overhead: usize,
}

impl ArrowLogBatchBuilder {
    /// Creates a builder for batches of appended rows, as in log tables.
    ///
    /// `compression` must be the table's: servers take batches apart with the table's codec. Returns an error for
    /// types that Arrow batches cannot have, a schema id beyond 32767, and for a codec that is not compiled in.
    pub fn new(
        row_type: &RowType,
        schema_id: SchemaId,
        compression: ArrowCompression,
    ) -> Result<Self> {
        let columns = ColumnBuilders::new(row_type)?;
        Ok(Self {
            compressor: Compressor::new(compression, columns.buffer_count())?,
            columns,
            first: None,
            schema_id: narrow_schema_id(schema_id)?,
            changes: None,
            statistics: None,
            magic: LogMagic::V0,
            overhead: METADATA_BYTES + METADATA_COLUMN_BYTES * row_type.fields().len(),
        })
    }

    /// Returns another, empty builder with the same settings. The two can be used concurrently on different threads,
    /// and share what they learn about the compression of the table's columns.
    #[must_use]
    pub fn another(&self) -> Self {
        Self {
            columns: self.columns.another(),
            first: None,
            compressor: self.compressor.another(),
            schema_id: self.schema_id,
            changes: self.changes.as_ref().map(|_| Vec::new()),
            statistics: self.statistics.clone(),
            magic: self.magic,
            overhead: self.overhead,
        }
    }

    /// Builds batches in which each row has a change type, as in changelogs of primary-key tables: rows are
    /// appended by [`append_change`](Self::append_change).
    #[must_use]
    pub fn with_change_types(mut self) -> Self {
        self.changes = Some(Vec::new());
        self
    }

    /// Adds the minimum, the maximum and the number of nulls of these columns, by position, to each batch, for tables
    /// of Fluss 1.0 with the property `table.statistics.columns`. The layout is [`LogMagic::V1`] then.
    ///
    /// Returns an error for positions that do not exist and types that have no statistics: BINARY, BYTES, ARRAY, MAP,
    /// ROW.
    pub fn with_statistics(mut self, columns: &[usize]) -> Result<Self> {
        statistics::check_columns(self.columns.row_type(), columns)?;
        self.statistics = Some(columns.to_vec());
        self.magic = self.magic.max(LogMagic::V1);
        Ok(self)
    }

    /// Builds batches with this layout. A layout without statistics is upgraded if there are any.
    #[must_use]
    pub fn with_magic(mut self, magic: LogMagic) -> Self {
        self.magic = if self.statistics.is_some() {
            magic.max(LogMagic::V1)
        } else {
            magic
        };
        self
    }

    /// Appends a row and returns by how many bytes the batch grew before compression. On error, nothing is appended;
    /// see [`ColumnBuilders::append_row`].
    #[inline]
    pub fn append<R: InternalRow + ?Sized>(&mut self, row: &R) -> Result<usize> {
        if self.changes.is_some() || self.first.is_some() {
            return self.append_slow(ChangeType::AppendOnly, row);
        }
        self.columns.append_row(row)
    }

    /// Appends a row with its change type. In addition to the errors of [`append`](Self::append), returns an error if
    /// the builder has no change types and the row is not just appended.
    pub fn append_change<R: InternalRow + ?Sized>(
        &mut self,
        change: ChangeType,
        row: &R,
    ) -> Result<usize> {
        self.append_slow(change, row)
    }

    #[inline(never)]
    fn append_slow<R: InternalRow + ?Sized>(
        &mut self,
        change: ChangeType,
        row: &R,
    ) -> Result<usize> {
        if self.changes.is_none() && change != ChangeType::AppendOnly {
            return Err(RowError::InvalidValue {
                expected: "change type of a batch of appended rows".into(),
                value: change.short_string().into(),
            });
        }
        let copied = self.copy_first()?;
        let added = self.columns.append_row(row)?;
        if let Some(changes) = &mut self.changes {
            changes.push(change.to_byte());
        }
        Ok(copied + added)
    }

    /// Appends the rows of an Arrow batch, whose columns are found by name, and returns by how many bytes the batch
    /// grew before compression.
    ///
    /// The first batch is held without a copy until the batch is built or more rows are appended; slices are fine.
    /// Columns of other types are converted as in [`TableBatch::try_new`], which also documents the errors. Nothing
    /// is appended on error.
    pub fn append_batch(&mut self, batch: &RecordBatch) -> Result<usize> {
        self.append_checked(&TableBatch::try_new(self.columns.row_type(), batch)?)
    }

    /// As [`append_batch`](Self::append_batch), for a batch that is one of the table already. Returns an error if it
    /// is one of other columns.
    pub fn append_table_batch(&mut self, batch: &TableBatch) -> Result<usize> {
        if batch.row_type() != self.columns.row_type() {
            return Err(RowError::InvalidValue {
                expected: format!("batch of rows {}", self.columns.row_type()).into(),
                value: batch.row_type().to_string().into(),
            });
        }
        self.append_checked(batch)
    }

    fn append_checked(&mut self, batch: &TableBatch) -> Result<usize> {
        let before = self.size_bytes();
        let user = UserBatch::new(batch)?;
        let rows = user.rows();
        if self.row_count() == 0 {
            self.first = Some(user);
        } else {
            self.copy_first()?;
            self.columns.extend(user.flat())?;
        }
        if let Some(changes) = &mut self.changes {
            changes.resize(changes.len() + rows, ChangeType::AppendOnly.to_byte());
        }
        Ok(self.size_bytes().saturating_sub(before))
    }

    /// Copies a batch that was held so far into the columns, as more rows are to follow.
    fn copy_first(&mut self) -> Result<usize> {
        let Some(first) = &self.first else {
            return Ok(0);
        };
        let copied = self
            .columns
            .extend(first.flat())?
            .saturating_sub(first.size_bytes());
        self.first = None;
        Ok(copied)
    }

    /// Returns the number of rows.
    #[inline]
    pub fn row_count(&self) -> usize {
        self.columns.len() + self.first.as_ref().map_or(0, UserBatch::rows)
    }

    /// Returns whether all its rows come from one appended batch that is held without a copy.
    pub fn is_view(&self) -> bool {
        self.first.is_some()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.row_count() == 0
    }

    /// Returns the bytes of the rows before compression.
    #[inline]
    pub fn size_bytes(&self) -> usize {
        self.columns.size_bytes()
            + self.first.as_ref().map_or(0, UserBatch::size_bytes)
            + self.changes.as_ref().map_or(0, Vec::len)
    }

    /// About how many bytes the batch will have if its rows compress to `ratio` of their size: 1 for no compression.
    #[inline]
    pub fn estimated_size(&self, ratio: f32) -> usize {
        self.magic.header_bytes() + self.overhead + (self.size_bytes() as f32 * ratio) as usize
    }

    /// Finishes the batch: compresses its columns and computes the checksum. Returns an error if it would exceed 2
    /// GiB; the rows are lost then.
    pub fn build(&mut self) -> Result<SealedLogBatch> {
        let uncompressed = self.size_bytes();
        let rows = self.row_count();
        let changes = self.changes.as_mut().map(std::mem::take);
        let first = self.first.take();
        let mut scratch = self.compressor.scratch();
        let out = scratch.bytes_mut();
        out.resize(self.magic.header_bytes(), 0);
        let mut statistics_bytes = 0;
        let written = if rows == 0 {
            Ok(())
        } else if let Some(chosen) = &self.statistics {
            // Statistics are computed from arrays, which the columns become without a copy.
            let batch = match &first {
                Some(first) => self
                    .columns
                    .extend(first.flat())
                    .and_then(|_| self.columns.finish()),
                None => self.columns.finish(),
            };
            batch.and_then(|batch| {
                let batch = ColumnarBatch::from_arrays(
                    self.columns.row_type().clone(),
                    batch.schema(),
                    batch.columns().to_vec(),
                    rows,
                )?;
                statistics::write(&batch, chosen, out)?;
                statistics_bytes = out.len() - self.magic.header_bytes();
                let mut flat = FlatBatch::new(rows);
                batch
                    .arrays()
                    .iter()
                    .try_for_each(|array| flat.push_array(array))?;
                write_records(changes.as_deref(), &flat, &mut self.compressor, out)
            })
        } else {
            match &first {
                Some(first) => {
                    write_records(changes.as_deref(), first.flat(), &mut self.compressor, out)
                }
                None => write_records(
                    changes.as_deref(),
                    &self.columns.flatten(),
                    &mut self.compressor,
                    out,
                ),
            }
        };
        self.columns.clear();
        self.compressor.rest();
        let out = scratch.finish(&self.compressor);
        written?;
        ipc::check_size(out.len())?;
        let header =
            LogBatchHeader::unstamped(self.magic, self.schema_id, changes.is_none(), rows as i32);
        Ok(SealedLogBatch::new(
            out,
            LogBatchHeader {
                statistics_bytes,
                ..header
            },
            uncompressed,
        ))
    }
}

/// Appends the change types and the message.
fn write_records(
    changes: Option<&[u8]>,
    flat: &FlatBatch<'_>,
    compressor: &mut Compressor,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(changes.unwrap_or_default());
    ipc::write(flat, compressor, out)
}

impl fmt::Debug for ArrowLogBatchBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowLogBatchBuilder")
            .field("schema_id", &self.schema_id)
            .field("magic", &self.magic)
            .field("rows", &self.row_count())
            .field("size_bytes", &self.size_bytes())
            .finish_non_exhaustive()
    }
}
