//! Snapshots of tables in the data lake.

use fluss_metadata::{LakeBucketSnapshot, LakeSnapshot, SnapshotId, TableBucket, TablePath};
use fluss_rpc::path_message;
use fluss_wire::message::GetLakeSnapshotRequest;

use super::call::check_names;
use super::handle::FlussAdmin;
use crate::error::Result;

impl FlussAdmin {
    /// Returns the latest snapshot of a table in the lake: its id and the log offset of each bucket that it covers.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table does not exist or has no snapshot in a lake.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_latest_lake_snapshot(&self, path: &TablePath) -> Result<LakeSnapshot> {
        self.lake_snapshot("get_latest_lake_snapshot", path, None, None)
            .await
    }

    /// Returns a snapshot of a table in the lake, by id.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table does not exist or the cluster does not have that snapshot.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_lake_snapshot(
        &self,
        path: &TablePath,
        snapshot_id: SnapshotId,
    ) -> Result<LakeSnapshot> {
        self.lake_snapshot("get_lake_snapshot", path, Some(snapshot_id), None)
            .await
    }

    /// Returns the latest readable snapshot of a table in the lake: one whose files have been merged, if that happens
    /// after the snapshot is created.
    ///
    /// # Errors
    ///
    /// The same as [`get_latest_lake_snapshot`](Self::get_latest_lake_snapshot).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_readable_lake_snapshot(&self, path: &TablePath) -> Result<LakeSnapshot> {
        self.lake_snapshot("get_readable_lake_snapshot", path, None, Some(true))
            .await
    }

    async fn lake_snapshot(
        &self,
        operation: &'static str,
        path: &TablePath,
        snapshot_id: Option<SnapshotId>,
        readable: Option<bool>,
    ) -> Result<LakeSnapshot> {
        check_names(operation, path)?;
        let request = GetLakeSnapshotRequest {
            table_path: path_message(path),
            snapshot_id,
            readable,
        };
        let response = self
            .read(operation, &request)
            .await
            .map_err(|error| error.of_table(path))?;
        let mut buckets = response
            .bucket_snapshots
            .into_iter()
            .map(|entry| {
                let bucket = TableBucket::new_with_partition(
                    response.table_id,
                    entry.partition_id,
                    entry.bucket_id,
                );
                LakeBucketSnapshot::new(bucket, entry.partition_name, entry.log_offset)
            })
            .collect::<Vec<_>>();
        buckets.sort_by_key(LakeBucketSnapshot::bucket);
        Ok(LakeSnapshot::new(
            response.table_id,
            response.snapshot_id,
            buckets,
        ))
    }
}
