//! Scans of a table: what to read, as rows or as Arrow batches.

use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use fluss_metadata::{TableBucket, TableInfo};

pub use crate::engine::scan::{EARLIEST_OFFSET, LATEST_OFFSET, OffsetReset};
pub use crate::scan::{
    BucketBatchScanner, LogScanner, RecordBatchLogScanner, RecordStream, ScanBatchStream,
    ScanBucket, StartOffset, TableBatchScanner,
};

/// The official Rust client's name for [`BucketBatchScanner`].
pub type LimitBatchScanner = BucketBatchScanner;

use crate::error::{Error, Result};
use crate::scan::{Projection, Scanner};
use crate::session::Session;

/// Configures a scan of a table. Created by [`FlussTable::new_scan`](crate::FlussTable::new_scan).
#[derive(Clone)]
pub struct TableScan {
    session: Arc<Session>,
    info: TableInfo,
    columns: Option<Vec<usize>>,
    limit: Option<i32>,
    reset: OffsetReset,
}

impl TableScan {
    pub(crate) fn new(session: Arc<Session>, info: TableInfo) -> Self {
        Self {
            session,
            info,
            columns: None,
            limit: None,
            reset: OffsetReset::default(),
        }
    }

    /// Reads only these columns, by position, in this order. The server leaves out the others where it can.
    ///
    /// An empty projection just counts rows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if the table does not have a position, or if one is given
    /// twice.
    pub fn project(mut self, columns: &[usize]) -> Result<Self> {
        let available = self.info.schema().columns().len();
        for (index, column) in columns.iter().enumerate() {
            if *column >= available {
                return Err(self.refused(format!(
                    "cannot project column {column}: the table has columns 0 to {}",
                    available.saturating_sub(1)
                )));
            }
            if columns.iter().take(index).any(|other| other == column) {
                return Err(self.refused(format!("column {column} is projected twice")));
            }
        }
        self.columns = Some(columns.to_vec());
        Ok(self)
    }

    /// Reads these columns only, by name, in this order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if the table does not have a name, or if one is given
    /// twice.
    pub fn project_by_name(self, columns: &[&str]) -> Result<Self> {
        let positions = columns
            .iter()
            .map(|name| {
                self.info.schema().column_index(name).ok_or_else(|| {
                    self.refused(format!(
                        "cannot project column {name:?}: the table has no such column"
                    ))
                })
            })
            .collect::<Result<Vec<_>>>()?;
        self.project(&positions)
    }

    /// Reads at most this many rows: of one bucket with
    /// [`create_bucket_batch_scanner`](Self::create_bucket_batch_scanner), of the whole table with
    /// [`create_batch_scanner`](Self::create_batch_scanner).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if `rows` is less than 1.
    pub fn limit(mut self, rows: i32) -> Result<Self> {
        if rows < 1 {
            return Err(self.refused(format!("the limit is {rows}, expected at least 1")));
        }
        self.limit = Some(rows);
        Ok(self)
    }

    /// Sets what to do when an offset is not in the log. Default [`OffsetReset::Error`].
    #[must_use]
    pub fn offset_reset(mut self, reset: OffsetReset) -> Self {
        self.reset = reset;
        self
    }

    /// Creates a scanner over the rows of the log. It reads nothing until you subscribe to buckets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if a [`limit`](Self::limit) is set, or if a column has a
    /// type that cannot be read.
    pub fn create_log_scanner(&self) -> Result<LogScanner> {
        let most = self.session.context().config.scanner_max_poll_records;
        let scanner = self.scanner("create_log_scanner", most, self.projection()?, None);
        Ok(LogScanner::new(scanner?))
    }

    /// Creates a scanner over the Arrow batches of the log. It reads nothing until you subscribe to buckets.
    ///
    /// # Errors
    ///
    /// The same as [`create_log_scanner`](Self::create_log_scanner).
    pub fn create_record_batch_log_scanner(&self) -> Result<RecordBatchLogScanner> {
        let projection = self.projection()?;
        let schema = projection.batch_schema()?;
        let rows = SchemaRef::clone(&schema);
        let operation = "create_record_batch_log_scanner";
        let scanner = self.scanner(operation, usize::MAX, projection, Some(rows))?;
        Ok(RecordBatchLogScanner::new(scanner, schema))
    }

    /// Creates a scanner that reads one bucket once: up to [`limit`](Self::limit) rows, or every row of a primary-key
    /// table.
    ///
    /// With a limit, it reads the last rows of a log table, or any rows of a primary-key table. Without a limit, the
    /// server of the bucket, which must be of release 1.0 or later, reads a snapshot of the rows taken when you
    /// request the first batch.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a log table without a limit, or if the bucket belongs
    /// to another table.
    pub fn create_bucket_batch_scanner(&self, bucket: TableBucket) -> Result<BucketBatchScanner> {
        let operation = "create_bucket_batch_scanner";
        self.require_bounded(operation)?;
        if bucket.table_id() != self.info.table_id() {
            return Err(self
                .refused(format!(
                    "the bucket belongs to table {}, this is table {}",
                    bucket.table_id(),
                    self.info.table_id()
                ))
                .during(operation));
        }
        BucketBatchScanner::new(
            self.session.open_context(),
            Arc::clone(self.session.remote()),
            self.projection()?,
            bucket,
            self.limit,
        )
    }

    /// Creates a scanner that reads the whole table once: up to [`limit`](Self::limit) rows in total, or every row of
    /// a primary-key table, which requires servers of release 1.0 or later.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a log table without a limit.
    pub fn create_batch_scanner(&self) -> Result<TableBatchScanner> {
        self.require_bounded("create_batch_scanner")?;
        TableBatchScanner::new(
            self.session.open_context(),
            Arc::clone(self.session.remote()),
            self.projection()?,
            self.limit,
        )
    }

    /// A log is unbounded, the rows of a primary-key table are not.
    fn require_bounded(&self, operation: &'static str) -> Result<()> {
        if self.limit.is_some() || self.info.has_primary_key() {
            return Ok(());
        }
        Err(self
            .refused("a batch scan of a log table needs a limit".to_owned())
            .during(operation))
    }

    fn scanner(
        &self,
        operation: &'static str,
        max_poll_records: usize,
        projection: Projection,
        schema: Option<SchemaRef>,
    ) -> Result<Scanner> {
        if self.limit.is_some() {
            return Err(self
                .refused(
                    "a log scanner does not support a limit: it keeps reading as the log grows"
                        .to_owned(),
                )
                .during(operation));
        }
        Ok(Scanner::start(
            self.session.open_context(),
            Arc::clone(self.session.remote()),
            projection,
            self.reset,
            max_poll_records,
            schema,
        ))
    }

    fn projection(&self) -> Result<Projection> {
        Projection::new(self.info.clone(), self.columns.as_deref())
            .map_err(|error| error.of_table(self.info.table_path()))
    }

    fn refused(&self, message: String) -> Error {
        Error::usage(message)
            .during("new_scan")
            .of_table(self.info.table_path())
    }
}

impl fmt::Debug for TableScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableScan")
            .field("table", self.info.table_path())
            .field("columns", &self.columns)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
