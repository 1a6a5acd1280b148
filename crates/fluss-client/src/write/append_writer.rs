//! Writers of log tables.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use fluss_metadata::TableInfo;
use fluss_row::InternalRow;
use fluss_row::arrow::TableBatch;

use super::arrow_batch::{Piece, pieces};
use super::format::BatchKind;
use super::result::{BatchWriteFuture, WriteResultFuture};
use super::row_writer::RowWriter;
use super::writers::Writers;
use crate::context::OpenContext;
use crate::error::{Error, Result};
use crate::turn::take_turn;

/// Appends rows to a log table.
///
/// Cheap to clone. [`flush`](Self::flush) waits for the rows of all clones. Rows are encoded immediately and sent in
/// batches in the background: when a batch is full, when its oldest row has waited for `writer_batch_timeout`, when
/// one of its rows is awaited, or on `flush`.
///
/// Rows of one bucket are written in call order. Dropping the last clone loses nothing: what you appended is still
/// sent, as long as the connection exists. Rows that are not acknowledged when the connection ends are lost, and a
/// warning is logged: call [`flush`](Self::flush) or [`close`](Self::close) first.
#[derive(Clone)]
pub struct AppendWriter {
    inner: Arc<Inner>,
}

struct Inner {
    writer: RowWriter,
    /// Maximum bytes of a piece of an Arrow batch.
    max_piece: usize,
}

impl AppendWriter {
    #[cfg(test)]
    pub(super) fn table(&self) -> &Arc<super::table::TableWrites> {
        self.inner.writer.appender.table()
    }

    pub(crate) fn new(context: OpenContext, writers: &Writers, info: &TableInfo) -> Result<Self> {
        let writer = RowWriter::new(context, writers, info, BatchKind::Log)?;
        // Rejects a table whose rows cannot be encoded now, not at the first row.
        drop(writer.appender.format().encoder()?);
        let max_piece = writer.appender.max_batch();
        Ok(Self {
            inner: Arc::new(Inner { writer, max_piece }),
        })
    }

    /// Appends a row.
    ///
    /// You can await the result, which sends the row immediately, or drop it. If the write buffer is full, the call
    /// blocks this thread until there is room, for at most `writer_buffer_wait_timeout`. It never blocks the runtime
    /// or the sender, so calling it in a tight loop is fine. (On a `current_thread` runtime with
    /// [`DriverPlacement::CallerRuntime`](crate::config::DriverPlacement), it cannot wait and returns an error
    /// immediately.)
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the row does not fit the table,
    /// [`ErrorKind::BufferFull`](crate::ErrorKind::BufferFull), [`ErrorKind::Closed`](crate::ErrorKind::Closed), or
    /// the reason why the table can no longer be written. On error, the row is not written.
    ///
    /// # Panics
    ///
    /// If the buffer is full inside a `tokio::task::LocalSet` of a multi-thread runtime, which does not allow
    /// blocking. Use [`append_async`](Self::append_async) there.
    #[inline]
    pub fn append<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.writer.check(row)?;
        let bucket = inner.writer.route.bucket_of(row)?;
        inner
            .writer
            .appender
            .write(&bucket.target(), |encoder| encoder.append(row))
    }

    /// Appends a row. If the write buffer is full, waits for room without blocking a thread, for at most
    /// `writer_buffer_wait_timeout`.
    ///
    /// # Errors
    ///
    /// The same as [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped before completion, the row was not appended.
    pub async fn append_async<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        take_turn().await;
        let inner = &*self.inner;
        inner.writer.check(row)?;
        let bucket = inner.writer.route.bucket_of(row)?;
        inner
            .writer
            .appender
            .write_async(&bucket.target(), |encoder| encoder.append(row))
            .await
    }

    /// Appends a row if there is room for it now, without waiting.
    ///
    /// # Errors
    ///
    /// The same as [`append`](Self::append), with [`ErrorKind::BufferFull`](crate::ErrorKind::BufferFull) if there is
    /// no room.
    pub fn try_append<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.writer.check(row)?;
        let bucket = inner.writer.route.bucket_of(row)?;
        inner
            .writer
            .appender
            .try_write(&bucket.target(), |encoder| encoder.append(row))
    }

    /// Appends the rows of an Arrow batch.
    ///
    /// The batch is split by partition and bucket. If all rows go to one bucket, they are not copied (small batches
    /// are, because they are combined). Columns are matched by name; nullability and metadata of the fields do not
    /// matter. Columns of other Arrow types that hold the same values are converted: large and view types,
    /// dictionaries, run-end encoding, lists of any kind, other time units and time zones, integers and decimals of
    /// other widths, precisions and scales. Digits of a time beyond the column's precision are truncated, as in rows.
    /// Waits like [`append`](Self::append). The future returns one result per piece: its bucket and the offset of its
    /// first row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) with the column's name if a column is missing, unexpected, of a
    /// type that does not convert, or has a null although it is NOT NULL, and with column and row for a value that
    /// does not fit the column. In these cases nothing is appended. Otherwise the same as [`append`](Self::append);
    /// pieces before the one that failed are still written.
    ///
    /// # Panics
    ///
    /// The same as [`append`](Self::append).
    pub fn append_arrow_batch(&self, batch: &RecordBatch) -> Result<BatchWriteFuture> {
        let inner = &*self.inner;
        let mut results = Vec::new();
        for piece in inner.pieces(batch)? {
            let (target, load) = (piece.target(), piece.load());
            if inner.writer.appender.format().is_arrow() {
                let first = inner
                    .writer
                    .appender
                    .write_load(&target, load, |encoder| encoder.append_batch(&piece.rows))?;
                results.push((first, load.rows));
            } else {
                for row in piece.rows.rows()?.rows() {
                    let row = inner
                        .writer
                        .appender
                        .write(&target, |encoder| encoder.append(&row))?;
                    results.push((row, 1));
                }
            }
        }
        Ok(BatchWriteFuture::new(results))
    }

    /// Equivalent to [`append_arrow_batch`](Self::append_arrow_batch), but waits for room without blocking a thread.
    ///
    /// # Errors
    ///
    /// The same as [`append_arrow_batch`](Self::append_arrow_batch).
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if dropped before completion, some pieces may have been appended.
    pub async fn append_arrow_batch_async(&self, batch: &RecordBatch) -> Result<BatchWriteFuture> {
        take_turn().await;
        let inner = &*self.inner;
        let mut results = Vec::new();
        for piece in inner.pieces(batch)? {
            take_turn().await;
            let (target, load) = (piece.target(), piece.load());
            if inner.writer.appender.format().is_arrow() {
                let first = inner
                    .writer
                    .appender
                    .write_load_async(&target, load, |encoder| encoder.append_batch(&piece.rows))
                    .await?;
                results.push((first, load.rows));
            } else {
                for row in piece.rows.rows()?.rows() {
                    take_turn().await;
                    let row = inner
                        .writer
                        .appender
                        .write_async(&target, |encoder| encoder.append(&row))
                        .await?;
                    results.push((row, 1));
                }
            }
        }
        Ok(BatchWriteFuture::new(results))
    }

    /// Sends everything that this writer and its clones have appended, and waits until all of it is acknowledged or
    /// failed.
    ///
    /// # Errors
    ///
    /// Returns the first failure of a row since the last `flush`, whether or not its own result was awaited.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the rows are still sent, and the next `flush` returns their failures.
    pub async fn flush(&self) -> Result<()> {
        self.inner.writer.flush().await
    }

    /// Rejects further rows from this writer and its clones, and flushes for at most `timeout`.
    ///
    /// # Errors
    ///
    /// Returns the first failure that neither a `flush` nor the result of its row has returned, or
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) with the number of rows that were not acknowledged in time,
    /// including rows of other writers in the same batches. They are still sent in the background.
    ///
    /// # Cancel safety
    ///
    /// If dropped before completion, the writer is closed anyway.
    pub async fn close(&self, timeout: Duration) -> Result<()> {
        self.inner.writer.close(timeout).await
    }
}

impl Inner {
    fn pieces(&self, batch: &RecordBatch) -> Result<Vec<Piece>> {
        let info = self.writer.info();
        // Validate the whole batch before any piece is appended.
        TableBatch::try_new(self.writer.appender.format().row_type(), batch)
            .map_err(Error::from)
            .and_then(|batch| pieces(&batch, &self.writer.route, self.max_piece))
            .map_err(|error| error.of_table(info.table_path()))
    }
}

impl fmt::Debug for AppendWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendWriter")
            .field("table", self.inner.writer.info().table_path())
            .finish_non_exhaustive()
    }
}
