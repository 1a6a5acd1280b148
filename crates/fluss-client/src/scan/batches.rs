//! The scanner over Arrow batches.

use std::collections::HashMap;
use std::time::Duration;

use arrow_schema::SchemaRef;
use fluss_metadata::{OffsetSpec, PartitionId, TableBucket, TableId, TablePath};

use super::decode::LogChunk;
use super::{ScanBatchStream, Scanner, start_of};
use crate::engine::scan::Taken;
use crate::error::{Error, Result};
use crate::table::{EARLIEST_OFFSET, ScanBatch};
use crate::turn::take_turn;

/// Reads a log as Arrow batches. Subscribing, prefetching and recovery work like in [`LogScanner`](crate::LogScanner).
#[derive(Debug)]
pub struct RecordBatchLogScanner {
    pub(super) scanner: Scanner,
    schema: SchemaRef,
}

impl RecordBatchLogScanner {
    pub(crate) fn new(scanner: Scanner, schema: SchemaRef) -> Self {
        Self { scanner, schema }
    }

    /// See [`LogScanner::subscribe`](crate::LogScanner::subscribe).
    pub async fn subscribe(&self, bucket: i32, offset: i64) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe([(None, bucket, offset)])
    }

    /// See [`LogScanner::subscribe_buckets`](crate::LogScanner::subscribe_buckets).
    pub async fn subscribe_buckets(&self, offsets: &HashMap<i32, i64>) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe(
            offsets
                .iter()
                .map(|(bucket, offset)| (None, *bucket, *offset)),
        )
    }

    /// See [`LogScanner::subscribe_from_beginning`](crate::LogScanner::subscribe_from_beginning).
    pub async fn subscribe_from_beginning(&self, bucket: i32) -> Result<()> {
        self.subscribe(bucket, EARLIEST_OFFSET).await
    }

    /// See [`LogScanner::subscribe_from`](crate::LogScanner::subscribe_from).
    pub async fn subscribe_from(
        &self,
        partition: Option<PartitionId>,
        bucket: i32,
        start: OffsetSpec,
    ) -> Result<()> {
        take_turn().await;
        self.scanner
            .subscribe_from([(partition, bucket, Ok(start_of(start)))])
    }

    /// See [`LogScanner::subscribe_partition`](crate::LogScanner::subscribe_partition).
    pub async fn subscribe_partition(
        &self,
        partition: PartitionId,
        bucket: i32,
        offset: i64,
    ) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe([(Some(partition), bucket, offset)])
    }

    /// See [`LogScanner::subscribe_partition_buckets`](crate::LogScanner::subscribe_partition_buckets).
    pub async fn subscribe_partition_buckets(
        &self,
        offsets: &HashMap<(PartitionId, i32), i64>,
    ) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe(
            offsets
                .iter()
                .map(|((partition, bucket), offset)| (Some(*partition), *bucket, *offset)),
        )
    }

    /// See [`LogScanner::unsubscribe`](crate::LogScanner::unsubscribe).
    pub async fn unsubscribe(&self, bucket: i32) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe(None, bucket)
    }

    /// See [`LogScanner::unsubscribe_partition`](crate::LogScanner::unsubscribe_partition).
    pub async fn unsubscribe_partition(&self, partition: PartitionId, bucket: i32) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe(Some(partition), bucket)
    }

    /// See [`LogScanner::subscribe_table`](crate::LogScanner::subscribe_table).
    pub async fn subscribe_table(&self, start: OffsetSpec) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe_table(start).await
    }

    /// See [`LogScanner::unsubscribe_all`](crate::LogScanner::unsubscribe_all).
    pub async fn unsubscribe_all(&self) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe_all();
        Ok(())
    }

    /// See [`LogScanner::read_until`](crate::LogScanner::read_until).
    pub async fn read_until(&self, end: OffsetSpec) -> Result<()> {
        take_turn().await;
        self.scanner.read_until(end).await
    }

    /// See [`LogScanner::read_until_offsets`](crate::LogScanner::read_until_offsets).
    pub fn read_until_offsets(&self, ends: &HashMap<TableBucket, i64>) -> Result<()> {
        self.scanner.read_until_offsets(ends)
    }

    /// See [`LogScanner::is_finished`](crate::LogScanner::is_finished).
    pub fn is_finished(&self) -> bool {
        self.scanner.is_finished()
    }

    /// Converts the scanner to a stream of batches, in the order in which polls would return them.
    pub fn into_stream(self) -> ScanBatchStream {
        ScanBatchStream::new(self)
    }

    /// Returns the next batches. Waits for batches for at most `timeout`, and returns none if none arrived by then.
    ///
    /// Returns everything that was fetched, one batch per batch written. The first one of a subscription may be cut
    /// to start at its offset, and the last one before an error may be cut to end there.
    ///
    /// # Errors
    ///
    /// The same as [`LogScanner::poll`](crate::LogScanner::poll). In addition, a row that an Arrow batch of the
    /// [`schema`](Self::schema) cannot represent stops its bucket: one with a null in a NOT NULL column, or with more
    /// digits than a DECIMAL allows. Servers store both. [`Error::offsets`](crate::Error::offsets) is the position of
    /// the row; a [`LogScanner`](crate::LogScanner) can read it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, like [`LogScanner::poll`](crate::LogScanner::poll).
    pub async fn poll(&self, timeout: Duration) -> Result<Vec<ScanBatch>> {
        take_turn().await;
        self.scanner.shared.metrics.on_poll();
        let Some(polled) = self.scanner.poll(timeout).await? else {
            return Ok(Vec::new());
        };
        polled.taken.into_iter().map(batch).collect()
    }

    /// Makes a waiting poll, or the next one that would wait, return immediately without batches.
    pub fn wakeup(&self) {
        self.scanner.wakeup();
    }

    /// See [`LogScanner::position`](crate::LogScanner::position).
    pub fn position(&self, bucket: i32) -> Option<i64> {
        self.scanner.position(None, bucket)
    }

    /// See [`LogScanner::partition_position`](crate::LogScanner::partition_position).
    pub fn partition_position(&self, partition: PartitionId, bucket: i32) -> Option<i64> {
        self.scanner.position(Some(partition), bucket)
    }

    /// Returns the subscribed buckets.
    pub fn get_subscribed_buckets(&self) -> Vec<TableBucket> {
        self.scanner.subscribed()
    }

    /// Returns the Arrow schema of the batches. Reading the changelog of a primary-key table, the last column is
    /// `_change_type`.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// Returns whether the table is partitioned.
    pub fn is_partitioned(&self) -> bool {
        self.scanner.projection().table().is_partitioned()
    }

    /// Returns the path of the table.
    pub fn table_path(&self) -> &TablePath {
        self.scanner.projection().table().table_path()
    }

    /// Returns the id of the table.
    pub fn table_id(&self) -> TableId {
        self.scanner.projection().table().table_id()
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
