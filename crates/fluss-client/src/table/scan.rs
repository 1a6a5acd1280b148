//! Reading the log of a table: what to read, as rows or as Arrow batches.

use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use fluss_metadata::{TableBucket, TableInfo};

pub use crate::scan::{
    BucketBatchScanner, LogScanner, RecordBatchLogScanner, RecordStream, ScanBatchStream,
    TableBatchScanner,
};

/// The name that `fluss-rs` 1.0 has for the scanner of a bucket.
pub type LimitBatchScanner = BucketBatchScanner;

use crate::connection::ConnectionInner;
use crate::error::{Error, Result};
use crate::scan::{Projection, Scanner};

/// Subscribes at the earliest offset that the server has.
pub const EARLIEST_OFFSET: i64 = -2;
/// Subscribes behind the latest record that readers may see when the subscription starts.
pub const LATEST_OFFSET: i64 = -1;

/// What to do when the offset wanted is not in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OffsetReset {
    /// `poll` returns an error that names bucket and offset.
    #[default]
    Error,
    /// Reading goes on at the earliest offset.
    Earliest,
    /// Reading goes on after the latest record.
    Latest,
}

/// What to read of a table: made by [`FlussTable::new_scan`](crate::FlussTable::new_scan).
#[derive(Clone)]
pub struct TableScan {
    connection: Arc<ConnectionInner>,
    info: TableInfo,
    columns: Option<Vec<usize>>,
    limit: Option<i32>,
    reset: OffsetReset,
}

impl TableScan {
    pub(crate) fn new(connection: Arc<ConnectionInner>, info: TableInfo) -> Self {
        Self {
            connection,
            info,
            columns: None,
            limit: None,
            reset: OffsetReset::default(),
        }
    }

    /// Reads these columns only, by position, in this order. The server leaves the others out where it can.
    ///
    /// No column at all is a scan that only counts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a position that the table does not have, or one given twice.
    pub fn project(mut self, columns: &[usize]) -> Result<Self> {
        let available = self.info.schema().columns().len();
        for (index, column) in columns.iter().enumerate() {
            if *column >= available {
                return Err(self.refused(format!(
                    "column {column} is projected, the table has columns 0 to {}",
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
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a name that the table does not have, or one given twice.
    pub fn project_by_name(self, columns: &[&str]) -> Result<Self> {
        let positions = columns
            .iter()
            .map(|name| {
                self.info.schema().column_index(name).ok_or_else(|| {
                    self.refused(format!(
                        "column {name:?} is projected, the table does not have it"
                    ))
                })
            })
            .collect::<Result<Vec<_>>>()?;
        self.project(&positions)
    }

    /// Reads at most this many rows: of a bucket with [`create_bucket_batch_scanner`](Self::create_bucket_batch_scanner), of the whole
    /// table with [`create_batch_scanner`](Self::create_batch_scanner).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if it is not at least 1.
    pub fn limit(mut self, rows: i32) -> Result<Self> {
        if rows < 1 {
            return Err(self.refused(format!("the limit is {rows}, expected at least 1")));
        }
        self.limit = Some(rows);
        Ok(self)
    }

    /// What to do when an offset is not in the log. Default [`OffsetReset::Error`].
    #[must_use]
    pub fn offset_reset(mut self, reset: OffsetReset) -> Self {
        self.reset = reset;
        self
    }

    /// A scanner over the rows of the log. It reads nothing before buckets are subscribed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) with a [`limit`](Self::limit), or for a column type that cannot be read.
    pub fn create_log_scanner(&self) -> Result<LogScanner> {
        let most = self.connection.config.scanner_max_poll_records;
        let scanner = self.scanner("create_log_scanner", most, self.projection()?, None);
        Ok(LogScanner::new(scanner?))
    }

    /// A scanner over the Arrow batches of the log. It reads nothing before buckets are subscribed.
    ///
    /// # Errors
    ///
    /// As [`create_log_scanner`](Self::create_log_scanner).
    pub fn create_record_batch_log_scanner(&self) -> Result<RecordBatchLogScanner> {
        let projection = self.projection()?;
        let schema = projection.batch_schema()?;
        let rows = SchemaRef::clone(&schema);
        let operation = "create_record_batch_log_scanner";
        let scanner = self.scanner(operation, usize::MAX, projection, Some(rows))?;
        Ok(RecordBatchLogScanner::new(scanner, schema))
    }

    /// A scanner that reads one bucket once: at most as many rows as the [`limit`](Self::limit), or every row of a primary-key table.
    ///
    /// With a limit it reads the last rows of a log table, any rows of a primary-key table. Without one the server of the bucket, which
    /// must be of release 1.0 or later, reads a snapshot of the rows as they are when the first batch is asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a log table without a limit, or for a bucket of another table.
    pub fn create_bucket_batch_scanner(&self, bucket: TableBucket) -> Result<BucketBatchScanner> {
        let operation = "create_bucket_batch_scanner";
        self.require_bounded(operation)?;
        if bucket.table_id() != self.info.table_id() {
            return Err(self
                .refused(format!(
                    "the bucket is of table {}, this is table {}",
                    bucket.table_id(),
                    self.info.table_id()
                ))
                .during(operation));
        }
        BucketBatchScanner::new(
            Arc::clone(&self.connection),
            self.projection()?,
            bucket,
            self.limit,
        )
    }

    /// A scanner that reads the whole table once: at most as many rows as the [`limit`](Self::limit) in all, or every row of a
    /// primary-key table, which takes servers of release 1.0 or later.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a log table without a limit.
    pub fn create_batch_scanner(&self) -> Result<TableBatchScanner> {
        self.require_bounded("create_batch_scanner")?;
        TableBatchScanner::new(Arc::clone(&self.connection), self.projection()?, self.limit)
    }

    /// A log has no end, the rows of a primary-key table have.
    fn require_bounded(&self, operation: &'static str) -> Result<()> {
        if self.limit.is_some() || self.info.has_primary_key() {
            return Ok(());
        }
        Err(self
            .refused("a log table is read at once only up to a limit: set one".to_owned())
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
                .refused("a log scanner has no limit: it reads on as the log grows".to_owned())
                .during(operation));
        }
        Ok(Scanner::start(
            Arc::clone(&self.connection),
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
