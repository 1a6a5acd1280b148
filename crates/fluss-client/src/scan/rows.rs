//! The scanner over rows.

use std::collections::HashMap;
use std::time::Duration;

use fluss_metadata::{OffsetSpec, PartitionId, TableBucket};
use fluss_row::ChangeType;

use super::{Polled, RecordStream, Scanner, start_of};
use crate::error::Result;
use crate::table::{EARLIEST_OFFSET, ScanRecord, ScanRecords};
use crate::turn::take_turn;

/// Reads the rows of a log table, or the changelog of a primary-key table, bucket by bucket.
///
/// Subscribe to buckets, then poll. The scanner prefetches batches as soon as you subscribe to a bucket, up to
/// [`Config::scanner_prefetch_max_bytes`](crate::Config::scanner_prefetch_max_bytes), until it is dropped. It
/// recovers silently from a leader change, a restarted server and a broken connection. All methods take `&self`, and
/// you can call them from several tasks: each row is returned by exactly one of their polls.
#[derive(Debug)]
pub struct LogScanner {
    pub(super) scanner: Scanner,
}

impl LogScanner {
    pub(crate) fn new(scanner: Scanner) -> Self {
        Self { scanner }
    }

    /// Subscribes to a bucket from an offset, [`EARLIEST_OFFSET`] or [`LATEST_OFFSET`](crate::LATEST_OFFSET). If you
    /// are already subscribed to the bucket, it continues from there instead, and what was prefetched is discarded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a bucket that the table does not have, or if the
    /// table is partitioned.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: completes immediately.
    pub async fn subscribe(&self, bucket: i32, offset: i64) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe([(None, bucket, offset)])
    }

    /// Subscribes to several buckets, each from its offset: to all of them, or to none if one is invalid. See
    /// [`subscribe`](Self::subscribe).
    pub async fn subscribe_buckets(&self, offsets: &HashMap<i32, i64>) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe(
            offsets
                .iter()
                .map(|(bucket, offset)| (None, *bucket, *offset)),
        )
    }

    /// Subscribes to a bucket from the earliest offset. See [`subscribe`](Self::subscribe).
    pub async fn subscribe_from_beginning(&self, bucket: i32) -> Result<()> {
        self.subscribe(bucket, EARLIEST_OFFSET).await
    }

    /// Subscribes to a bucket, of a partition if one is given, from the earliest record, from after the latest one,
    /// or from the first batch that the server received at or after a timestamp in milliseconds since the epoch. See
    /// [`subscribe`](Self::subscribe).
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

    /// Subscribes to a bucket of a partition. See [`subscribe`](Self::subscribe).
    pub async fn subscribe_partition(
        &self,
        partition: PartitionId,
        bucket: i32,
        offset: i64,
    ) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe([(Some(partition), bucket, offset)])
    }

    /// Subscribes to buckets of several partitions. See [`subscribe`](Self::subscribe).
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

    /// Unsubscribes from a bucket and discards what was prefetched. Does nothing if you are not subscribed to it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a bucket that the table does not have.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn unsubscribe(&self, bucket: i32) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe(None, bucket)
    }

    /// Unsubscribes from a bucket of a partition. See [`unsubscribe`](Self::unsubscribe).
    pub async fn unsubscribe_partition(&self, partition: PartitionId, bucket: i32) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe(Some(partition), bucket)
    }

    /// Subscribes to the whole table: every bucket, from `start`. Partitions created later are found within
    /// [`Config::scanner_partition_discovery_interval`](crate::Config::scanner_partition_discovery_interval) and read
    /// from their beginning. Dropped partitions are removed silently.
    ///
    /// # Errors
    ///
    /// Returns an error if the partitions of the table cannot be listed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped before completion, nothing is subscribed.
    pub async fn subscribe_table(&self, start: OffsetSpec) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe_table(start).await
    }

    /// Unsubscribes from everything, stops looking for partitions, and discards what was prefetched.
    ///
    /// # Errors
    ///
    /// Currently never fails.
    ///
    /// # Cancel safety
    ///
    /// The same as [`unsubscribe`](Self::unsubscribe).
    pub async fn unsubscribe_all(&self) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe_all();
        Ok(())
    }

    /// Sets an end for the scan: each bucket you are subscribed to is read up to the current position of `end`. That
    /// is everything that is there now ([`OffsetSpec::Latest`]), or everything before the first batch that a server
    /// received at or after a timestamp ([`OffsetSpec::Timestamp`], not in the future). The scanner stops looking for
    /// partitions.
    ///
    /// [`is_finished`](Self::is_finished) returns true once everything was returned; polls then return immediately
    /// without rows. If you set a later end, the scan resumes from there. A bucket you subscribe to later has no end.
    /// Dropped partitions are skipped if [`subscribe_table`](Self::subscribe_table) found them; for buckets you
    /// subscribed to by name, a poll returns an error once.
    ///
    /// # Errors
    ///
    /// Returns an error if a leader does not return its offsets within
    /// [`Config::call_timeout`](crate::Config::call_timeout).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped before completion, the scan stays unbounded.
    pub async fn read_until(&self, end: OffsetSpec) -> Result<()> {
        take_turn().await;
        self.scanner.read_until(end).await
    }

    /// Sets an end for the scan: each bucket is read up to its offset (exclusive), which may be in the future. See
    /// [`read_until`](Self::read_until).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) unless `ends` contains exactly the subscribed buckets.
    pub fn read_until_offsets(&self, ends: &HashMap<TableBucket, i64>) -> Result<()> {
        self.scanner.read_until_offsets(ends)
    }

    /// Returns whether the scan has an end and has returned everything before it: every row, and the errors of the
    /// buckets that stopped before their ends.
    pub fn is_finished(&self) -> bool {
        self.scanner.is_finished()
    }

    /// Converts the scanner to a stream of rows, in the order in which polls would return them.
    pub fn into_stream(self) -> RecordStream {
        RecordStream::new(self)
    }

    /// Returns the next rows. Waits for rows for at most `timeout`, and returns none if none arrived by then.
    ///
    /// Returns at most [`Config::scanner_max_poll_records`](crate::Config::scanner_max_poll_records) rows, plus one
    /// if an update would be split. Buckets are served round-robin.
    ///
    /// # Errors
    ///
    /// A permanent failure of a bucket: an offset that is not in the log, an unreadable batch, a rejection by the
    /// server. It is returned after the rows that precede it. The other buckets keep going, and empty polls return it
    /// again until you subscribe to the bucket again or unsubscribe from it, or the scan is
    /// [finished](Self::is_finished). To skip an unreadable batch, subscribe to the bucket at the end of
    /// [`Error::offsets`](crate::Error::offsets). [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if you are not
    /// subscribed to any bucket.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: rows leave the scanner only when they are returned.
    pub async fn poll(&self, timeout: Duration) -> Result<ScanRecords> {
        take_turn().await;
        let metrics = &self.scanner.shared.metrics;
        metrics.on_poll();
        let polled = self.scanner.poll(timeout).await?;
        Ok(polled.map_or_else(
            || {
                let mut none = ScanRecords::default();
                none.set_positions(self.scanner.progress());
                none
            },
            records,
        ))
    }

    /// Makes a waiting poll, or the next one that would wait, return immediately without rows.
    pub fn wakeup(&self) {
        self.scanner.wakeup();
    }

    /// Returns the next offset that `poll` will return for a bucket, including empty batches after the last row.
    /// Before the first row it is the start offset; `None` if you are not subscribed to the bucket.
    pub fn position(&self, bucket: i32) -> Option<i64> {
        self.scanner.position(None, bucket)
    }

    /// Like [`position`](Self::position), for a bucket of a partition.
    pub fn partition_position(&self, partition: PartitionId, bucket: i32) -> Option<i64> {
        self.scanner.position(Some(partition), bucket)
    }

    /// Returns the subscribed buckets.
    pub fn get_subscribed_buckets(&self) -> Vec<TableBucket> {
        self.scanner.subscribed()
    }
}

/// Creates a record for each row: a view of the batch with its index, without a copy.
fn records(polled: Polled) -> ScanRecords {
    let mut records = ScanRecords::default();
    for taken in polled.taken {
        let chunk = taken.chunk;
        let rows = records.bucket_mut(taken.bucket);
        let timestamp = chunk.timestamp();
        if let Some(columns) = chunk.appended_columns() {
            // The common case: nothing is decided per row.
            let first = chunk.offset(0);
            rows.extend(taken.rows.map(|row| {
                let offset = first + row as i64;
                ScanRecord::new(columns.row(row), offset, timestamp, ChangeType::AppendOnly)
            }));
            continue;
        }
        rows.extend(taken.rows.map(|row| {
            ScanRecord::new(
                chunk.row(row),
                chunk.offset(row),
                timestamp,
                chunk.change_type(row),
            )
        }));
    }
    records.set_positions(polled.positions);
    records
}
