//! The keys of a table: what identifies a row, and what selects its bucket.

use fluss_metadata::{RowType, TableInfo};

use super::{KeyEncoder, KeyEncoding};
use crate::assign::Values;
use crate::error::metadata_error;
use crate::{BucketFunction, InternalRow, PartitionNames, Result, RowError};

/// Everything needed to route a row of a table: its key, its bucket, its partition.
///
/// Values are assigned to their columns first, as [`RowEncoder::of_table`](crate::RowEncoder::of_table) says, so that
/// a row is found with the key that it is stored with.
///
/// Created once per table for one shape of rows: whole rows ([`TableKeys::of_rows`]), rows of the primary key
/// ([`TableKeys::of_lookups`]), or rows of a prefix of it ([`TableKeys::of_prefix_lookups`]).
#[derive(Debug, Clone)]
pub struct TableKeys {
    key: Option<KeyEncoder>,
    /// `None` also when the key's own bytes are the bucket key.
    bucket_key: Option<KeyEncoder>,
    key_is_bucket_key: bool,
    function: BucketFunction,
    bucket_count: i32,
    partition: Option<PartitionNames>,
}

impl TableKeys {
    /// For whole rows of the table, as in writers. A log table has no key, and without bucket keys no bucket either.
    pub fn of_rows(table: &TableInfo) -> Result<Self> {
        Self::new(table, table.row_type(), table.physical_primary_keys())
    }

    /// For rows of the primary key columns only, in the order of the primary key, including partition columns, as in
    /// lookups. Returns an error for a log table.
    pub fn of_lookups(table: &TableInfo) -> Result<Self> {
        if table.has_primary_key() {
            let lookup_type = project(table.row_type(), table.primary_keys())?;
            Self::new(table, &lookup_type, table.physical_primary_keys())
        } else {
            Err(unsupported("lookup", "a table without a primary key"))
        }
    }

    /// For rows of these columns: the bucket keys in their order, with the partition keys anywhere among
    /// them. What a prefix lookup takes.
    ///
    /// Returns an error for a log table, when the bucket keys are not a true prefix of the primary key (partition keys
    /// left out), and when the columns are other ones.
    pub fn of_prefix_lookups<S: AsRef<str>>(table: &TableInfo, columns: &[S]) -> Result<Self> {
        let (primary, bucket) = (table.physical_primary_keys(), table.bucket_keys());
        let is_partition_key = |name: &str| table.partition_keys().iter().any(|key| key == name);
        if !table.has_primary_key() {
            return Err(unsupported(
                "prefix lookup",
                "a table without a primary key",
            ));
        }
        if bucket.len() >= primary.len() || !primary.starts_with(bucket) {
            return Err(unsupported(
                "prefix lookup",
                "bucket keys that are not a strict prefix of the primary key",
            ));
        }
        let in_order = columns
            .iter()
            .map(AsRef::as_ref)
            .filter(|name| !is_partition_key(name))
            .eq(bucket.iter());
        let all_there = table
            .partition_keys()
            .iter()
            .all(|key| columns.iter().any(|name| name.as_ref() == key));
        if !in_order || !all_there || columns.len() != bucket.len() + table.partition_keys().len() {
            let wanted = table.partition_keys().iter().chain(bucket).cloned();
            let given = columns.iter().map(|name| name.as_ref().to_owned());
            return Err(RowError::PrefixColumns {
                wanted: wanted.collect(),
                given: given.collect(),
            });
        }
        Self::new(table, &project(table.row_type(), columns)?, bucket)
    }

    /// For rows of `row_type`, whose key are `key_columns`.
    fn new(table: &TableInfo, row_type: &RowType, key_columns: &[String]) -> Result<Self> {
        let descriptor = table.descriptor();
        let lake = descriptor
            .data_lake_format()
            .map_err(|error| metadata_error("lake format", error))?;
        let default = table.is_default_bucket_key();
        let bucket_encoding = KeyEncoding::of_bucket_key(lake);
        let key = if table.has_primary_key() {
            let version = descriptor
                .kv_format_version()
                .map_err(|error| metadata_error("KV format version", error))?;
            let encoding = KeyEncoding::of_primary_key(lake, version, default)?;
            Some(KeyEncoder::with_values(
                encoding,
                row_type,
                key_columns,
                Values::Assigned,
            )?)
        } else {
            None
        };
        let key_is_bucket_key = key
            .as_ref()
            .is_some_and(|key| key.encoding() == bucket_encoding)
            && key_columns == table.bucket_keys();
        let bucket_key = if key_is_bucket_key || table.bucket_keys().is_empty() {
            None
        } else {
            Some(KeyEncoder::with_values(
                bucket_encoding,
                row_type,
                table.bucket_keys(),
                Values::Assigned,
            )?)
        };
        let partition = if table.is_partitioned() {
            Some(PartitionNames::with_values(
                row_type,
                table.partition_keys(),
                Values::Assigned,
            )?)
        } else {
            None
        };
        Ok(Self {
            key,
            bucket_key,
            key_is_bucket_key,
            function: BucketFunction::for_lake(lake),
            bucket_count: table.num_buckets(),
            partition,
        })
    }

    /// Returns the encoder of keys; `None` for a log table.
    pub fn key(&self) -> Option<&KeyEncoder> {
        self.key.as_ref()
    }

    /// Returns whether rows have a specific bucket. Rows of a log table without bucket keys may go to any.
    pub fn has_bucket_key(&self) -> bool {
        self.key_is_bucket_key || self.bucket_key.is_some()
    }

    /// Returns the names of partitions; none when the table is not partitioned.
    pub fn partition(&self) -> Option<&PartitionNames> {
        self.partition.as_ref()
    }

    /// Appends the key of a row; nothing for a log table.
    #[inline]
    pub fn encode_key<R: InternalRow + ?Sized>(&self, row: &R, key: &mut Vec<u8>) -> Result<()> {
        match &self.key {
            Some(encoder) => encoder.encode(row, key),
            None => Ok(()),
        }
    }

    /// Returns whether the key's own bytes are what a bucket is found by.
    pub fn key_is_bucket_key(&self) -> bool {
        self.key_is_bucket_key
    }

    /// The bytes that the bucket of a row is found by, for [`bucket_of_key`](Self::bucket_of_key): its key, or what
    /// is written into `scratch`; `None` when it may go into any.
    pub fn bucket_key<'a, R>(
        &self,
        row: &R,
        key: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<Option<&'a [u8]>>
    where
        R: InternalRow + ?Sized,
    {
        if self.key_is_bucket_key {
            return Ok(Some(key));
        }
        match &self.bucket_key {
            Some(encoder) => {
                scratch.clear();
                encoder.encode(row, scratch)?;
                Ok(Some(scratch))
            }
            None => Ok(None),
        }
    }

    /// Returns the bucket among `bucket_count` that these bytes of a [`bucket_key`](Self::bucket_key) lead to.
    pub fn bucket_of_key(&self, bucket_key: &[u8], bucket_count: i32) -> Result<i32> {
        self.function.bucket(bucket_key, bucket_count)
    }

    /// Returns the bucket of a row whose key is already encoded; `None` if it may go to any.
    ///
    /// `scratch` is cleared and used when the bucket key has bytes of its own.
    #[inline]
    pub fn bucket<R>(&self, row: &R, key: &[u8], scratch: &mut Vec<u8>) -> Result<Option<i32>>
    where
        R: InternalRow + ?Sized,
    {
        self.bucket_of(row, key, scratch, self.bucket_count)
    }

    /// As [`bucket`](Self::bucket), in a partition that has another number of buckets than the table.
    #[inline]
    pub fn bucket_of<R>(
        &self,
        row: &R,
        key: &[u8],
        scratch: &mut Vec<u8>,
        bucket_count: i32,
    ) -> Result<Option<i32>>
    where
        R: InternalRow + ?Sized,
    {
        if self.key_is_bucket_key {
            return self.function.bucket(key, bucket_count).map(Some);
        }
        match &self.bucket_key {
            Some(encoder) => {
                scratch.clear();
                encoder.encode(row, scratch)?;
                self.function.bucket(scratch, bucket_count).map(Some)
            }
            None => Ok(None),
        }
    }
}

fn project<S: AsRef<str>>(row_type: &RowType, columns: &[S]) -> Result<RowType> {
    let positions = columns
        .iter()
        .map(|name| {
            let name = name.as_ref();
            row_type
                .index_of(name)
                .ok_or_else(|| RowError::UnknownColumn { name: name.into() })
        })
        .collect::<Result<Vec<_>>>()?;
    row_type
        .project(&positions)
        .map_err(|error| metadata_error("key columns", error))
}

fn unsupported(operation: &'static str, reason: &'static str) -> RowError {
    RowError::UnsupportedOperation { operation, reason }
}
