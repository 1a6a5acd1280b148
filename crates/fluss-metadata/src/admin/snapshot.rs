//! Snapshots of the rows of primary-key tables.

use std::collections::{BTreeMap, BTreeSet};

use super::record::record;
use crate::ids::{BucketId, PartitionId, SnapshotId, TableBucket, TableId};

record! {
    /// A snapshot of a bucket, if it has one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    KvSnapshot {
        /// The bucket.
        bucket_id: BucketId,
        /// The snapshot.
        snapshot_id: Option<SnapshotId>,
        /// The log offset at which the snapshot was taken.
        log_offset: Option<i64>,
    }
}

record! {
    /// The latest snapshot of each bucket of a table or partition.
    #[derive(Debug, Clone, PartialEq, Eq)]
    LatestKvSnapshots {
        /// The table.
        table_id: TableId,
        /// The partition, if the table is partitioned.
        partition_id: Option<PartitionId>,
        /// One entry per bucket.
        snapshots: Vec<KvSnapshot> as [&[KvSnapshot]],
    }
}

impl LatestKvSnapshots {
    /// Returns the entry of a bucket.
    pub fn of_bucket(&self, bucket_id: BucketId) -> Option<&KvSnapshot> {
        self.snapshots
            .iter()
            .find(|entry| entry.bucket_id == bucket_id)
    }
}

record! {
    /// The snapshots of a table or partition that still exist. Since release 1.0.
    #[derive(Debug, Clone, PartialEq, Eq)]
    ActiveKvSnapshots {
        /// The table.
        table_id: TableId,
        /// The partition, if the table is partitioned.
        partition_id: Option<PartitionId>,
        /// The snapshots by bucket.
        snapshot_ids: BTreeMap<BucketId, BTreeSet<SnapshotId>> as [&BTreeMap<BucketId, BTreeSet<SnapshotId>>],
    }
}

record! {
    /// A file of a snapshot.
    #[derive(Debug, Clone, PartialEq, Eq)]
    KvSnapshotFile {
        /// Its location.
        remote_path: String as [&str],
        /// The name it must have locally, so that RocksDB finds it.
        local_file_name: String as [&str],
    }
}

record! {
    /// The contents of a snapshot of a bucket.
    #[derive(Debug, Clone, PartialEq, Eq)]
    KvSnapshotMetadata {
        /// The log offset at which the snapshot was taken.
        log_offset: i64,
        /// Its files.
        files: Vec<KvSnapshotFile> as [&[KvSnapshotFile]],
    }
}

record! {
    /// The result of leasing snapshots. Source: `AcquireKvSnapshotLeaseResult.java`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    AcquireKvSnapshotLeaseResult {
        /// Requested snapshots that no longer exist, by bucket. A server of release 0.9.1 never returns any, because
        /// it does not check.
        unavailable_snapshots: BTreeMap<TableBucket, SnapshotId> as [&BTreeMap<TableBucket, SnapshotId>],
    }
}
