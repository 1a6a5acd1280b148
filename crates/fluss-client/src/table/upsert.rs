//! Upserts to and deletes from primary-key tables.

use std::fmt;
use std::sync::Arc;

use fluss_metadata::TableInfo;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::write::{BatchKind, MergeMode, UpsertWriter};

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
        let (context, writers) = (self.session.open_context(), self.session.writers());
        UpsertWriter::new(context, writers, &self.info, kind)
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

impl fmt::Debug for TableUpsert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableUpsert")
            .field("table", self.info.table_path())
            .field("target_columns", &self.target_columns)
            .field("merge_mode", &self.merge_mode)
            .finish_non_exhaustive()
    }
}
