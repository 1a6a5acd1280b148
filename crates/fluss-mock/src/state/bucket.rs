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

/// Numbers that a bucket gives to its rows: a range of them, taken from those of the table when the first is needed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    next: i64,
    left: i64,
}

impl Numbers {
    pub(crate) fn take(&mut self, table: &Table) -> i64 {
        if self.left == 0 {
            let size = table.descriptor.auto_increment_cache_size();
            self.left = size.unwrap_or(100_000).max(1);
            self.next = table.take_numbers(self.left);
        }
        self.left -= 1;
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
        let now = self.clock.now_millis();
        let table = self.catalog.table_by_id(table_id).ok_or_else(unknown)?;
        let replicas = table.served_replicas(partition_id, now);
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
        Ok((table, self.buckets.entry(bucket).or_default()))
    }

    /// What a bucket holds, if anybody wrote to it or asked for it.
    pub(crate) fn data(&mut self, bucket: TableBucket) -> Option<&mut Bucket> {
        self.buckets.get_mut(&bucket)
    }

    /// Forgets the data of tables and partitions that are gone.
    pub(super) fn sweep(&mut self) {
        let (catalog, now) = (&self.catalog, self.clock.now_millis());
        self.buckets.retain(|bucket, _| {
            let table = catalog.table_by_id(bucket.table_id());
            table.is_some_and(|table| {
                let replicas = table.served_replicas(bucket.partition_id(), now);
                replicas.is_some()
            })
        });
    }
}
