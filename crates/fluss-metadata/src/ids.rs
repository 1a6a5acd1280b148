//! Ids of tables, partitions, buckets, schemas and snapshots.

use std::fmt;

/// Id of a table. A re-created table gets a different one.
pub type TableId = i64;
/// Id of a partition.
pub type PartitionId = i64;
/// Number of a bucket, from 0.
pub type BucketId = i32;
/// Id of a schema of a table, from 1. Batches store it in 16 bits.
pub type SchemaId = i32;
/// Id of a snapshot.
pub type SnapshotId = i64;

/// A bucket of a table, or of one of its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableBucket {
    table: TableId,
    partition: Option<PartitionId>,
    bucket: BucketId,
}

impl TableBucket {
    /// Creates a bucket of an unpartitioned table.
    pub fn new(table_id: TableId, bucket_id: BucketId) -> Self {
        Self {
            table: table_id,
            partition: None,
            bucket: bucket_id,
        }
    }

    /// Creates a bucket of a table that may be partitioned.
    pub fn new_with_partition(
        table_id: TableId,
        partition_id: Option<PartitionId>,
        bucket_id: BucketId,
    ) -> Self {
        Self {
            table: table_id,
            partition: partition_id,
            bucket: bucket_id,
        }
    }

    /// Returns the table.
    pub fn table_id(&self) -> TableId {
        self.table
    }

    /// Returns the partition, if the table is partitioned.
    pub fn partition_id(&self) -> Option<PartitionId> {
        self.partition
    }

    /// Returns the number of the bucket.
    pub fn bucket_id(&self) -> BucketId {
        self.bucket
    }
}

impl fmt::Display for TableBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}", self.table)?;
        if let Some(partition) = self.partition {
            write!(f, " partition {partition}")?;
        }
        write!(f, " bucket {}", self.bucket)
    }
}
