//! What a poll returns: rows with their offsets, or Arrow batches.

use std::collections::HashMap;
use std::collections::hash_map;
use std::fmt;
use std::slice;
use std::vec;

use arrow_array::RecordBatch;
use fluss_metadata::TableBucket;
use fluss_row::ChangeType;
use fluss_row::arrow::ColumnarRow;

/// A row of the log with its position.
///
/// The row is a view of its batch. It is cheap to clone, and the batch stays in memory as long as one of its rows does.
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

    /// Returns the columns, in the order of the projection.
    pub fn row(&self) -> &ColumnarRow {
        &self.row
    }

    /// Returns the offset of the record in its bucket.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Returns when the server received the batch of the record, in milliseconds since the epoch.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// Returns what happened to the row. Always [`ChangeType::AppendOnly`] in a log table.
    pub fn change_type(&self) -> &ChangeType {
        &self.change_type
    }
}

impl fmt::Display for ScanRecord {
    /// What happened to the row, the row and its offset: `+I (1, "Alice") at offset 5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} at offset {}",
            self.change_type.short_string(),
            self.row,
            self.offset
        )
    }
}

/// The records of one poll, by bucket, in offset order within each bucket.
#[derive(Debug, Clone, Default)]
pub struct ScanRecords {
    buckets: HashMap<TableBucket, Vec<ScanRecord>>,
    positions: Vec<(TableBucket, i64)>,
}

impl ScanRecords {
    /// Returns the list for the records of a bucket.
    pub(crate) fn bucket_mut(&mut self, bucket: TableBucket) -> &mut Vec<ScanRecord> {
        self.buckets.entry(bucket).or_default()
    }

    pub(crate) fn set_positions(&mut self, positions: Vec<(TableBucket, i64)>) {
        self.positions = positions;
    }

    /// Returns the records of each bucket that has any.
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

    /// Consumes this and returns the records of each bucket that has any.
    pub fn into_records_by_buckets(self) -> HashMap<TableBucket, Vec<ScanRecord>> {
        self.buckets
    }

    /// Returns the records of one bucket, which may be empty.
    pub fn records(&self, bucket: &TableBucket) -> &[ScanRecord] {
        self.buckets.get(bucket).map_or(&[], Vec::as_slice)
    }

    /// Returns the buckets that have records.
    pub fn buckets(&self) -> impl Iterator<Item = &TableBucket> {
        self.buckets.keys()
    }

    /// Returns the total number of records.
    pub fn count(&self) -> usize {
        self.buckets.values().map(Vec::len).sum()
    }

    /// Returns whether there are records, or [`consumed_up_to`](Self::consumed_up_to) returns an offset for any bucket.
    pub fn has_progress(&self) -> bool {
        !self.positions.is_empty()
    }

    /// Returns whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Returns the next offset to read for `bucket` after this poll, including empty batches, or `None` if it is
    /// unchanged. A poll without records returns it for the buckets that advanced over empty batches.
    pub fn consumed_up_to(&self, bucket: &TableBucket) -> Option<i64> {
        self.positions
            .iter()
            .find(|(other, _)| other == bucket)
            .map(|(_, position)| *position)
    }
}

impl ScanRecords {
    /// Iterates over all records, bucket by bucket, without taking them.
    pub fn iter(&self) -> ScanRecordsIter<'_> {
        ScanRecordsIter {
            buckets: self.buckets.values(),
            current: [].iter(),
        }
    }
}

impl<'a> IntoIterator for &'a ScanRecords {
    type Item = &'a ScanRecord;
    type IntoIter = ScanRecordsIter<'a>;

    /// Iterates over all records, bucket by bucket, without taking them.
    ///
    /// ```no_run
    /// # fn print(records: fluss_client::ScanRecords) {
    /// for record in &records {
    ///     println!("{record}");
    /// }
    /// println!("{} records", records.count());
    /// # }
    /// ```
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Iterator over references to all records of a poll, bucket by bucket. See [`ScanRecords::iter`].
#[derive(Debug, Clone)]
pub struct ScanRecordsIter<'a> {
    buckets: hash_map::Values<'a, TableBucket, Vec<ScanRecord>>,
    current: slice::Iter<'a, ScanRecord>,
}

impl<'a> Iterator for ScanRecordsIter<'a> {
    type Item = &'a ScanRecord;

    fn next(&mut self) -> Option<&'a ScanRecord> {
        loop {
            if let Some(record) = self.current.next() {
                return Some(record);
            }
            self.current = self.buckets.next()?.iter();
        }
    }
}

impl IntoIterator for ScanRecords {
    type Item = ScanRecord;
    type IntoIter = ScanRecordsIntoIter;

    /// Iterates over all records, bucket by bucket.
    fn into_iter(self) -> Self::IntoIter {
        ScanRecordsIntoIter {
            buckets: self.buckets.into_values(),
            current: Vec::new().into_iter(),
        }
    }
}

/// Iterator over all records of a poll, bucket by bucket. See [`ScanRecords::into_iter`].
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

    /// Returns the bucket of the rows.
    pub fn bucket(&self) -> &TableBucket {
        &self.bucket
    }

    /// Returns the columns, in the order of the projection. For the changelog of a primary-key table, a trailing
    /// `_change_type` column says what happened to each row: `insert`, `update_before`, `update_after` or `delete`.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Consumes this and returns the columns; see [`batch`](Self::batch).
    pub fn into_batch(self) -> RecordBatch {
        self.batch
    }

    /// Returns the offset of the first row in its bucket. Rows of a primary-key table read with a limit have no
    /// offset; it is 0 then.
    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Returns the offset of the last row, or one less than [`base_offset`](Self::base_offset) if there are no rows.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + self.batch.num_rows() as i64 - 1
    }

    /// Returns when the server received the rows, in milliseconds since the epoch, if known.
    pub fn timestamp(&self) -> Option<i64> {
        self.timestamp
    }

    /// Returns the number of rows.
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
