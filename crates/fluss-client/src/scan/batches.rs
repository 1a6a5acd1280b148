//! The scanner over Arrow batches.

use std::collections::HashMap;
use std::time::Duration;

use arrow_schema::SchemaRef;
use fluss_metadata::{OffsetSpec, PartitionId, TableBucket, TableId, TablePath};

use super::decode::LogChunk;
use super::methods::log_scanner_methods;
use super::records::ScanBatch;
use super::scanner::Scanner;
use super::start::{ScanBucket, StartOffset, Wanted};
use crate::engine::scan::EARLIEST_OFFSET;
use crate::engine::scan::Taken;
use crate::error::{Error, Result};
use crate::turn::take_turn;

/// Reads a log as Arrow batches. Subscribing, prefetching and recovery work as with [`LogScanner`](crate::LogScanner).
#[derive(Debug)]
pub struct RecordBatchLogScanner {
    pub(super) scanner: Scanner,
    schema: SchemaRef,
}

impl RecordBatchLogScanner {
    pub(crate) fn new(scanner: Scanner, schema: SchemaRef) -> Self {
        Self { scanner, schema }
    }

    log_scanner_methods!();

    /// Returns the next batches. Waits for some for at most `timeout`, and returns none if there are none by then.
    ///
    /// Returns everything that was fetched, one batch per batch written. The first batch of a subscription may be cut to
    /// start at its offset, and the last one before an error may be cut to end there.
    ///
    /// # Errors
    ///
    /// The same as [`LogScanner::poll`](crate::LogScanner::poll). Also, a row that an Arrow batch of the
    /// [`schema`](Self::schema) cannot hold stops its bucket: a null in a NOT NULL column, or more digits than a DECIMAL
    /// has. Servers store both. [`Error::offsets`](crate::Error::offsets) has the offset of the row; a
    /// [`LogScanner`](crate::LogScanner) can read it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: batches leave the scanner only when `poll` returns them.
    pub async fn poll(&self, timeout: Duration) -> Result<Vec<ScanBatch>> {
        take_turn().await;
        self.scanner.shared.metrics.on_poll();
        let Some(polled) = self.scanner.poll(timeout).await? else {
            return Ok(Vec::new());
        };
        polled.taken.into_iter().map(batch).collect()
    }

    /// Returns the Arrow schema of every batch. For the changelog of a primary-key table, the last column is
    /// `_change_type`.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

/// The rows that were taken, as a batch. They have columns since they were decoded.
pub(super) fn batch(taken: Taken<LogChunk>) -> Result<ScanBatch> {
    let Taken {
        bucket,
        chunk,
        rows,
    } = taken;
    let columns = chunk
        .columns(&rows)
        .ok_or_else(|| Error::corrupt("the rows have no columns").of_bucket(bucket))?;
    let (base, timestamp) = (chunk.offset(rows.start), chunk.timestamp());
    Ok(ScanBatch::new(bucket, columns, base, Some(timestamp)))
}
