//! The data of buckets, and who may ask for it.

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::{BucketId, PartitionId, TableBucket, TableId};
use fluss_wire::error_code::{ErrorCode, ServerError};

use super::{Log, Snapshots, State, Table};

/// What one bucket holds.
#[derive(Default)]
pub(crate) struct Bucket {
    pub(crate) log: Log,
    /// By encoded key; empty for log tables.
    pub(crate) rows: BTreeMap<Bytes, Value>,
    pub(crate) numbers: Numbers,
    pub(crate) snapshots: Snapshots,
}

/// Numbers that a bucket gives to its rows. Real servers take ranges of many for each bucket; so does this.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    next: i64,
}

impl Numbers {
    /// How many numbers a bucket takes (`table.auto-increment.cache-size`).
    const RANGE: i64 = 100_000;

    /// Those of a bucket whose range is the n-th one.
    fn of_range(range: i32) -> Self {
        Self {
            next: i64::from(range) * Self::RANGE + 1,
        }
    }

    pub(crate) fn take(&mut self) -> i64 {
        self.next += 1;
        self.next - 1
    }
}

/// A row as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) schema_id: i32,
    pub(crate) row: Bytes,
}

impl State {
    /// The bucket and its table, for the server that leads it; the error that any other gives.
    pub(crate) fn bucket(
        &mut self,
        server: i32,
        table_id: TableId,
        partition_id: Option<PartitionId>,
        bucket_id: BucketId,
    ) -> Result<(&Table, &mut Bucket), ServerError> {
        let bucket = TableBucket::new_with_partition(table_id, partition_id, bucket_id);
        let unknown = || {
            ServerError::new(
                ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
                format!("Unknown table or bucket: {bucket}"),
            )
        };
        let table = self.catalog.table_by_id(table_id).ok_or_else(unknown)?;
        let replicas = match partition_id {
            None => Some(&table.replicas),
            Some(id) => {
                let mut partitions = table.partitions.values();
                let found = partitions.find(|partition| partition.id == id);
                found.map(|partition| &partition.replicas)
            }
        };
        let place = usize::try_from(bucket_id).map_err(|_| unknown())?;
        let placement = replicas
            .and_then(|replicas| replicas.get(place))
            .ok_or_else(unknown)?;
        if placement.leader != Some(server) {
            return Err(ServerError::new(
                ErrorCode::NOT_LEADER_OR_FOLLOWER,
                format!("Leader not local for bucket {bucket} on tabletServer {server}"),
            ));
        }
        let data = self.buckets.entry(bucket).or_insert_with(|| Bucket {
            numbers: Numbers::of_range(bucket_id),
            ..Bucket::default()
        });
        Ok((table, data))
    }

    /// What a bucket holds, if anybody wrote to it or asked for it.
    pub(crate) fn data(&mut self, bucket: TableBucket) -> Option<&mut Bucket> {
        self.buckets.get_mut(&bucket)
    }

    /// Forgets the data of tables and partitions that are gone.
    pub(super) fn sweep(&mut self) {
        let catalog = &self.catalog;
        self.buckets.retain(|bucket, _| {
            let Some(table) = catalog.table_by_id(bucket.table_id()) else {
                return false;
            };
            let mut partitions = table.partitions.values();
            bucket
                .partition_id()
                .is_none_or(|id| partitions.any(|partition| partition.id == id))
        });
    }
}
