//! From bytes of the log to batches that `poll` hands out.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use fluss_metadata::{SchemaId, TableBucket};
use fluss_row::ChangeType;
use fluss_row::arrow::{ColumnarBatch, ColumnarRow, change_type_array};
use fluss_row::log::{DecodedBatch, LogBatch, LogBatches, ReadContext};

use super::fetch::Decode;
use super::{Projection, Shared};
use crate::connection::ConnectionInner;
use crate::engine::scan::{BatchHeader, Chunk, ScanEngine};
use crate::error::{Error, Result};

/// What the server did to batches before it sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// Nothing: they are as they were written, with a checksum that holds.
    Whole,
    /// It left columns out, and the checksum as it was.
    Projected,
}

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
    pub(super) broken: Option<Error>,
}

/// What of a piece of the log is to be decoded.
pub(super) struct Wanted {
    /// Offset from which on rows are wanted.
    pub(super) from: i64,
    pub(super) batches: Vec<LogBatch>,
    pub(super) broken: Option<Error>,
}

impl Batches {
    /// Leaves out what lies outside of the bounds between which a bucket is read. `from` is the offset that was asked for.
    pub(super) fn admitted(
        mut self,
        engine: &mut ScanEngine<LogChunk>,
        bucket: &TableBucket,
        from: i64,
    ) -> Wanted {
        let admitted = engine.admit(bucket, from, &mut self.whole, |batch| BatchHeader {
            base_offset: batch.header().base_offset(),
            commit_time: batch.header().commit_timestamp(),
        });
        Wanted {
            from: admitted.from,
            batches: self.whole,
            broken: self.broken.filter(|_| !admitted.ended),
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
                found.broken = Some(corrupt(
                    found.next_offset.unwrap_or(offset),
                    &Error::from(error),
                ));
                break;
            }
        };
        let next = batch.header().next_offset();
        let expected = found.next_offset.unwrap_or(i64::MIN);
        if begins == Begins::AtOrBefore && found.next_offset.is_none() && next <= offset {
            found.whole_bytes += batch.size_bytes();
            continue;
        }
        if batch.header().base_offset() < expected
            || (found.next_offset.is_none() && next <= offset)
        {
            let base = batch.header().base_offset();
            found.broken = Some(Error::corrupt(format!(
                "a batch of offsets {base} to {} where offset {} was expected",
                next - 1,
                expected.max(offset)
            )));
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

fn corrupt(offset: i64, error: &Error) -> Error {
    Error::corrupt(format!(
        "the batch at offset {offset} cannot be read: {error}"
    ))
}

/// A decoded batch. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct LogChunk {
    batch: DecodedBatch,
    skipped: usize,
}

impl LogChunk {
    pub(super) fn rows(&self) -> usize {
        self.batch.row_count()
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

    /// The rows as a batch of the scanner's schema, of which the change type is the last column where it has one.
    pub(super) fn record_batch(
        &self,
        rows: Range<usize>,
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let batch = self.batch.record_batch()?;
        let batch = if rows.len() == batch.num_rows() {
            batch
        } else {
            batch.slice(rows.start, rows.len())
        };
        if schema.fields().len() == batch.num_columns() {
            return Ok(batch);
        }
        let mut columns = batch.columns().to_vec();
        columns.push(change_type_array(rows.map(|row| self.change_type(row))));
        RecordBatch::try_new(SchemaRef::clone(schema), columns)
            .map_err(|error| Error::corrupt(format!("the columns do not fit the schema: {error}")))
    }
}

impl Chunk for LogChunk {
    fn row_count(&self) -> usize {
        self.batch.row_count()
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

    fn is_update_before(&self, row: usize) -> bool {
        self.batch.change_type(row) == ChangeType::UpdateBefore
    }
}

/// Reads batches into the columns of a scan, whatever schema they were written with.
pub(super) struct BatchReader {
    connection: Arc<ConnectionInner>,
    projection: Projection,
    /// How to read batches of each schema, made once.
    contexts: Mutex<HashMap<(SchemaId, Source), Arc<ReadContext>>>,
}

impl BatchReader {
    pub(super) fn new(connection: Arc<ConnectionInner>, projection: Projection) -> Self {
        Self {
            connection,
            projection,
            contexts: Mutex::default(),
        }
    }

    pub(super) fn connection(&self) -> &ConnectionInner {
        &self.connection
    }

    pub(super) fn projection(&self) -> &Projection {
        &self.projection
    }

    /// Reads a batch of which rows from the offset `from` on are wanted. Its schema is fetched where it is new.
    pub(super) async fn read(
        &self,
        batch: &LogBatch,
        from: i64,
        source: Source,
    ) -> Result<LogChunk> {
        let context = self.context(batch.header().schema_id(), source).await?;
        let base = batch.header().base_offset();
        if source == Source::Whole && self.connection.config.scanner_check_crc {
            batch
                .verify_crc()
                .map_err(|error| corrupt(base, &error.into()))?;
        }
        let decoded = batch
            .read(&context)
            .map_err(|error| corrupt(base, &error.into()))?;
        let skipped = usize::try_from(from.saturating_sub(base))
            .unwrap_or(0)
            .min(decoded.row_count());
        Ok(LogChunk {
            batch: decoded,
            skipped,
        })
    }

    async fn context(&self, schema_id: SchemaId, source: Source) -> Result<Arc<ReadContext>> {
        if let Some(context) = self.contexts().get(&(schema_id, source)) {
            return Ok(Arc::clone(context));
        }
        let table = self.projection.table();
        let schema = self
            .connection
            .schema(table.table_path(), table.table_id(), schema_id)
            .await?;
        let context = Arc::new(self.projection.read_context(
            &schema,
            source,
            &self.connection.config,
        )?);
        self.contexts()
            .insert((schema_id, source), Arc::clone(&context));
        Ok(context)
    }

    fn contexts(&self) -> MutexGuard<'_, HashMap<(SchemaId, Source), Arc<ReadContext>>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decodes one bucket's part of an answer, and hands over each batch as soon as it is decoded.
pub(super) async fn decode(shared: &Shared, work: Decode) {
    let Decode {
        bucket,
        ticket,
        from,
        batches,
        broken,
        source,
    } = work;
    let mut outcome = Ok(());
    for batch in &batches {
        match shared.reader.read(batch, from, source).await {
            Ok(chunk) => {
                if shared.engine().on_decoded(&bucket, ticket, chunk) {
                    shared.data.notify_one();
                }
            }
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
        // Decompression takes a while: other tasks of this thread get their turn between batches.
        tokio::task::yield_now().await;
    }
    if let (Ok(()), Some(error)) = (&outcome, broken) {
        outcome = Err(error);
    }
    shared.engine().on_decode_end(&bucket, ticket, outcome);
    shared.data.notify_one();
    shared.work.notify_one();
}
