//! The methods that both log scanners have: subscribing, ends and positions.

/// Implements them for a scanner with a field `scanner: Scanner`.
macro_rules! log_scanner_methods {
    () => {
        /// Subscribes to a bucket, from an offset, [`EARLIEST_OFFSET`](crate::EARLIEST_OFFSET) or
        /// [`LATEST_OFFSET`](crate::LATEST_OFFSET). A bucket that is already subscribed is read from there instead, and
        /// what was prefetched of it is discarded.
        ///
        /// # Errors
        ///
        /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a bucket that the table does not have, for another
        /// negative offset, or if the table is partitioned. [`ErrorKind::Closed`](crate::error::ErrorKind::Closed) if
        /// the connection is closed.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn subscribe(&self, bucket: i32, offset: i64) -> Result<()> {
            take_turn().await;
            self.scanner.subscribe_all([Wanted::new(bucket, offset)])
        }

        /// Subscribes to a bucket of a table with or without partitions, from an offset or from what an
        /// [`OffsetSpec`] describes. Takes the [`TableBucket`] that records, results of writes and positions name.
        ///
        /// # Errors
        ///
        /// The same as [`subscribe`](Self::subscribe), and [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a
        /// bucket of another table.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn subscribe_bucket(
            &self,
            bucket: TableBucket,
            start: impl Into<StartOffset>,
        ) -> Result<()> {
            let wanted = Wanted::new(bucket, start);
            take_turn().await;
            self.scanner.subscribe_all([wanted])
        }

        /// Subscribes to several buckets, each from its own start: to all of them, or to none if one is wrong.
        ///
        /// A bucket is a [`TableBucket`], the number of a bucket, or `(partition id, number)`; a start is an offset or
        /// an [`OffsetSpec`]. So this takes saved positions in a `HashMap<TableBucket, i64>` as well as a list such as
        /// `[(0, 17), (1, 4)]`.
        ///
        /// # Errors
        ///
        /// The same as [`subscribe_bucket`](Self::subscribe_bucket).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn subscribe_buckets(
            &self,
            buckets: impl IntoIterator<Item = (impl ScanBucket, impl Into<StartOffset>)>,
        ) -> Result<()> {
            let wanted: Vec<_> = buckets
                .into_iter()
                .map(|(bucket, start)| Wanted::new(bucket, start))
                .collect();
            take_turn().await;
            self.scanner.subscribe_all(wanted)
        }

        /// Subscribes to a bucket from the earliest offset. Equivalent to [`subscribe`](Self::subscribe) with
        /// [`EARLIEST_OFFSET`](crate::EARLIEST_OFFSET).
        ///
        /// # Errors
        ///
        /// The same as [`subscribe`](Self::subscribe).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn subscribe_from_beginning(&self, bucket: i32) -> Result<()> {
            self.subscribe(bucket, EARLIEST_OFFSET).await
        }

        /// Subscribes to a bucket, of a partition if one is given, from the earliest record, after the latest record,
        /// or from the first batch that the server received at or after a time in milliseconds since the epoch.
        /// Equivalent to [`subscribe_bucket`](Self::subscribe_bucket) with an [`OffsetSpec`].
        ///
        /// # Errors
        ///
        /// The same as [`subscribe`](Self::subscribe); [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) also for a
        /// partition of a table without partitions.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn subscribe_from(
            &self,
            partition: Option<PartitionId>,
            bucket: i32,
            start: OffsetSpec,
        ) -> Result<()> {
            take_turn().await;
            self.scanner
                .subscribe_from([(partition, bucket, Ok(start.into()))])
        }

        /// Subscribes to a bucket of a partition. See [`subscribe`](Self::subscribe).
        ///
        /// # Errors
        ///
        /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if the table has no partitions, and as
        /// [`subscribe`](Self::subscribe).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn subscribe_partition(
            &self,
            partition: PartitionId,
            bucket: i32,
            offset: i64,
        ) -> Result<()> {
            take_turn().await;
            self.scanner
                .subscribe_all([Wanted::new((partition, bucket), offset)])
        }

        /// Subscribes to buckets of several partitions, each from its own offset: to all of them, or to none if one is
        /// wrong. [`subscribe_buckets`](Self::subscribe_buckets) does the same with any iterator.
        ///
        /// # Errors
        ///
        /// The same as [`subscribe_partition`](Self::subscribe_partition).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn subscribe_partition_buckets(
            &self,
            offsets: &HashMap<(PartitionId, i32), i64>,
        ) -> Result<()> {
            self.subscribe_buckets(offsets).await
        }

        /// Subscribes to the whole table: to every bucket, from `start`. Partitions that are created later are found
        /// within [`Config::scanner_partition_discovery_interval`](crate::Config::scanner_partition_discovery_interval)
        /// and read from their beginning; dropped partitions are removed silently.
        ///
        /// # Errors
        ///
        /// Returns an error if the partitions of the table cannot be listed.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: if dropped, nothing is subscribed.
        pub async fn subscribe_table(&self, start: OffsetSpec) -> Result<()> {
            take_turn().await;
            self.scanner.subscribe_table(start).await
        }

        /// Unsubscribes from a bucket, and discards what was prefetched of it. Does nothing if it is not subscribed.
        ///
        /// # Errors
        ///
        /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a bucket that the table does not have.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn unsubscribe(&self, bucket: i32) -> Result<()> {
            take_turn().await;
            self.scanner.unsubscribe_one(bucket)
        }

        /// Unsubscribes from a bucket of a table with or without partitions. See [`unsubscribe`](Self::unsubscribe).
        ///
        /// # Errors
        ///
        /// The same as [`unsubscribe`](Self::unsubscribe); [`ErrorKind::Usage`](crate::ErrorKind::Usage) also for a
        /// bucket of another table.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn unsubscribe_bucket(&self, bucket: TableBucket) -> Result<()> {
            take_turn().await;
            self.scanner.unsubscribe_one(bucket)
        }

        /// Unsubscribes from a bucket of a partition. See [`unsubscribe`](Self::unsubscribe).
        ///
        /// # Errors
        ///
        /// The same as [`unsubscribe`](Self::unsubscribe).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn unsubscribe_partition(
            &self,
            partition: PartitionId,
            bucket: i32,
        ) -> Result<()> {
            take_turn().await;
            self.scanner.unsubscribe_one((partition, bucket))
        }

        /// Unsubscribes from all buckets, discards what was prefetched, and stops looking for new partitions.
        ///
        /// # Errors
        ///
        /// Currently never fails.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: completes immediately.
        pub async fn unsubscribe_all(&self) -> Result<()> {
            take_turn().await;
            self.scanner.unsubscribe_all();
            Ok(())
        }

        /// Sets the end of the scan: each bucket that is subscribed now is read up to what `end` is at this moment. That
        /// is everything there is ([`OffsetSpec::Latest`]), or everything before the first batch that a server received
        /// at or after a time ([`OffsetSpec::Timestamp`], not in the future). The scanner stops looking for new
        /// partitions.
        ///
        /// [`is_finished`](Self::is_finished) returns true once everything was returned; polls then return immediately
        /// and empty. If you set a later end, the scan continues from there. Buckets that are subscribed later have no
        /// end. Dropped partitions are skipped if [`subscribe_table`](Self::subscribe_table) found them; for buckets
        /// that were subscribed one by one, a poll returns an error once.
        ///
        /// # Errors
        ///
        /// Returns an error if a leader does not return its offsets within
        /// [`Config::call_timeout`](crate::Config::call_timeout).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: if dropped, the scan stays unbounded, or keeps its former end.
        pub async fn read_until(&self, end: OffsetSpec) -> Result<()> {
            take_turn().await;
            self.scanner.read_until(end).await
        }

        /// Sets the end of each subscribed bucket: the offset to stop at, not included. It may be in the future. See
        /// [`read_until`](Self::read_until).
        ///
        /// # Errors
        ///
        /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) unless exactly the subscribed buckets are named.
        pub fn read_until_offsets(&self, ends: &HashMap<TableBucket, i64>) -> Result<()> {
            self.scanner.read_until_offsets(ends)
        }

        /// Returns whether the scan has an end and everything before it was returned: every row, and the errors of the
        /// buckets that stopped before their ends.
        pub fn is_finished(&self) -> bool {
            self.scanner.is_finished()
        }

        /// Makes a waiting poll, or the next one that would wait, return immediately and empty.
        pub fn wakeup(&self) {
            self.scanner.wakeup();
        }

        /// Returns the offset that is returned next for a bucket, empty batches skipped; the start offset before the
        /// first row; `None` if the bucket is not subscribed.
        pub fn position(&self, bucket: i32) -> Option<i64> {
            self.scanner.position(None, bucket)
        }

        /// Returns the position in a bucket of a table with or without partitions. See [`position`](Self::position).
        pub fn position_of(&self, bucket: &TableBucket) -> Option<i64> {
            self.scanner.position_of(bucket)
        }

        /// Returns the position in a bucket of a partition. See [`position`](Self::position).
        pub fn partition_position(&self, partition: PartitionId, bucket: i32) -> Option<i64> {
            self.scanner.position(Some(partition), bucket)
        }

        /// Returns the subscribed buckets, in order.
        pub fn get_subscribed_buckets(&self) -> Vec<TableBucket> {
            self.scanner.subscribed()
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
    };
}
pub(super) use log_scanner_methods;
