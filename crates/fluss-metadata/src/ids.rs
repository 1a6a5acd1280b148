//! Numbers under which a cluster knows its things.

use std::fmt;

/// Id of a table. A table that is dropped and made anew gets another one.
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
    /// A bucket of a table without partitions.
    pub fn new(table_id: TableId, bucket_id: BucketId) -> Self {
        Self {
            table: table_id,
            partition: None,
            bucket: bucket_id,
        }
    }

    /// A bucket of a table that may have partitions.
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

    /// The table.
    pub fn table_id(&self) -> TableId {
        self.table
    }

    /// The partition, if the table has partitions.
    pub fn partition_id(&self) -> Option<PartitionId> {
        self.partition
    }

    /// The number of the bucket.
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
