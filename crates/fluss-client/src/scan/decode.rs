//! From bytes of the log to batches of rows.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use fluss_metadata::{SchemaId, TableBucket};
use fluss_row::arrow::{ColumnarBatch, ColumnarRow, change_type_array};
use fluss_row::log::{DecodedBatch, FirstRows, LogBatch, LogBatches, ReadContext};
use fluss_row::{ChangeType, RowError};

use super::projection::{Projection, Source};
use crate::context::OpenContext;
use crate::engine::scan::{BatchHeader, Chunk, ScanEngine};
use crate::error::{Error, Result};

/// What there is in a piece of the log, by the headers of its batches.
#[derive(Debug, Default)]
pub(super) struct Batches {
    pub(super) whole: Vec<LogBatch>,
    pub(super) whole_bytes: usize,
    /// Offset after the last whole batch.
    pub(super) next_offset: Option<i64>,
    /// Size of the largest whole batch, or of the cut one if there is no whole one.
    pub(super) largest: usize,
    pub(super) last_schema_id: Option<SchemaId>,
    /// Why what follows the whole batches is none.
    pub(super) broken: Option<Broken>,
}

/// Where a piece of the log cannot be read on, and why.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) error: Error,
    /// Offset of the first row that may be missing.
    pub(super) at: i64,
}

/// What of a piece of the log is to be decoded.
pub(super) struct Wanted {
    /// Offset from which on rows are wanted.
    pub(super) from: i64,
    pub(super) batches: Vec<LogBatch>,
    pub(super) broken: Option<Broken>,
}

impl Batches {
    /// Leaves out what lies outside of the bounds between which a bucket is read. `from` is the offset that was asked for.
    pub(super) fn admitted(
        mut self,
        engine: &mut ScanEngine<LogChunk>,
        bucket: &TableBucket,
        from: i64,
    ) -> Wanted {
        let from = engine.admit(bucket, from, &mut self.whole, |batch| BatchHeader {
            base_offset: batch.header().base_offset(),
            commit_time: batch.header().commit_timestamp(),
        });
        Wanted {
            from,
            batches: self.whole,
            broken: self.broken,
        }
    }
}

/// Where a piece of the log begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// With the batch that holds the offset.
    At,
    /// There or some batches before it: the index of a remote segment does not know every batch.
    AtOrBefore,
}

/// Finds the whole batches of a piece that was asked for at `offset`; those before it are left out. What is cut off at its end is left out silently: the server cuts
/// anywhere (`MemorySegmentLogInputStream`).
pub(super) fn split(records: &Bytes, offset: i64, begins: Begins) -> Batches {
    let mut found = Batches::default();
    for batch in LogBatches::new(records.clone()) {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                let offset = found.next_offset.unwrap_or(offset);
                let what = format!("the batch at offset {offset} cannot be read");
                let error = Error::unreadable_rows(what, error);
                found.broken = Some(Broken { error, at: offset });
                break;
            }
        };
        let next = batch.header().next_offset();
        if begins == Begins::AtOrBefore && found.next_offset.is_none() && next <= offset {
            found.whole_bytes += batch.size_bytes();
            continue;
        }
        let base = batch.header().base_offset();
        // The checksum does not cover the base offset. That the log has no gaps shows whether it is right.
        let in_order = match found.next_offset {
            Some(expected) => base == expected,
            None => offset < 0 || (base <= offset && offset < next),
        };
        if !in_order {
            let expected = found.next_offset.unwrap_or(offset);
            let error = Error::corrupt(format!(
                "a batch of offsets {base} to {} where offset {expected} was expected",
                next - 1,
            ));
            if offset < 0 && found.whole.len() == 1 {
                // Nothing shows that it is not the first one that is wrong.
                found.whole.clear();
                found.next_offset = None;
            }
            let at = expected.min(base);
            found.broken = Some(Broken { error, at });
            break;
        }
        found.whole_bytes += batch.size_bytes();
        found.largest = found.largest.max(batch.size_bytes());
        found.next_offset = Some(next);
        found.last_schema_id = Some(batch.header().schema_id());
        found.whole.push(batch);
    }
    if found.whole.is_empty() {
        let length = records
            .get(8..12)
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, i32::from_le_bytes);
        found.largest = usize::try_from(length).map_or(0, |length| length.saturating_add(12));
    }
    found
}

/// The error for a batch that cannot be read.
fn unreadable(batch: &LogBatch, error: RowError) -> Error {
    let header = batch.header();
    let what = format!(
        "the batch at offset {} cannot be read",
        header.base_offset()
    );
    Error::unreadable_rows(what, error).of_offsets(header.base_offset()..header.next_offset())
}

/// A decoded batch. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct LogChunk {
    batch: DecodedBatch,
    skipped: usize,
    /// How many of its rows are handed out, the skipped ones included.
    rows: usize,
    /// The rows from the first that is not skipped on, in the schema of a scanner over Arrow batches.
    columns: Option<RecordBatch>,
}

impl LogChunk {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    #[inline]
    pub(super) fn row(&self, row: usize) -> ColumnarRow {
        self.batch.row(row)
    }

    /// The columns, if all rows are appended ones in columns.
    pub(super) fn appended_columns(&self) -> Option<&ColumnarBatch> {
        self.batch.appended_columns()
    }

    pub(super) fn offset(&self, row: usize) -> i64 {
        self.batch.base_offset() + row as i64
    }

    pub(super) fn timestamp(&self) -> i64 {
        self.batch.timestamp()
    }

    pub(super) fn change_type(&self, row: usize) -> ChangeType {
        self.batch.change_type(row)
    }

    /// The first rows from `from` on that cannot be read, and the error that names them.
    pub(super) fn first_unreadable(&self, from: usize) -> Option<(Range<usize>, Error)> {
        let (rows, error) = self.batch.first_unreadable(from)?;
        let offsets = self.offset(rows.start)..self.offset(rows.end);
        let error = Error::unreadable_rows("the row cannot be read", error).of_offsets(offsets);
        Some((rows, error))
    }

    /// The chunk up to its first row that cannot be read, and the error that names that.
    pub(super) fn up_to_unreadable(mut self) -> (Self, Option<Error>) {
        let Some((rows, error)) = self.first_unreadable(self.skipped) else {
            return (self, None);
        };
        self.rows = rows.start;
        (self, Some(error))
    }

    /// Makes Arrow columns of the rows. Where Arrow cannot hold one, the chunk ends before it, and the error names it.
    pub(super) fn in_columns(mut self, schema: &SchemaRef) -> Result<(Self, Option<Error>)> {
        let (columns, misfit) = self.first_columns(self.skipped..self.rows, schema)?;
        self.columns = Some(columns);
        let error = misfit.map(|(row, error)| {
            self.rows = row;
            error
        });
        Ok((self, error))
    }

    /// Some rows as a batch of the schema, of which the change type is the last column where it has one; up to the first that Arrow
    /// cannot hold. With it which one that is, and the error that names it.
    pub(super) fn first_columns(
        &self,
        rows: Range<usize>,
        schema: &SchemaRef,
    ) -> Result<(RecordBatch, Option<(usize, Error)>)> {
        let from = rows.start;
        let FirstRows { batch, misfit } = self.batch.first_rows(rows)?;
        let misfit = misfit.map(|(row, error)| {
            let offset = self.offset(row);
            let error = Error::unreadable_rows("an Arrow batch cannot hold the row", error)
                .of_offsets(offset..offset.saturating_add(1));
            (row, error)
        });
        if schema.fields().len() == batch.num_columns() {
            return Ok((batch, misfit));
        }
        let mut columns = batch.columns().to_vec();
        let changes = (from..from + batch.num_rows()).map(|row| self.change_type(row));
        columns.push(change_type_array(changes));
        let batch = RecordBatch::try_new(SchemaRef::clone(schema), columns).map_err(|error| {
            Error::unreadable_rows("the batch", RowError::Columns { source: error })
        })?;
        Ok((batch, misfit))
    }

    /// The columns of rows that were made by [`in_columns`](Self::in_columns).
    pub(super) fn columns(&self, rows: &Range<usize>) -> Option<RecordBatch> {
        let columns = self.columns.as_ref()?;
        if rows.len() == columns.num_rows() {
            return Some(columns.clone());
        }
        let start = rows.start.checked_sub(self.skipped)?;
        Some(columns.slice(start, rows.len()))
    }
}

impl Chunk for LogChunk {
    fn row_count(&self) -> usize {
        self.rows
    }

    fn timestamp(&self) -> i64 {
        LogChunk::timestamp(self)
    }

    fn skipped_rows(&self) -> usize {
        self.skipped
    }

    fn offset_after(&self, row: usize) -> i64 {
        self.offset(row) + 1
    }

    fn next_offset(&self) -> i64 {
        if self.rows < self.batch.row_count() {
            self.offset(self.rows)
        } else {
            self.batch.next_offset()
        }
    }

    fn unpacked_bytes(&self) -> usize {
        let received = self.batch.header().size_bytes();
        self.batch.own_bytes().saturating_sub(received)
    }

    fn is_update_before(&self, row: usize) -> bool {
        self.batch.change_type(row) == ChangeType::UpdateBefore
    }
}

/// Reads batches into the columns of a scan, whatever schema they were written with.
pub(super) struct BatchReader {
    context: OpenContext,
    projection: Projection,
    /// How to read batches of each schema, made once.
    contexts: Mutex<HashMap<(SchemaId, Source), Arc<ReadContext>>>,
}

impl BatchReader {
    pub(super) fn new(context: OpenContext, projection: Projection) -> Self {
        Self {
            context,
            projection,
            contexts: Mutex::default(),
        }
    }

    pub(super) fn context(&self) -> &OpenContext {
        &self.context
    }

    pub(super) fn projection(&self) -> &Projection {
        &self.projection
    }

    /// Reads a batch of which rows from the offset `from` on are wanted. Its schema is fetched where it is new. The rows of the chunk are all
    /// that the header announces; [`LogChunk::first_unreadable`] finds those that are none.
    pub(super) async fn read(
        &self,
        batch: &LogBatch,
        from: i64,
        source: Source,
    ) -> Result<LogChunk> {
        let context = self
            .read_context(batch.header().schema_id(), source)
            .await?;
        if source == Source::Whole && self.context.config.scanner_check_crc {
            batch
                .verify_crc()
                .map_err(|error| unreadable(batch, error))?;
        }
        let decoded = batch
            .read_around(&context)
            .map_err(|error| unreadable(batch, error))?;
        let rows = decoded.row_count();
        let before = from.saturating_sub(decoded.base_offset());
        let skipped = usize::try_from(before).unwrap_or(0).min(rows);
        Ok(LogChunk {
            batch: decoded,
            skipped,
            rows,
            columns: None,
        })
    }

    async fn read_context(&self, schema_id: SchemaId, source: Source) -> Result<Arc<ReadContext>> {
        if let Some(context) = self.contexts().get(&(schema_id, source)) {
            return Ok(Arc::clone(context));
        }
        let table = self.projection.table();
        let schema = self
            .context
            .schema(table.table_path(), table.table_id(), schema_id)
            .await?;
        let context = Arc::new(self.projection.read_context(
            &schema,
            source,
            &self.context.config,
        )?);
        self.contexts()
            .insert((schema_id, source), Arc::clone(&context));
        Ok(context)
    }

    fn contexts(&self) -> MutexGuard<'_, HashMap<(SchemaId, Source), Arc<ReadContext>>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
