//! Upserts to and deletes from primary-key tables.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fluss_metadata::TableInfo;
use fluss_row::{InternalRow, RowEncoder};

use super::WriteResultFuture;
use super::append::wrong_width;
use crate::error::{Error, Result};
use crate::session::Session;
use crate::turn::take_turn;
use crate::write::{Appender, BatchKind, RowRoute};

pub use crate::write::MergeMode;

/// A primary-key table to upsert to; creates writers.
#[derive(Clone)]
pub struct TableUpsert {
    session: Arc<Session>,
    info: TableInfo,
    target_columns: Option<Vec<usize>>,
    merge_mode: MergeMode,
}

impl TableUpsert {
    pub(super) fn new(session: Arc<Session>, info: TableInfo) -> Self {
        Self {
            session,
            info,
            target_columns: None,
            merge_mode: MergeMode::Default,
        }
    }

    /// Writes only the columns at these positions, which include the key. An upsert leaves the other columns
    /// unchanged, or null if the key is new. A delete sets these columns, except the key, to null, and removes the
    /// row once all columns except the key are null. `None` means all columns.
    ///
    /// Rows still have all columns; the ones that are not written may be null.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the table does not have a position, if a column of the
    /// primary key is missing, if the table's auto-increment column is among the columns, or if a column outside the
    /// primary key is NOT NULL.
    pub fn partial_update(mut self, columns: Option<Vec<usize>>) -> Result<Self> {
        if let Some(columns) = &columns {
            check_target_columns(&self.info, columns).map_err(|error| {
                error
                    .during("partial_update")
                    .of_table(self.info.table_path())
            })?;
        }
        self.target_columns = columns;
        Ok(self)
    }

    /// Equivalent to [`partial_update`](Self::partial_update) with column names.
    ///
    /// # Errors
    ///
    /// The same as [`partial_update`](Self::partial_update). Also if the table does not have a name.
    pub fn partial_update_with_column_names(self, columns: &[&str]) -> Result<Self> {
        let positions = columns
            .iter()
            .map(|name| {
                self.info.schema().column_index(name).ok_or_else(|| {
                    Error::usage(format!("there is no column {name:?}"))
                        .during("partial_update")
                        .of_table(self.info.table_path())
                })
            })
            .collect::<Result<Vec<_>>>()?;
        self.partial_update(Some(positions))
    }

    /// Sets how the merge engine of the table treats the rows.
    #[must_use]
    pub fn merge_mode(mut self, merge_mode: MergeMode) -> Self {
        self.merge_mode = merge_mode;
        self
    }

    /// Creates a writer. All writers of a connection share its write buffer, and writers of the same table share
    /// batches.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the table has an auto-increment column that no
    /// [`partial_update`](Self::partial_update) leaves out, for [`MergeMode::Overwrite`] without a merge engine, or
    /// if the table has properties for which this client cannot write rows;
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the connection is closed.
    pub fn create_writer(&self) -> Result<UpsertWriter> {
        self.make_writer().map_err(|error| {
            error
                .during("create_writer")
                .of_table(self.info.table_path())
        })
    }

    fn make_writer(&self) -> Result<UpsertWriter> {
        if let (None, Some(column)) = (
            &self.target_columns,
            self.info.schema().auto_increment_column(),
        ) {
            return Err(Error::usage(format!(
                "column {column:?} is filled in by the server: pass the other columns to partial_update"
            )));
        }
        if self.merge_mode == MergeMode::Overwrite
            && self.info.descriptor().merge_engine()?.is_none()
        {
            return Err(Error::usage("the table has no merge engine to bypass"));
        }
        let target_columns = self
            .target_columns
            .as_ref()
            .map(|columns| columns.iter().map(|column| *column as i32).collect());
        let kind = BatchKind::Kv {
            target_columns,
            merge_mode: self.merge_mode,
        };
        let appender = self.session.writers().appender(&self.info, kind)?;
        let rows = RowEncoder::of_table(self.info.descriptor().kv_format()?, self.info.row_type())?;
        let route = RowRoute::new(
            &self.info,
            appender.table(),
            self.session.config.writer_bucket_no_key_assigner,
        )?;
        let inner = Inner {
            columns: self.info.row_type().fields().len(),
            appender,
            rows,
            route,
            _session: Arc::clone(&self.session),
        };
        Ok(UpsertWriter {
            inner: Arc::new(inner),
        })
    }
}

/// Checks what the server would reject. Source: `UpsertWriterImpl.java: sanityCheck`.
fn check_target_columns(info: &TableInfo, targets: &[usize]) -> Result<()> {
    let schema = info.schema();
    if let Some(position) = targets
        .iter()
        .find(|position| **position >= schema.columns().len())
    {
        return Err(Error::usage(format!(
            "there is no column at position {position}, the table has {}",
            schema.columns().len()
        )));
    }
    if let Some(name) = schema.primary_key_column_names().iter().find(|name| {
        !schema
            .column_index(name)
            .is_some_and(|at| targets.contains(&at))
    }) {
        return Err(Error::usage(format!(
            "column {name:?} of the primary key must be among the columns written"
        )));
    }
    for (position, column) in schema.columns().iter().enumerate() {
        let is_filled_by_server = schema.auto_increment_column() == Some(column.name());
        if is_filled_by_server && targets.contains(&position) {
            return Err(Error::usage(format!(
                "column {:?} is filled in by the server and cannot be written",
                column.name()
            )));
        }
        let is_key = schema.primary_key_indexes().contains(&position);
        if !is_key && !is_filled_by_server && !column.data_type().is_nullable() {
            return Err(Error::usage(format!(
                "column {:?} is NOT NULL; a partial update needs all columns outside the key to be nullable",
                column.name()
            )));
        }
    }
    Ok(())
}

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
    appender: Appender,
    rows: RowEncoder,
    route: RowRoute,
    columns: usize,
    /// Keeps the sender alive.
    _session: Arc<Session>,
}

impl UpsertWriter {
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
        inner.check(row)?;
        inner.route.with_key(row, |target, key| {
            inner
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
        inner.check(row)?;
        let plan = inner.route.key_of(row)?;
        inner
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
        inner.check(row)?;
        inner.route.with_key(row, |target, key| {
            inner
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
        inner.check(row)?;
        inner.route.with_key(row, |target, key| {
            inner.appender.write(target, |encoder| encoder.delete(key))
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
        inner.check(row)?;
        let plan = inner.route.key_of(row)?;
        inner
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
        inner.check(row)?;
        inner.route.with_key(row, |target, key| {
            inner
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
        take_turn().await;
        self.inner
            .appender
            .flush()
            .await
            .map_err(|error| error.during("flush"))
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
        self.inner.appender.close(timeout).await.map_err(|error| {
            error
                .during("close")
                .of_table(self.inner.appender.table().info().table_path())
        })
    }
}

impl Inner {
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

impl fmt::Debug for TableUpsert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableUpsert")
            .field("table", self.info.table_path())
            .field("target_columns", &self.target_columns)
            .field("merge_mode", &self.merge_mode)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UpsertWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpsertWriter")
            .field("table", self.inner.appender.table().info().table_path())
            .finish_non_exhaustive()
    }
}
