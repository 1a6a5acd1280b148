//! What a poll returns: rows with their offsets, or Arrow batches.

use std::collections::HashMap;
use std::collections::hash_map;
use std::fmt;
use std::vec;

use arrow_array::RecordBatch;
use fluss_metadata::TableBucket;
use fluss_row::ChangeType;
use fluss_row::arrow::ColumnarRow;

/// A row of the log with its place in it.
///
/// The row is a view of the batch it came in: cheap to clone, and the batch lives as long as one of its rows.
#[derive(Debug, Clone)]
pub struct ScanRecord {
    row: ColumnarRow,
    offset: i64,
    timestamp: i64,
    change_type: ChangeType,
}

impl ScanRecord {
    pub(crate) fn new(
        row: ColumnarRow,
        offset: i64,
        timestamp: i64,
        change_type: ChangeType,
    ) -> Self {
        Self {
            row,
            offset,
            timestamp,
            change_type,
        }
    }

    /// The columns, in the order of the projection.
    pub fn row(&self) -> &ColumnarRow {
        &self.row
    }

    /// Offset of the record in its bucket.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// When the server took in the batch of the record, in milliseconds since the epoch.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// What happened to the row: always [`ChangeType::AppendOnly`] in a log table.
    pub fn change_type(&self) -> &ChangeType {
        &self.change_type
    }
}

/// The records of one poll, by bucket; in the order of their offsets within a bucket.
#[derive(Debug, Clone, Default)]
pub struct ScanRecords {
    buckets: HashMap<TableBucket, Vec<ScanRecord>>,
    positions: Vec<(TableBucket, i64)>,
}

impl ScanRecords {
    /// Makes room for the records of a bucket.
    pub(crate) fn bucket_mut(&mut self, bucket: TableBucket) -> &mut Vec<ScanRecord> {
        self.buckets.entry(bucket).or_default()
    }

    pub(crate) fn set_positions(&mut self, positions: Vec<(TableBucket, i64)>) {
        self.positions = positions;
    }

    /// The records of each bucket that has any.
    ///
    /// ```no_run
    /// # fn print(records: fluss_client::ScanRecords) {
    /// for (bucket, bucket_records) in records.records_by_buckets() {
    ///     for record in bucket_records {
    ///         println!("{bucket:?} {} {:?}", record.offset(), record.row());
    ///     }
    /// }
    /// # }
    /// ```
    pub fn records_by_buckets(&self) -> &HashMap<TableBucket, Vec<ScanRecord>> {
        &self.buckets
    }

    /// Takes the records of each bucket that has any.
    pub fn into_records_by_buckets(self) -> HashMap<TableBucket, Vec<ScanRecord>> {
        self.buckets
    }

    /// The records of one bucket; none if it has none.
    pub fn records(&self, bucket: &TableBucket) -> &[ScanRecord] {
        self.buckets.get(bucket).map_or(&[], Vec::as_slice)
    }

    /// The buckets that have records.
    pub fn buckets(&self) -> impl Iterator<Item = &TableBucket> {
        self.buckets.keys()
    }

    /// How many records there are in all.
    pub fn count(&self) -> usize {
        self.buckets.values().map(Vec::len).sum()
    }

    /// Whether there are records, or [`consumed_up_to`](Self::consumed_up_to) tells of any bucket.
    pub fn has_progress(&self) -> bool {
        !self.positions.is_empty()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Offset after everything of the bucket that was handed out up to this poll, batches without rows included; `None` if it is where the
    /// last poll told. A poll that ends without records tells of the buckets that came further by batches without rows.
    pub fn consumed_up_to(&self, bucket: &TableBucket) -> Option<i64> {
        self.positions
            .iter()
            .find(|(other, _)| other == bucket)
            .map(|(_, position)| *position)
    }
}

impl IntoIterator for ScanRecords {
    type Item = ScanRecord;
    type IntoIter = ScanRecordsIntoIter;

    /// All records, bucket after bucket.
    fn into_iter(self) -> Self::IntoIter {
        ScanRecordsIntoIter {
            buckets: self.buckets.into_values(),
            current: Vec::new().into_iter(),
        }
    }
}

/// All records of a poll, bucket after bucket. See [`ScanRecords::into_iter`].
#[derive(Debug)]
pub struct ScanRecordsIntoIter {
    buckets: hash_map::IntoValues<TableBucket, Vec<ScanRecord>>,
    current: vec::IntoIter<ScanRecord>,
}

impl Iterator for ScanRecordsIntoIter {
    type Item = ScanRecord;

    fn next(&mut self) -> Option<ScanRecord> {
        loop {
            if let Some(record) = self.current.next() {
                return Some(record);
            }
            self.current = self.buckets.next()?.into_iter();
        }
    }
}

/// Rows of one bucket as an Arrow batch.
#[derive(Clone)]
pub struct ScanBatch {
    bucket: TableBucket,
    batch: RecordBatch,
    base_offset: i64,
    timestamp: Option<i64>,
}

impl ScanBatch {
    pub(crate) fn new(
        bucket: TableBucket,
        batch: RecordBatch,
        base_offset: i64,
        timestamp: Option<i64>,
    ) -> Self {
        Self {
            bucket,
            batch,
            base_offset,
            timestamp,
        }
    }

    /// The bucket of the rows.
    pub fn bucket(&self) -> &TableBucket {
        &self.bucket
    }

    /// The columns, in the order of the projection. Reading the changelog of a primary-key table, a last column `_change_type` tells
    /// what happened to each row: `insert`, `update_before`, `update_after` or `delete`.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Takes the columns; see [`batch`](Self::batch).
    pub fn into_batch(self) -> RecordBatch {
        self.batch
    }

    /// Offset of the first row in its bucket. Rows of a primary-key table that were read with a limit have no offset: 0.
    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Offset of the last row; one less than [`base_offset`](Self::base_offset) if there are no rows.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + self.batch.num_rows() as i64 - 1
    }

    /// When the server took in the rows, in milliseconds since the epoch, where that is known.
    pub fn timestamp(&self) -> Option<i64> {
        self.timestamp
    }

    /// How many rows there are.
    pub fn num_records(&self) -> usize {
        self.batch.num_rows()
    }
}

impl fmt::Debug for ScanBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanBatch")
            .field("bucket", &self.bucket)
            .field("base_offset", &self.base_offset)
            .field("rows", &self.batch.num_rows())
            .finish_non_exhaustive()
    }
}
