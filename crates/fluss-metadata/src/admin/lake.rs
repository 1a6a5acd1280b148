//! Snapshots of tables in a data lake.

use super::record::record;
use crate::ids::{SnapshotId, TableBucket, TableId};

record! {
    /// The part of a bucket's log that is in the lake.
    #[derive(Debug, Clone, PartialEq, Eq)]
    LakeBucketSnapshot {
        /// The bucket.
        bucket: TableBucket,
        /// The name of its partition, if the server reports it.
        partition_name: Option<String> as [Option<&str>],
        /// The offset up to which the log is in the lake.
        log_offset: Option<i64>,
    }
}

record! {
    /// A snapshot of a table in the lake.
    #[derive(Debug, Clone, PartialEq, Eq)]
    LakeSnapshot {
        /// The table.
        table_id: TableId,
        /// Id of the snapshot in the lake.
        snapshot_id: SnapshotId,
        /// The part of each bucket that it contains.
        buckets: Vec<LakeBucketSnapshot> as [&[LakeBucketSnapshot]],
    }
}

impl LakeSnapshot {
    /// Returns the offset up to which the log of a bucket is in the lake.
    pub fn log_offset(&self, bucket: &TableBucket) -> Option<i64> {
        self.buckets
            .iter()
            .find(|entry| entry.bucket == *bucket)?
            .log_offset
    }
}
