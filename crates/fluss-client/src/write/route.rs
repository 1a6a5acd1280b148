//! Which partition and bucket a row goes to.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;

use fluss_metadata::{ResolvedPartitionSpec, TableInfo};
use fluss_row::key::TableKeys;
use fluss_row::{InternalRow, PartitionNames};

use super::appender::Target;
use super::buckets::PartitionBuckets;
use super::table::TableWrites;
use crate::config::BucketAssigner;
use crate::error::{Error, Result};

/// Bytes up to which a thread keeps its buffers for the next row.
const KEEP_BUFFER: usize = 64 * 1024;

#[derive(Default)]
struct Buffers {
    key: Vec<u8>,
    bucket_key: Vec<u8>,
    partition: String,
}

thread_local! {
    /// Scratch memory of this thread for keys and names. Taken while in use, because rows are code of the user and may write rows too.
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

/// The buckets of a table or partition.
pub(super) enum BucketsRef<'a> {
    Whole(&'a Arc<PartitionBuckets>),
    Partition(Arc<PartitionBuckets>),
}

impl Deref for BucketsRef<'_> {
    type Target = Arc<PartitionBuckets>;

    #[inline]
    fn deref(&self) -> &Arc<PartitionBuckets> {
        match self {
            Self::Whole(buckets) => buckets,
            Self::Partition(buckets) => buckets,
        }
    }
}

/// Where a row goes.
pub(super) struct RowBucket<'a> {
    pub(super) buckets: BucketsRef<'a>,
    /// The bucket; the sticky one if `None`.
    pub(super) bucket: Option<u32>,
}

impl RowBucket<'_> {
    #[inline]
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            buckets: &self.buckets,
            bucket: self.bucket,
            bucket_key: None,
        }
    }
}

/// Where a row goes, and its key.
pub(super) struct RowPlan<'a> {
    bucket: RowBucket<'a>,
    pub(super) key: Vec<u8>,
    bucket_key: Option<Vec<u8>>,
}

impl RowPlan<'_> {
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            bucket_key: self.bucket_key.as_deref(),
            ..self.bucket.target()
        }
    }
}

/// Finds the partition and bucket of the rows of a table.
#[derive(Debug)]
pub(crate) struct RowRoute {
    table: Arc<TableWrites>,
    keys: TableKeys,
    has_bucket_key: bool,
    without_key: BucketAssigner,
}

impl RowRoute {
    pub(crate) fn new(
        info: &TableInfo,
        table: &Arc<TableWrites>,
        without_key: BucketAssigner,
    ) -> Result<Self> {
        let keys = TableKeys::of_rows(info)?;
        Ok(Self {
            table: Arc::clone(table),
            has_bucket_key: keys.has_bucket_key(),
            keys,
            without_key,
        })
    }

    /// The bucket of a row of a log table.
    #[inline]
    pub(super) fn bucket_of<R: InternalRow>(&self, row: &R) -> Result<RowBucket<'_>> {
        match self.bucket_of_all() {
            Some(bucket) => Ok(bucket),
            None => self.with_buffers(row, |bucket, _| Ok(bucket)),
        }
    }

    /// Whether the row's partition was written to before. If not, its values are checked; the partition is not looked for.
    pub(super) fn is_known<R: InternalRow>(&self, row: &R, name: &mut String) -> Result<bool> {
        let (None, Some(names)) = (self.table.whole(), self.keys.partition()) else {
            return Ok(true);
        };
        name.clear();
        names
            .append_name(row, name)
            .map_err(|error| self.failed(error.into()))?;
        if self.table.partition(name).is_some() {
            return Ok(true);
        }
        let checked = self.check_new_partition(row, names);
        checked.map(|_| false).map_err(|error| self.failed(error))
    }

    /// The bucket of all rows, if it does not depend on the row.
    #[inline]
    pub(super) fn bucket_of_all(&self) -> Option<RowBucket<'_>> {
        let buckets = self.table.whole().filter(|_| !self.has_bucket_key)?;
        Some(RowBucket {
            buckets: BucketsRef::Whole(buckets),
            bucket: self.bucket_without_key(buckets),
        })
    }

    /// Calls `write` with where the row goes and its key, which is empty for a log table.
    #[inline]
    pub(super) fn with_key<R: InternalRow, T>(
        &self,
        row: &R,
        write: impl FnOnce(&Target<'_>, &[u8]) -> Result<T>,
    ) -> Result<T> {
        self.with_buffers(row, |bucket, buffers| {
            let Buffers {
                key, bucket_key, ..
            } = buffers;
            let target = Target {
                bucket_key: self.bucket_key(row, &bucket.buckets, key, bucket_key)?,
                ..bucket.target()
            };
            write(&target, key)
        })
    }

    /// Equivalent to [`with_key`](Self::with_key), but returns owned values.
    pub(super) fn plan<R: InternalRow>(&self, row: &R) -> Result<RowPlan<'_>> {
        self.with_buffers(row, |bucket, buffers| {
            let Buffers {
                key, bucket_key, ..
            } = buffers;
            let bucket_key = self.bucket_key(row, &bucket.buckets, key, bucket_key)?;
            Ok(RowPlan {
                bucket_key: bucket_key.map(<[u8]>::to_vec),
                key: key.clone(),
                bucket,
            })
        })
    }

    /// The bucket key of a row, if its bucket may have to be computed again (the number of buckets is a guess) and the key is not enough.
    #[inline]
    fn bucket_key<'b, R: InternalRow>(
        &self,
        row: &R,
        buckets: &PartitionBuckets,
        key: &'b [u8],
        scratch: &'b mut Vec<u8>,
    ) -> Result<Option<&'b [u8]>> {
        if self.keys.key_is_bucket_key() || !buckets.is_tentative() {
            return Ok(None);
        }
        self.keys
            .bucket_key(row, key, scratch)
            .map_err(|error| self.failed(error.into()))
    }

    #[inline]
    fn with_buffers<'a, R: InternalRow, T>(
        &'a self,
        row: &R,
        write: impl FnOnce(RowBucket<'a>, &mut Buffers) -> Result<T>,
    ) -> Result<T> {
        let mut buffers = BUFFERS.take().unwrap_or_default();
        let result = self
            .find(row, &mut buffers)
            .and_then(|bucket| write(bucket, &mut buffers));
        if buffers.key.capacity() <= KEEP_BUFFER && buffers.partition.capacity() <= KEEP_BUFFER {
            BUFFERS.set(Some(buffers));
        }
        result
    }

    #[inline]
    fn find<R: InternalRow>(&self, row: &R, buffers: &mut Buffers) -> Result<RowBucket<'_>> {
        let buckets = match (self.table.whole(), self.keys.partition()) {
            (Some(buckets), _) => BucketsRef::Whole(buckets),
            (None, Some(names)) => {
                BucketsRef::Partition(self.partition_of(row, names, &mut buffers.partition)?)
            }
            (None, None) => {
                return Err(self.failed(Error::usage(
                    "the table has partitions and no partition keys",
                )));
            }
        };
        buffers.key.clear();
        let bucket = self
            .keys
            .encode_key(row, &mut buffers.key)
            .and_then(|()| {
                // A partition may have another number of buckets than the table.
                let count = buckets.count() as i32;
                let scratch = &mut buffers.bucket_key;
                self.keys.bucket_of(row, &buffers.key, scratch, count)
            })
            .map_err(|error| self.failed(error.into()))?;
        let bucket = match bucket {
            Some(bucket) => Some(bucket as u32),
            None => self.bucket_without_key(&buckets),
        };
        Ok(RowBucket { buckets, bucket })
    }

    #[inline]
    fn bucket_without_key(&self, buckets: &PartitionBuckets) -> Option<u32> {
        match self.without_key {
            BucketAssigner::Sticky => None,
            BucketAssigner::RoundRobin => Some(buckets.round_robin_bucket()),
        }
    }

    /// The buckets of the row's partition. A partition that was not written to before is found or created in the background.
    fn partition_of<R: InternalRow>(
        &self,
        row: &R,
        names: &PartitionNames,
        name: &mut String,
    ) -> Result<Arc<PartitionBuckets>> {
        name.clear();
        names
            .append_name(row, name)
            .map_err(|error| self.failed(error.into()))?;
        match self.table.partition(name) {
            Some(buckets) => Ok(buckets),
            None => self
                .new_partition(row, names, name)
                .map_err(|error| self.failed(error)),
        }
    }

    #[cold]
    fn new_partition<R: InternalRow>(
        &self,
        row: &R,
        names: &PartitionNames,
        name: &str,
    ) -> Result<Arc<PartitionBuckets>> {
        let spec = self.check_new_partition(row, names)?;
        self.table
            .partition_or_new(name, || spec.partition_values().to_vec())
    }

    /// Checks the partition values one by one. Those of a partition that was written to before are known to be valid.
    fn check_new_partition<R: InternalRow>(
        &self,
        row: &R,
        names: &PartitionNames,
    ) -> Result<ResolvedPartitionSpec> {
        let keys = self.table.info().partition_keys();
        let spec = ResolvedPartitionSpec::new(keys.to_vec(), names.values(row)?)?;
        spec.validate()?;
        Ok(spec)
    }

    #[cold]
    fn failed(&self, error: Error) -> Error {
        error.of_table(self.table.info().table_path())
    }
}
