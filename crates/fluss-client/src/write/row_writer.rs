//! What the writers of log tables and of primary-key tables have in common.

use std::time::Duration;

use fluss_metadata::TableInfo;
use fluss_metadata::text::Count;
use fluss_row::InternalRow;

use super::appender::Appender;
use super::format::BatchKind;
use super::route::RowRoute;
use super::writers::Writers;
use crate::context::OpenContext;
use crate::error::{Error, Result};
use crate::turn::take_turn;

/// Finds the bucket of a row and writes the row to it.
pub(super) struct RowWriter {
    pub(super) appender: Appender,
    pub(super) route: RowRoute,
    columns: usize,
    /// Keeps the sender alive.
    _context: OpenContext,
}

impl RowWriter {
    pub(super) fn new(
        context: OpenContext,
        writers: &Writers,
        info: &TableInfo,
        kind: BatchKind,
    ) -> Result<Self> {
        let appender = writers.appender(info, kind)?;
        let without_key = context.config.writer_bucket_no_key_assigner;
        Ok(Self {
            route: RowRoute::new(info, appender.table(), without_key)?,
            columns: info.row_type().fields().len(),
            appender,
            _context: context,
        })
    }

    /// The table, as it was defined when its first writer was created.
    pub(super) fn info(&self) -> &TableInfo {
        self.appender.table().info()
    }

    /// Checks that a row has as many fields as the table has columns.
    #[inline]
    pub(super) fn check<R: InternalRow>(&self, row: &R) -> Result<()> {
        let fields = row.field_count();
        if fields == self.columns {
            Ok(())
        } else {
            Err(self.wrong_width(fields))
        }
    }

    #[cold]
    fn wrong_width(&self, fields: usize) -> Error {
        Error::usage(format!(
            "the row has {}, the table {}",
            Count(fields, "field"),
            Count(self.columns, "column")
        ))
        .of_table(self.info().table_path())
    }

    pub(super) async fn flush(&self) -> Result<()> {
        take_turn().await;
        let flushed = self.appender.flush().await;
        flushed.map_err(|error| error.during("flush"))
    }

    pub(super) async fn close(&self, timeout: Duration) -> Result<()> {
        let closed = self.appender.close(timeout).await;
        closed.map_err(|error| error.during("close").of_table(self.info().table_path()))
    }
}
