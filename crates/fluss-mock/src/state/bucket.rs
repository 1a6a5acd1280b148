//! The data of buckets, and who may ask for it.

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::{BucketId, PartitionId, TableBucket, TableId};
use fluss_wire::error_code::{ErrorCode, ServerError};

use super::{Log, State, Table};

/// What one bucket holds.
#[derive(Default)]
pub(crate) struct Bucket {
    pub(crate) log: Log,
    /// By encoded key; empty for log tables.
    pub(crate) rows: BTreeMap<Bytes, Value>,
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
        Ok((table, self.buckets.entry(bucket).or_default()))
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
