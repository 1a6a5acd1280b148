//! Appending to log tables.

use std::fmt;
use std::sync::Arc;

use fluss_metadata::TableInfo;

use crate::error::Result;
use crate::session::Session;
use crate::write::AppendWriter;

/// A log table to append to; creates writers.
#[derive(Clone)]
pub struct TableAppend {
    session: Arc<Session>,
    info: TableInfo,
}

impl TableAppend {
    pub(super) fn new(session: Arc<Session>, info: TableInfo) -> Self {
        Self { session, info }
    }

    /// Creates a writer. All writers of a connection share its write buffer, and writers of the same table share
    /// batches.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the table has properties for which this client cannot write
    /// rows, [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the connection is closed.
    pub fn create_writer(&self) -> Result<AppendWriter> {
        let (context, writers) = (self.session.open_context(), self.session.writers());
        AppendWriter::new(context, writers, &self.info).map_err(|error| {
            error
                .during("create_writer")
                .of_table(self.info.table_path())
        })
    }
}

impl fmt::Debug for TableAppend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableAppend")
            .field("table", self.info.table_path())
            .finish_non_exhaustive()
    }
}
