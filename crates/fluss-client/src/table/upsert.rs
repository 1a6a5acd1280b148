//! Upserting to and deleting from primary-key tables.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fluss_metadata::TableInfo;
use fluss_row::{InternalRow, RowEncoder};

use super::WriteResultFuture;
use super::append::wrong_width;
use crate::connection::ConnectionInner;
use crate::error::{Error, Result};
use crate::turn::take_turn;
use crate::write::{Appender, BatchKind, RowRoute};

pub use crate::write::MergeMode;

/// What is to be upserted to: makes writers.
#[derive(Clone)]
pub struct TableUpsert {
    connection: Arc<ConnectionInner>,
    info: TableInfo,
    target_columns: Option<Vec<usize>>,
    merge_mode: MergeMode,
}

impl TableUpsert {
    pub(super) fn new(connection: Arc<ConnectionInner>, info: TableInfo) -> Self {
        Self {
            connection,
            info,
            target_columns: None,
            merge_mode: MergeMode::Default,
        }
    }

    /// Writes only the columns at these positions: an upsert leaves the others as they are, or null if the key is new; a delete sets
    /// the others of these columns to null, and removes the row once all columns but the key are null. `None` means all columns.
    ///
    /// Rows still have all columns; those that are not written may be null.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a position that the table does not have, if a column of the primary key is
    /// missing, if the table's auto-increment column is among them, or if a column outside the primary key is NOT NULL.
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

    /// [`partial_update`](Self::partial_update) by column names.
    ///
    /// # Errors
    ///
    /// As there; also for a name that the table does not have.
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

    /// Chooses what the table's merge engine does with the rows.
    #[must_use]
    pub fn merge_mode(mut self, merge_mode: MergeMode) -> Self {
        self.merge_mode = merge_mode;
        self
    }

    /// Makes a writer. All writers of a connection share its write buffer, and those of one table its batches.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the table has an auto-increment column and no
    /// [`partial_update`](Self::partial_update) leaves it out, for [`MergeMode::Overwrite`] without a merge engine, or if the table has
    /// properties that this client does not know how to write; [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the connection was
    /// closed.
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
                "column {column:?} is filled by the server: name the other columns in partial_update"
            )));
        }
        if self.merge_mode == MergeMode::Overwrite
            && self.info.descriptor().merge_engine()?.is_none()
        {
            return Err(Error::usage("the table has no merge engine to write past"));
        }
        let target_columns = self
            .target_columns
            .as_ref()
            .map(|columns| columns.iter().map(|column| *column as i32).collect());
        let kind = BatchKind::Kv {
            target_columns,
            merge_mode: self.merge_mode,
        };
        let appender = self.connection.writers().appender(&self.info, kind)?;
        let rows = RowEncoder::of_table(self.info.descriptor().kv_format()?, self.info.row_type())?;
        let route = RowRoute::new(
            &self.info,
            appender.table(),
            self.connection.config.writer_bucket_no_key_assigner,
        )?;
        let inner = Inner {
            columns: self.info.row_type().fields().len(),
            appender,
            rows,
            route,
            _connection: Arc::clone(&self.connection),
        };
        Ok(UpsertWriter {
            inner: Arc::new(inner),
        })
    }
}

/// Checks what the server would refuse. Source: `UpsertWriterImpl.java: sanityCheck`.
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
                "column {:?} is filled by the server and cannot be written",
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
/// Cheap to clone; clones share what [`flush`](Self::flush) waits for. Rows are encoded at once and sent in batches in the background:
/// when a batch is full, when its oldest row has waited for `writer_batch_timeout`, when a row of it is awaited, or on `flush`.
///
/// Writes of one key are applied in the order of the calls. Dropping the last clone loses nothing: what was written is still sent,
/// until the connection itself ends. Rows that are not acknowledged by then are lost, which is logged as a warning: call
/// [`flush`](Self::flush) or [`close`](Self::close) first.
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
    _connection: Arc<ConnectionInner>,
}

impl UpsertWriter {
    /// Inserts the row, or replaces the one with the same key.
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
    /// [`upsert_async`](Self::upsert_async) there.
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

    /// [`upsert`](Self::upsert), waiting for room without holding a thread.
    ///
    /// # Errors
    ///
    /// As [`upsert`](Self::upsert).
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the row was not written.
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

    /// [`upsert`](Self::upsert) if there is room for the row now.
    ///
    /// # Errors
    ///
    /// As [`upsert`](Self::upsert), [`ErrorKind::BufferFull`](crate::ErrorKind::BufferFull) without waiting.
    pub fn try_upsert<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.check(row)?;
        inner.route.with_key(row, |target, key| {
            inner
                .appender
                .try_write(target, |encoder| encoder.upsert(key, &inner.rows, row))
        })
    }

    /// Deletes the row with the key of `row`, of which only the columns of the primary key are read.
    ///
    /// Whether deletes are allowed, ignored or refused is a property of the table (`table.delete.behavior`). Waits like
    /// [`upsert`](Self::upsert).
    ///
    /// # Errors
    ///
    /// As [`upsert`](Self::upsert).
    ///
    /// # Panics
    ///
    /// As [`upsert`](Self::upsert).
    #[inline]
    pub fn delete<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.check(row)?;
        inner.route.with_key(row, |target, key| {
            inner.appender.write(target, |encoder| encoder.delete(key))
        })
    }

    /// [`delete`](Self::delete), waiting for room without holding a thread.
    ///
    /// # Errors
    ///
    /// As [`upsert`](Self::upsert).
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, nothing was deleted.
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

    /// [`delete`](Self::delete) if there is room for it now.
    ///
    /// # Errors
    ///
    /// As [`upsert`](Self::upsert), [`ErrorKind::BufferFull`](crate::ErrorKind::BufferFull) without waiting.
    pub fn try_delete<R: InternalRow>(&self, row: &R) -> Result<WriteResultFuture> {
        let inner = &*self.inner;
        inner.check(row)?;
        inner.route.with_key(row, |target, key| {
            inner
                .appender
                .try_write(target, |encoder| encoder.delete(key))
        })
    }

    /// Sends what this writer and its clones have written, and waits until all of it is acknowledged or failed.
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
