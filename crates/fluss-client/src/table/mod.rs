//! A table, and the writers, scanners and lookups you create from it.

mod append;
mod lookup;
mod scan;
mod upsert;

pub use crate::scan::{ScanBatch, ScanRecord, ScanRecords, ScanRecordsIntoIter, ScanRecordsIter};
pub use crate::write::{
    AppendWriter, BatchWriteFuture, MergeMode, UpsertWriter, WriteResult, WriteResultFuture,
};
pub use append::TableAppend;
pub use lookup::{LookupResult, LookupRow, Lookuper, TableLookup, TablePrefixLookup};
pub use scan::{
    BucketBatchScanner, EARLIEST_OFFSET, LATEST_OFFSET, LimitBatchScanner, LogScanner, OffsetReset,
    RecordBatchLogScanner, RecordStream, ScanBatchStream, ScanBucket, StartOffset,
    TableBatchScanner, TableScan,
};
pub use upsert::TableUpsert;

use std::fmt;
use std::sync::Arc;

use fluss_metadata::{AutoPartitionStrategy, TableInfo, TablePath};
use fluss_row::NamedRow;

use crate::error::{Error, Result};
use crate::session::Session;

/// A handle to a table, with its definition at the time [`get_table`](crate::FlussConnection::get_table) was called.
/// Cheap to clone, without a lifetime.
#[derive(Clone)]
pub struct FlussTable {
    session: Arc<Session>,
    info: TableInfo,
}

impl FlussTable {
    pub(crate) fn new(session: Arc<Session>, info: TableInfo) -> Self {
        Self { session, info }
    }

    /// Returns the definition of the table: schema, keys, buckets, properties.
    pub fn get_table_info(&self) -> &TableInfo {
        &self.info
    }

    /// Returns the database and name of the table.
    pub fn table_path(&self) -> &TablePath {
        self.info.table_path()
    }

    /// Returns whether this is a primary-key table.
    pub fn has_primary_key(&self) -> bool {
        self.info.has_primary_key()
    }

    /// Starts appending to a log table.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a primary-key table: upsert to it instead.
    pub fn new_append(&self) -> Result<TableAppend> {
        if self.info.has_primary_key() {
            return Err(Error::usage(
                "only log tables can be appended to; upsert to a primary-key table",
            )
            .during("new_append")
            .of_table(self.table_path()));
        }
        self.expect_traffic();
        Ok(TableAppend::new(
            Arc::clone(&self.session),
            self.info.clone(),
        ))
    }

    /// Starts upserting to and deleting from a primary-key table.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a log table: append to it instead.
    pub fn new_upsert(&self) -> Result<TableUpsert> {
        self.require_primary_key(
            "new_upsert",
            "only primary-key tables can be upserted to; append to a log table",
        )?;
        self.expect_traffic();
        Ok(TableUpsert::new(
            Arc::clone(&self.session),
            self.info.clone(),
        ))
    }

    /// Creates a row with the columns of the table, all null, whose values are set by name.
    ///
    /// ```no_run
    /// # fn example(table: &fluss_client::FlussTable) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut row = table.new_row();
    /// row.set_by_name("id", 1)?;
    /// row.set_by_name("name", "Alice")?;
    /// table.new_append()?.create_writer()?.append(&row)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new_row<'a>(&self) -> NamedRow<'a> {
        NamedRow::new(self.info.schema().row_type())
    }

    /// Starts a scan of the log of the table: the rows of a log table, or the changelog of a primary-key table.
    pub fn new_scan(&self) -> TableScan {
        self.expect_traffic();
        TableScan::new(Arc::clone(&self.session), self.info.clone())
    }

    /// Starts lookups by key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a log table, which has no key.
    pub fn new_lookup(&self) -> Result<TableLookup> {
        self.require_primary_key("new_lookup", "only primary-key tables support lookups")?;
        self.expect_traffic();
        Ok(TableLookup::new(
            Arc::clone(&self.session),
            self.info.clone(),
        ))
    }

    /// Returns the rules by which servers create and drop time-based partitions of this table. If the table has no
    /// time zone, they use [`Config::server_time_zone`](crate::Config::server_time_zone).
    ///
    /// ```no_run
    /// # fn today(table: &fluss_client::FlussTable, now_millis: i64) -> Result<String, Box<dyn std::error::Error>> {
    /// // The name of the current partition.
    /// Ok(table.auto_partition()?.partition_time(now_millis, 0)?)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::error::ErrorKind::Corrupt) if a property of the table cannot be parsed.
    pub fn auto_partition(&self) -> Result<AutoPartitionStrategy> {
        let strategy = self.info.descriptor().auto_partition();
        let strategy =
            strategy.map_err(|error| Error::unreadable(error).of_table(self.table_path()))?;
        if strategy.time_zone().is_some() {
            return Ok(strategy);
        }
        Ok(strategy.with_time_zone(self.session.context().config.server_time_zone.as_str()))
    }

    /// Starts looking up the leaders of the buckets, which the first write or read will need, without waiting for them.
    fn expect_traffic(&self) {
        self.session
            .context()
            .cluster
            .prefetch_table(self.table_path());
    }

    fn require_primary_key(&self, operation: &'static str, message: &'static str) -> Result<()> {
        if self.info.has_primary_key() {
            Ok(())
        } else {
            Err(Error::usage(message)
                .during(operation)
                .of_table(self.table_path()))
        }
    }
}

impl fmt::Debug for FlussTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlussTable")
            .field("path", self.table_path())
            .field("id", &self.info.table_id())
            .finish_non_exhaustive()
    }
}
