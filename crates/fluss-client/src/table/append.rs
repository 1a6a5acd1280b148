//! Appending to log tables.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use fluss_metadata::TableInfo;
use fluss_metadata::text::Count;
use fluss_row::InternalRow;
use fluss_row::arrow::TableBatch;

use super::{BatchWriteFuture, WriteResultFuture};
use crate::connection::ConnectionInner;
use crate::error::{Error, Result};
use crate::turn::take_turn;
use crate::write::{Appender, BatchKind, Piece, RowRoute, Target, pieces};

/// What is to be appended to: makes writers.
#[derive(Clone)]
pub struct TableAppend {
    connection: Arc<ConnectionInner>,
    info: TableInfo,
}

impl TableAppend {
    pub(super) fn new(connection: Arc<ConnectionInner>, info: TableInfo) -> Self {
        Self { connection, info }
    }

    /// Makes a writer. All writers of a connection share its write buffer, and those of one table its batches.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the table has properties that this client does not know how to write,
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the connection was closed.
    pub fn create_writer(&self) -> Result<AppendWriter> {
        self.make_writer().map_err(|error| {
            error
                .during("create_writer")
                .of_table(self.info.table_path())
        })
    }

    fn make_writer(&self) -> Result<AppendWriter> {
        let appender = self
            .connection
            .writers()
            .appender(&self.info, BatchKind::Log)?;
        // A table whose rows cannot be encoded is refused here and not by its first row.
        drop(appender.format().encoder()?);
        let route = RowRoute::new(
            &self.info,
            appender.table(),
            self.connection.config.writer_bucket_no_key_assigner,
        )?;
        let max_piece = appender.max_batch();
        let inner = Inner {
            columns: self.info.row_type().fields().len(),
            max_piece,
            appender,
            route,
            _connection: Arc::clone(&self.connection),
        };
        Ok(AppendWriter {
            inner: Arc::new(inner),
        })
    }
}

/// Appends rows to a log table.
///
/// Cheap to clone; clones share what [`flush`](Self::flush) waits for. Rows are encoded at once and sent in batches in the background:
/// when a batch is full, when its oldest row has waited for `writer_batch_timeout`, when a row of it is awaited, or on `flush`.
///
/// Rows of one bucket are written in the order of the calls. Dropping the last clone loses nothing: what was appended is still sent,
/// until the connection itself ends. Rows that are not acknowledged by then are lost, which is logged as a warning: call
/// [`flush`](Self::flush) or [`close`](Self::close) first.
#[derive(Clone)]
pub struct AppendWriter {
    inner: Arc<Inner>,
}

struct Inner {
    appender: Appender,
    route: RowRoute,
    columns: usize,
    /// Bytes above which an Arrow batch is cut.
    max_piece: usize,
    /// Keeps the sender alive.
    _connection: Arc<ConnectionInner>,
}

impl AppendWriter {
    /// Appends a row.
    ///
    /// The result may be awaited, which makes the row urgent, or dropped. If the write buffer is full, the call waits for room on this
    /// thread, at most `writer_buffer_wait_timeout`; it does so without holding up the runtime or the sending of batches, so a tight
    /// loop of this simply works. (On a `current_thread` runtime with [`DriverPlacement::CallerRuntime`](crate::config::DriverPlacement),
    /// it cannot wait and errs at once.)
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the row does not fit the table, [`ErrorKind::BufferFull`](crate::ErrorKind::BufferFull),
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed), or why nothing can be written to the table any more. The row is then not written.
    ///
    /// # Panics
    ///
    /// On a full buffer inside a `tokio::task::LocalSet` of a multi-thread runtime, which forbids waiting: use
    /// [`append_async`](Self::append_async) there.
    #[inline]
    pub fn append<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.check(row)?;
        let (group, bucket) = inner.route.of(row)?;
        inner.appender.write(
            &Target {
                group: &group,
                bucket,
                bucket_key: None,
            },
            |encoder| encoder.append(row),
        )
    }

    /// Appends a row; if the write buffer is full, waits for room without holding a thread, at most `writer_buffer_wait_timeout`.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the row was not appended.
    pub async fn append_async<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        take_turn().await;
        let inner = &*self.inner;
        inner.check(row)?;
        let (group, bucket) = inner.route.of(row)?;
        inner
            .appender
            .write_async(
                &Target {
                    group: &group,
                    bucket,
                    bucket_key: None,
                },
                |encoder| encoder.append(row),
            )
            .await
    }

    /// Appends a row if there is room for it now.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append), [`ErrorKind::BufferFull`](crate::ErrorKind::BufferFull) without waiting.
    pub fn try_append<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.check(row)?;
        let (group, bucket) = inner.route.of(row)?;
        inner.appender.try_write(
            &Target {
                group: &group,
                bucket,
                bucket_key: None,
            },
            |encoder| encoder.append(row),
        )
    }

    /// Appends the rows of an Arrow batch.
    ///
    /// The batch is split by partition and bucket as its rows say; what goes to one place is not copied (small batches are, to be
    /// collected). Columns are found by name; nullability and metadata of the fields do not matter. Columns of other Arrow types that hold
    /// the same values are converted: large and view types, dictionaries, runs, lists of any kind, other units and zones of time, integers
    /// and decimals of other widths, precisions and scales. Digits of a time beyond the column's precision are cut, as they are in rows.
    /// Waits like [`append`](Self::append). The future gives one result for each piece: its bucket and the offset of its first row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) with the column's name if a column is missing, surplus, of a type that does not
    /// convert, or has a null where there must be none, and with column and row for a value that the column cannot hold; nothing is appended
    /// then. Otherwise as [`append`](Self::append); pieces before the one that could not be appended are then written all the same.
    ///
    /// # Panics
    ///
    /// As [`append`](Self::append).
    pub fn append_arrow_batch(&self, batch: &RecordBatch) -> Result<BatchWriteFuture> {
        let inner = &*self.inner;
        let mut results = Vec::new();
        for piece in inner.pieces(batch)? {
            let (target, load) = (piece.target(), piece.load());
            if inner.appender.format().is_arrow() {
                let first = inner
                    .appender
                    .write_load(&target, load, |encoder| encoder.append_batch(&piece.rows))?;
                results.push((first, load.rows));
            } else {
                for row in piece.rows.rows()?.rows() {
                    let row = inner
                        .appender
                        .write(&target, |encoder| encoder.append(&row))?;
                    results.push((row, 1));
                }
            }
        }
        Ok(BatchWriteFuture::new(results))
    }

    /// [`append_arrow_batch`](Self::append_arrow_batch), waiting for room without holding a thread.
    ///
    /// # Errors
    ///
    /// As [`append_arrow_batch`](Self::append_arrow_batch).
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, some pieces may have been appended.
    pub async fn append_arrow_batch_async(&self, batch: &RecordBatch) -> Result<BatchWriteFuture> {
        take_turn().await;
        let inner = &*self.inner;
        let mut results = Vec::new();
        for piece in inner.pieces(batch)? {
            take_turn().await;
            let (target, load) = (piece.target(), piece.load());
            if inner.appender.format().is_arrow() {
                let first = inner
                    .appender
                    .write_load_async(&target, load, |encoder| encoder.append_batch(&piece.rows))
                    .await?;
                results.push((first, load.rows));
            } else {
                for row in piece.rows.rows()?.rows() {
                    take_turn().await;
                    let row = inner
                        .appender
                        .write_async(&target, |encoder| encoder.append(&row))
                        .await?;
                    results.push((row, 1));
                }
            }
        }
        Ok(BatchWriteFuture::new(results))
    }

    /// Sends what this writer and its clones have appended, and waits until all of it is acknowledged or failed.
    ///
    /// # Errors
    ///
    /// The first failure of a row since the last `flush`, whether its own result was awaited or not.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the rows are sent all the same, and no failure is forgotten.
    pub async fn flush(&self) -> Result<()> {
        take_turn().await;
        self.inner
            .appender
            .flush()
            .await
            .map_err(|error| error.during("flush"))
    }

    /// Refuses rows from now on, in all clones, and flushes for at most `timeout`.
    ///
    /// # Errors
    ///
    /// The first failure that neither a `flush` nor the result of its row has told; [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) with
    /// the number of rows that were not acknowledged in time, those of other writers in the same batches included. They are still sent in the background.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the writer is closed all the same.
    pub async fn close(&self, timeout: Duration) -> Result<()> {
        self.inner.appender.close(timeout).await.map_err(|error| {
            error
                .during("close")
                .of_table(self.inner.appender.table().info().table_path())
        })
    }
}

impl Inner {
    fn pieces(&self, batch: &RecordBatch) -> Result<Vec<Piece>> {
        let info = self.appender.table().info();
        // Checked as a whole before any piece goes.
        TableBatch::try_new(self.appender.format().row_type(), batch)
            .map_err(Error::from)
            .and_then(|batch| pieces(&batch, &self.route, self.max_piece))
            .map_err(|error| error.of_table(info.table_path()))
    }

    #[inline]
    fn check<R: InternalRow>(&self, row: &R) -> Result<()> {
        if row.field_count() == self.columns {
            Ok(())
        } else {
            Err(wrong_width(
                self.appender.table().info(),
                row.field_count(),
                self.columns,
            ))
        }
    }
}

#[cold]
pub(super) fn wrong_width(info: &TableInfo, fields: usize, columns: usize) -> Error {
    Error::usage(format!(
        "the row has {}, the table {}",
        Count(fields, "field"),
        Count(columns, "column")
    ))
    .of_table(info.table_path())
}

impl fmt::Debug for TableAppend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableAppend")
            .field("table", self.info.table_path())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AppendWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendWriter")
            .field("table", self.inner.appender.table().info().table_path())
            .finish_non_exhaustive()
    }
}
