//! Snapshots of the rows of primary-key tables.

use std::collections::{BTreeMap, BTreeSet};

use fluss_metadata::{
    ActiveKvSnapshots, BucketId, KvSnapshot, KvSnapshotFile, KvSnapshotMetadata, LatestKvSnapshots,
    PartitionId, SnapshotId, TableBucket, TableId, TablePath,
};
use fluss_rpc::path_message;
use fluss_wire::message::{
    GetKvSnapshotMetadataRequest, GetLatestKvSnapshotsRequest, ListKvSnapshotsRequest,
};

use super::call::check_names;
use super::handle::FlussAdmin;
use crate::error::Result;

impl FlussAdmin {
    /// Returns the latest snapshot of each bucket of a primary-key table or of one of its partitions. The entry of a
    /// bucket without a snapshot is empty.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table or partition does not exist, or if no partition is given
    /// for a partitioned table; [`Usage`](crate::ErrorKind::Usage) for a table without a primary key, or for a
    /// partition of an unpartitioned table.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_latest_kv_snapshots(
        &self,
        path: &TablePath,
        partition_name: Option<&str>,
    ) -> Result<LatestKvSnapshots> {
        check_names("get_latest_kv_snapshots", path)?;
        let request = GetLatestKvSnapshotsRequest {
            table_path: path_message(path),
            partition_name: partition_name.map(str::to_owned),
        };
        let response = self
            .read("get_latest_kv_snapshots", &request)
            .await
            .map_err(|error| error.of_table(path))?;
        let mut snapshots = response
            .latest_snapshots
            .into_iter()
            .map(|entry| KvSnapshot::new(entry.bucket_id, entry.snapshot_id, entry.log_offset))
            .collect::<Vec<_>>();
        snapshots.sort_by_key(KvSnapshot::bucket_id);
        Ok(LatestKvSnapshots::new(
            response.table_id,
            response.partition_id,
            snapshots,
        ))
    }

    /// Returns the files of a snapshot of a bucket, and the log offset at which it was taken.
    ///
    /// A snapshot can be deleted while you read its files, unless it is [leased](Self::create_kv_snapshot_lease).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the snapshot does not exist, or no longer exists.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_kv_snapshot_metadata(
        &self,
        bucket: TableBucket,
        snapshot_id: SnapshotId,
    ) -> Result<KvSnapshotMetadata> {
        let request = GetKvSnapshotMetadataRequest {
            table_id: bucket.table_id(),
            partition_id: bucket.partition_id(),
            bucket_id: bucket.bucket_id(),
            snapshot_id,
        };
        let response = self
            .read("get_kv_snapshot_metadata", &request)
            .await
            .map_err(|error| error.of_bucket(bucket))?;
        let files = response
            .snapshot_files
            .into_iter()
            .map(|file| KvSnapshotFile::new(file.remote_path, file.local_file_name))
            .collect::<Vec<_>>();
        Ok(KvSnapshotMetadata::new(response.log_offset, files))
    }

    /// Lists all snapshots of a table, or of one of its partitions, that the cluster still has. Requires release 1.0.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table or partition does not exist;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) with an older server, before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_kv_snapshots(
        &self,
        table_id: TableId,
        partition_id: Option<PartitionId>,
    ) -> Result<ActiveKvSnapshots> {
        let request = ListKvSnapshotsRequest {
            table_id,
            partition_id,
        };
        let response = self
            .ask_by_id("list_kv_snapshots", table_id, &request)
            .await?;
        let mut snapshots: BTreeMap<BucketId, BTreeSet<SnapshotId>> = BTreeMap::new();
        for entry in response.active_snapshots {
            let of_bucket = snapshots.entry(entry.bucket_id).or_default();
            of_bucket.extend(entry.snapshot_id);
        }
        Ok(ActiveKvSnapshots::new(
            response.table_id,
            response.partition_id,
            snapshots,
        ))
    }
}
