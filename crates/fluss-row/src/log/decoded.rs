//! A decoded batch.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, TimestampMillisecondArray,
};
use arrow_schema::{DataType as ArrowType, Field, Schema, TimeUnit};
use bytes::Bytes;
use fluss_metadata::RowType;

use super::batches::LogBatch;
use super::context::{ArrowPlan, Plan, ReadContext};
use super::header::LogBatchHeader;
use super::records::Records;
use crate::arrow::ipc::{self, Message};
use crate::arrow::{
    BinaryView, CHANGE_TYPE_COLUMN, COMMIT_TIMESTAMP_COLUMN, ColumnBuilders, ColumnarBatch,
    ColumnarRow, LOG_OFFSET_COLUMN, change_type_array,
};
use crate::{ChangeType, Result, RowError};

/// The records of a batch. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DecodedBatch {
    header: LogBatchHeader,
    /// The change type of each record; `None` if all are appended.
    changes: Option<Bytes>,
    /// Whether one of the change types of columns is none.
    has_unknown_changes: bool,
    rows: Rows,
    own_bytes: usize,
}

#[derive(Debug, Clone)]
enum Rows {
    Columns(ColumnarBatch),
    Records {
        records: Arc<Records>,
        view: Arc<BinaryView>,
    },
}

/// A record of a batch.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// Offset in the log of the bucket.
    pub offset: i64,
    /// When the server received the record, in milliseconds since the epoch.
    pub timestamp: i64,
    /// What happened to the row.
    pub change_type: ChangeType,
    /// The row.
    pub row: ColumnarRow,
}

/// What Arrow holds of some rows.
#[derive(Debug)]
pub struct FirstRows {
    /// The rows before the first that does not fit, or all.
    pub batch: RecordBatch,
    /// The first row that does not fit, and why.
    pub misfit: Option<(usize, RowError)>,
}

/// Reads the records of a batch. Which of them cannot be read, [`DecodedBatch::first_unreadable`] says.
pub(super) fn read(batch: &LogBatch, context: &ReadContext) -> Result<DecodedBatch> {
    let header = *batch.header();
    let (mut own_bytes, mut has_unknown_changes) = (0, false);
    let (rows, changes) = match &context.plan {
        Plan::Arrow(plan) => {
            let (changes, records) = batch.split_changes()?;
            let (columns, bytes) = read_columns(batch, plan, &records, context)?;
            own_bytes = bytes;
            has_unknown_changes = changes.iter().any(|change| is_unknown(*change));
            (Rows::Columns(columns), changes)
        }
        Plan::Rows { decoder, view } => {
            let (records, changes) = Records::read(batch, decoder)?;
            (
                Rows::Records {
                    records: Arc::new(records),
                    view: Arc::clone(view),
                },
                changes.into(),
            )
        }
    };
    let changes = (!header.is_append_only()).then_some(changes);
    Ok(DecodedBatch {
        header,
        changes,
        has_unknown_changes,
        rows,
        own_bytes,
    })
}

fn is_unknown(change: u8) -> bool {
    ChangeType::from_byte(change).is_none()
}

fn read_columns(
    batch: &LogBatch,
    plan: &ArrowPlan,
    records: &Bytes,
    context: &ReadContext,
) -> Result<(ColumnarBatch, usize)> {
    let rows = batch.header().record_count();
    let decoded = if rows == 0 {
        // There is no message in a batch without records.
        ipc::Decoded::default()
    } else {
        let message = Message::parse(records, batch.size_bytes() - records.len())?;
        ipc::decode(
            &message,
            &plan.columns,
            rows,
            context.limits(),
            plan.missing_bytes(rows),
        )?
    };
    let columns = ColumnarBatch::from_arrays(
        plan.target.clone(),
        Arc::clone(&plan.schema),
        plan.pick(&decoded.arrays, rows),
        rows,
    )?;
    Ok((columns, decoded.own_bytes))
}

impl DecodedBatch {
    /// Returns the header of the batch.
    pub fn header(&self) -> &LogBatchHeader {
        &self.header
    }

    /// Returns the offset of the first record.
    pub fn base_offset(&self) -> i64 {
        self.header.base_offset()
    }

    /// Returns the offset of the batch that follows.
    pub fn next_offset(&self) -> i64 {
        self.header.next_offset()
    }

    /// Returns the bytes of memory that the records take in addition to the bytes of the batch: what was
    /// decompressed, or copied because it was misaligned.
    pub fn own_bytes(&self) -> usize {
        self.own_bytes
    }

    /// When the server received the batch, in milliseconds since the epoch.
    pub fn timestamp(&self) -> i64 {
        self.header.commit_timestamp()
    }

    /// Returns the type of the rows.
    pub fn row_type(&self) -> &RowType {
        match &self.rows {
            Rows::Columns(columns) => columns.row_type(),
            Rows::Records { view, .. } => &view.row_type,
        }
    }

    /// Returns the number of records.
    pub fn row_count(&self) -> usize {
        match &self.rows {
            Rows::Columns(columns) => columns.row_count(),
            Rows::Records { records, .. } => records.len(),
        }
    }

    /// Returns whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.row_count() == 0
    }

    /// What happened to the row of a record; [`ChangeType::AppendOnly`] for a record that the batch does not have.
    #[inline]
    pub fn change_type(&self, index: usize) -> ChangeType {
        let change = self
            .changes
            .as_ref()
            .and_then(|changes| changes.get(index))
            .copied();
        change
            .and_then(ChangeType::from_byte)
            .unwrap_or(ChangeType::AppendOnly)
    }

    /// Returns the row of a record. Reading from a row beyond the end returns an error.
    #[inline]
    pub fn row(&self, index: usize) -> ColumnarRow {
        match &self.rows {
            Rows::Columns(columns) => columns.row(index),
            Rows::Records { records, view } => ColumnarRow::binary(records.row(index), view),
        }
    }

    /// Returns the columns of a batch in the format ARROW whose records are all appended.
    pub fn appended_columns(&self) -> Option<&ColumnarBatch> {
        match &self.rows {
            Rows::Columns(columns) if self.changes.is_none() => Some(columns),
            _ => None,
        }
    }

    /// Returns the first records from position `from` on that cannot be read, and why. This is one record, or all the
    /// remaining ones if the end of one cannot be found. Always `None` for a batch that [`LogBatch::read`] returned.
    pub fn first_unreadable(&self, from: usize) -> Option<(Range<usize>, RowError)> {
        match &self.rows {
            Rows::Records { records, .. } => records.first_unreadable(from),
            Rows::Columns(_) if self.has_unknown_changes => {
                let changes = self.changes.as_ref()?.get(from..)?;
                let index = from + changes.iter().position(|change| is_unknown(*change))?;
                let error = RowError::Malformed {
                    what: "change type",
                    offset: self.header.records_at() + index,
                    problem: "unknown",
                };
                Some((index..index + 1, error))
            }
            Rows::Columns(_) => None,
        }
    }

    /// Iterates over the rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = ColumnarRow> {
        (0..self.row_count()).map(|index| self.row(index))
    }

    /// Iterates over the records.
    pub fn records(&self) -> impl ExactSizeIterator<Item = LogRecord> {
        (0..self.row_count()).map(|index| LogRecord {
            offset: self.base_offset() + index as i64,
            timestamp: self.timestamp(),
            change_type: self.change_type(index),
            row: self.row(index),
        })
    }

    /// Returns the rows as an Arrow batch. It shares the columns of an ARROW batch; rows of other formats are copied
    /// into columns.
    ///
    /// Returns an error with the column if one has a null although it is NOT NULL, or a value that Arrow cannot
    /// represent.
    pub fn record_batch(&self) -> Result<RecordBatch> {
        let first = self.first_rows(0..self.row_count())?;
        match first.misfit {
            Some((_, error)) => Err(error),
            None => Ok(first.batch),
        }
    }

    /// Some of the rows as an Arrow batch, up to the first one that Arrow cannot represent: a null in a NOT NULL
    /// column, or a decimal beyond its precision. Servers store both, and [`row`](Self::row) reads them.
    pub fn first_rows(&self, rows: Range<usize>) -> Result<FirstRows> {
        let end = rows.end.min(self.row_count());
        let rows = rows.start.min(end)..end;
        match &self.rows {
            Rows::Columns(columns) => {
                let misfit = columns.first_misfit(rows.clone());
                let end = misfit.as_ref().map_or(rows.end, |(row, _)| *row);
                let batch = columns.slice(rows.start..end)?;
                Ok(FirstRows { batch, misfit })
            }
            Rows::Records { .. } => {
                let mut columns = ColumnBuilders::new(self.row_type())?;
                let mut append = |row| columns.append_row(&self.row(row)).map_err(|e| (row, e));
                let misfit = rows.clone().find_map(|row| append(row).err());
                let batch = columns.finish()?;
                Ok(FirstRows { batch, misfit })
            }
        }
    }

    /// Returns the records as an Arrow batch of the columns `_change_type`, `_log_offset`, `_commit_timestamp` and
    /// then those of the rows.
    pub fn changelog_batch(&self) -> Result<RecordBatch> {
        let rows = self.record_batch()?;
        let count = self.row_count();
        let offsets = (0..count).map(|index| self.base_offset() + index as i64);
        let columns: [ArrayRef; 3] = [
            change_type_array((0..count).map(|index| self.change_type(index))),
            Arc::new(Int64Array::from_iter_values(offsets)),
            Arc::new(TimestampMillisecondArray::from_value(
                self.timestamp(),
                count,
            )),
        ];
        let fields = [
            Field::new(CHANGE_TYPE_COLUMN, ArrowType::Utf8, false),
            Field::new(LOG_OFFSET_COLUMN, ArrowType::Int64, false),
            Field::new(
                COMMIT_TIMESTAMP_COLUMN,
                ArrowType::Timestamp(TimeUnit::Millisecond, None),
                false,
            ),
        ];
        let fields: Vec<_> = fields
            .into_iter()
            .map(Arc::new)
            .chain(rows.schema().fields().iter().cloned())
            .collect();
        let arrays = columns
            .into_iter()
            .chain(rows.columns().iter().cloned())
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|source| RowError::Columns { source })
    }
}
