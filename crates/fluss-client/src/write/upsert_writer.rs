//! Writers of primary-key tables.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fluss_metadata::TableInfo;
use fluss_row::{InternalRow, RowEncoder};

use super::format::BatchKind;
use super::result::WriteResultFuture;
use super::row_writer::RowWriter;
use super::writers::Writers;
use crate::context::OpenContext;
use crate::error::Result;
use crate::turn::take_turn;

/// Upserts rows to a primary-key table and deletes them.
///
/// Cheap to clone. [`flush`](Self::flush) waits for the rows of all clones. Rows are encoded immediately and sent in
/// batches in the background: when a batch is full, when its oldest row has waited for `writer_batch_timeout`, when
/// one of its rows is awaited, or on `flush`.
///
/// Writes of one key are applied in call order. Dropping the last clone loses nothing: what you wrote is still sent,
/// as long as the connection exists. Rows that are not acknowledged when the connection ends are lost, and a warning
/// is logged: call [`flush`](Self::flush) or [`close`](Self::close) first.
#[derive(Clone)]
pub struct UpsertWriter {
    inner: Arc<Inner>,
}

struct Inner {
    writer: RowWriter,
    rows: RowEncoder,
}

impl UpsertWriter {
    pub(crate) fn new(
        context: OpenContext,
        writers: &Writers,
        info: &TableInfo,
        kind: BatchKind,
    ) -> Result<Self> {
        let writer = RowWriter::new(context, writers, info, kind)?;
        let rows = RowEncoder::of_table(info.descriptor().kv_format()?, info.row_type())?;
        Ok(Self {
            inner: Arc::new(Inner { writer, rows }),
        })
    }

    /// Inserts a row, or replaces the row with the same key.
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
    /// blocking. Use [`upsert_async`](Self::upsert_async) there.
    #[inline]
    pub fn upsert<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.writer.check(row)?;
        inner.writer.route.with_key(row, |target, key| {
            inner
                .writer
                .appender
                .write(target, |encoder| encoder.upsert(key, &inner.rows, row))
        })
    }

    /// Equivalent to [`upsert`](Self::upsert), but waits for room without blocking a thread.
    ///
    /// # Errors
    ///
    /// The same as [`upsert`](Self::upsert).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped before completion, the row was not written.
    pub async fn upsert_async<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        take_turn().await;
        let inner = &*self.inner;
        inner.writer.check(row)?;
        let plan = inner.writer.route.plan(row)?;
        inner
            .writer
            .appender
            .write_async(&plan.target(), |encoder| {
                encoder.upsert(&plan.key, &inner.rows, row)
            })
            .await
    }

    /// Equivalent to [`upsert`](Self::upsert), but does not wait if there is no room.
    ///
    /// # Errors
    ///
    /// The same as [`upsert`](Self::upsert), with [`ErrorKind::BufferFull`](crate::ErrorKind::BufferFull) if there is
    /// no room.
    pub fn try_upsert<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.writer.check(row)?;
        inner.writer.route.with_key(row, |target, key| {
            inner
                .writer
                .appender
                .try_write(target, |encoder| encoder.upsert(key, &inner.rows, row))
        })
    }

    /// Deletes the row with the key of `row`. Only the primary key columns of `row` are read.
    ///
    /// Whether deletes are allowed, ignored or rejected depends on the table (`table.delete.behavior`). Waits like
    /// [`upsert`](Self::upsert).
    ///
    /// # Errors
    ///
    /// The same as [`upsert`](Self::upsert).
    ///
    /// # Panics
    ///
    /// The same as [`upsert`](Self::upsert).
    #[inline]
    pub fn delete<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.writer.check(row)?;
        inner.writer.route.with_key(row, |target, key| {
            inner
                .writer
                .appender
                .write(target, |encoder| encoder.delete(key))
        })
    }

    /// Equivalent to [`delete`](Self::delete), but waits for room without blocking a thread.
    ///
    /// # Errors
    ///
    /// The same as [`upsert`](Self::upsert).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped before completion, nothing was deleted.
    pub async fn delete_async<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        take_turn().await;
        let inner = &*self.inner;
        inner.writer.check(row)?;
        let plan = inner.writer.route.plan(row)?;
        inner
            .writer
            .appender
            .write_async(&plan.target(), |encoder| encoder.delete(&plan.key))
            .await
    }

    /// Equivalent to [`delete`](Self::delete), but does not wait if there is no room.
    ///
    /// # Errors
    ///
    /// The same as [`upsert`](Self::upsert), with [`ErrorKind::BufferFull`](crate::ErrorKind::BufferFull) if there is
    /// no room.
    pub fn try_delete<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.writer.check(row)?;
        inner.writer.route.with_key(row, |target, key| {
            inner
                .writer
                .appender
                .try_write(target, |encoder| encoder.delete(key))
        })
    }

    /// Sends everything that this writer and its clones have written, and waits until all of it is acknowledged or
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

impl fmt::Debug for UpsertWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpsertWriter")
            .field("table", self.inner.writer.info().table_path())
            .finish_non_exhaustive()
    }
}
