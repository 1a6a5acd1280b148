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
/// Subscribe to buckets, then poll. Batches are fetched ahead of the polls as soon as a bucket is subscribed, at most
/// [`Config::scanner_prefetch_max_bytes`](crate::Config::scanner_prefetch_max_bytes) of them; dropping the scanner ends that. A change of
/// the bucket's leader, a restarted server and a broken connection are recovered from silently. All methods take `&self`, and may be
/// called from several tasks: each row goes to one of their polls.
#[derive(Debug)]
pub struct LogScanner {
    pub(super) scanner: Scanner,
}

impl LogScanner {
    pub(crate) fn new(scanner: Scanner) -> Self {
        Self { scanner }
    }

    /// Reads a bucket from an offset on, or from [`EARLIEST_OFFSET`] or [`LATEST_OFFSET`](crate::LATEST_OFFSET). A bucket that is read
    /// already is read from there instead, and what was fetched of it is thrown away.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a bucket that the table does not have, or if it is partitioned.
    ///
    /// # Cancel safety
    ///
    /// It ends at once.
    pub async fn subscribe(&self, bucket: i32, offset: i64) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe([(None, bucket, offset)])
    }

    /// Reads several buckets, each from its offset on: all of them, or none if one is wrong. See [`subscribe`](Self::subscribe).
    pub async fn subscribe_buckets(&self, offsets: &HashMap<i32, i64>) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe(
            offsets
                .iter()
                .map(|(bucket, offset)| (None, *bucket, *offset)),
        )
    }

    /// Reads a bucket from the earliest offset on. See [`subscribe`](Self::subscribe).
    pub async fn subscribe_from_beginning(&self, bucket: i32) -> Result<()> {
        self.subscribe(bucket, EARLIEST_OFFSET).await
    }

    /// Reads a bucket, of a partition if one is named, from the earliest record on, from what comes after the latest one, or from the first
    /// batch that the server took in at or after a time in milliseconds since the epoch. See [`subscribe`](Self::subscribe).
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

    /// Reads a bucket of a partition. See [`subscribe`](Self::subscribe).
    pub async fn subscribe_partition(
        &self,
        partition: PartitionId,
        bucket: i32,
        offset: i64,
    ) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe([(Some(partition), bucket, offset)])
    }

    /// Reads buckets of several partitions. See [`subscribe`](Self::subscribe).
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

    /// Reads a bucket no more, and throws away what was fetched of it. Nothing happens if it is not read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a bucket that the table does not have.
    ///
    /// # Cancel safety
    ///
    /// There is no point at which it could be dropped half done.
    pub async fn unsubscribe(&self, bucket: i32) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe(None, bucket)
    }

    /// Reads a bucket of a partition no more. See [`unsubscribe`](Self::unsubscribe).
    pub async fn unsubscribe_partition(&self, partition: PartitionId, bucket: i32) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe(Some(partition), bucket)
    }

    /// Reads the whole table: every bucket from `start` on. Partitions that are created later are found within
    /// [`Config::scanner_partition_discovery_interval`](crate::Config::scanner_partition_discovery_interval) and read from their
    /// beginning; those that are dropped are read no more, silently.
    ///
    /// # Errors
    ///
    /// Why the partitions of the table cannot be listed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing is subscribed.
    pub async fn subscribe_table(&self, start: OffsetSpec) -> Result<()> {
        take_turn().await;
        self.scanner.subscribe_table(start).await
    }

    /// Reads nothing any more, looks for no more partitions, and throws away what was fetched.
    ///
    /// # Errors
    ///
    /// None today.
    ///
    /// # Cancel safety
    ///
    /// As [`unsubscribe`](Self::unsubscribe).
    pub async fn unsubscribe_all(&self) -> Result<()> {
        take_turn().await;
        self.scanner.unsubscribe_all();
        Ok(())
    }

    /// Gives the scan an end: each bucket that is subscribed now is read up to what `end` is at this moment. That is all there is
    /// ([`OffsetSpec::Latest`]), or everything before the first batch that a server took in at or after a time
    /// ([`OffsetSpec::Timestamp`], not in the future). No more partitions are looked for.
    ///
    /// [`is_finished`](Self::is_finished) tells when everything was handed out; polls return at once then, with nothing. Given a later end, the
    /// scan goes on from there. A bucket that is subscribed later has no end. Partitions that were dropped are passed by if
    /// [`subscribe_table`](Self::subscribe_table) found them; for buckets that were subscribed by name, a poll returns an error once.
    ///
    /// # Errors
    ///
    /// Why a leader does not tell its offsets, after [`Config::call_timeout`](crate::Config::call_timeout) of trying.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the scan has no end as before.
    pub async fn read_until(&self, end: OffsetSpec) -> Result<()> {
        take_turn().await;
        self.scanner.read_until(end).await
    }

    /// Gives the scan an end: each bucket is read up to its offset, not included, which may lie in the future. See
    /// [`read_until`](Self::read_until).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) unless exactly the buckets that are subscribed are named.
    pub fn read_until_offsets(&self, ends: &HashMap<TableBucket, i64>) -> Result<()> {
        self.scanner.read_until_offsets(ends)
    }

    /// Whether the scan has an end, and everything before it was handed out: every row, and the errors of the buckets that stopped before
    /// their ends.
    pub fn is_finished(&self) -> bool {
        self.scanner.is_finished()
    }

    /// The rows as a stream, in the order in which polls would return them.
    pub fn into_stream(self) -> RecordStream {
        RecordStream::new(self)
    }

    /// Takes the next rows, and waits for some at most `timeout`; no rows if there are none by then.
    ///
    /// At most [`Config::scanner_max_poll_records`](crate::Config::scanner_max_poll_records) rows, one more where an update would be
    /// torn. Buckets take turns.
    ///
    /// # Errors
    ///
    /// What stops a bucket for good: an offset that is not in the log, a batch that cannot be read, a refusal of the server. It is
    /// returned when the rows before it were; the other buckets are read on, and polls that find nothing return it again, until the
    /// bucket is subscribed anew or unsubscribed, or the scan is [finished](Self::is_finished). To go on behind a batch that cannot be
    /// read, subscribe to the bucket at the end of [`Error::offsets`](crate::Error::offsets). [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if no bucket is subscribed.
    ///
    /// # Cancel safety
    ///
    /// A poll that is dropped loses nothing: rows leave the scanner in the moment in which they are returned.
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

    /// Makes a poll that is waiting, or the next one that would wait, return at once without rows.
    pub fn wakeup(&self) {
        self.scanner.wakeup();
    }

    /// Offset after the last row handed out of a bucket, batches without rows behind it included; what it was subscribed with before the first one; `None` if it is not read.
    pub fn position(&self, bucket: i32) -> Option<i64> {
        self.scanner.position(None, bucket)
    }

    /// As [`position`](Self::position), for a bucket of a partition.
    pub fn partition_position(&self, partition: PartitionId, bucket: i32) -> Option<i64> {
        self.scanner.position(Some(partition), bucket)
    }

    /// The buckets that are read.
    pub fn get_subscribed_buckets(&self) -> Vec<TableBucket> {
        self.scanner.subscribed()
    }
}

/// Makes a record of each row: a view of the batch with its index, and no copy.
fn records(polled: Polled) -> ScanRecords {
    let mut records = ScanRecords::default();
    for taken in polled.taken {
        let chunk = taken.chunk;
        let rows = records.bucket_mut(taken.bucket);
        let timestamp = chunk.timestamp();
        if let Some(columns) = chunk.appended_columns() {
            // What most batches are: nothing is decided row by row.
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
