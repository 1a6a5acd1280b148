//! The health of the cluster, and the manifests of its tiered logs. Requires release 1.0.

use fluss_metadata::{
    ClusterHealth, ClusterHealthStatus, PartitionId, RemoteLogManifestEntry, TableBucket, TableId,
};
use fluss_wire::message::{
    GetClusterHealthRequest, ListKvSnapshotsRequest, ListRemoteLogManifestsRequest,
};

use super::handle::FlussAdmin;
use crate::error::{Error, ErrorKind, Result};

impl FlussAdmin {
    /// Returns how many bucket replicas there are, how many are in sync, and an overall status. Requires release 1.0.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) with an older server, before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_cluster_health(&self) -> Result<ClusterHealth> {
        let response = self
            .coordinator("get_cluster_health", &GetClusterHealthRequest {})
            .await?;
        Ok(ClusterHealth::new(
            response.num_replicas,
            response.in_sync_replicas,
            response.num_leader_replicas,
            response.active_leader_replicas,
            ClusterHealthStatus::from_code(response.status).map_err(Error::unreadable)?,
        ))
    }

    /// Lists the locations of the manifests of the tiered logs of a table or of one of its partitions. Requires
    /// release 1.0.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table or partition does not exist;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) with an older server, before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_remote_log_manifests(
        &self,
        table_id: TableId,
        partition_id: Option<PartitionId>,
    ) -> Result<Vec<RemoteLogManifestEntry>> {
        let request = ListRemoteLogManifestsRequest {
            table_id,
            partition_id,
        };
        let operation = "list_remote_log_manifests";
        let response = self.ask_by_id(operation, table_id, &request).await?;
        if response.manifests.is_empty() {
            self.check_table_id(operation, table_id).await?;
        }
        Ok(response
            .manifests
            .into_iter()
            .map(|entry| {
                let bucket = entry.table_bucket;
                RemoteLogManifestEntry::new(
                    TableBucket::new_with_partition(
                        bucket.table_id,
                        bucket.partition_id,
                        bucket.bucket_id,
                    ),
                    entry.remote_log_manifest_path,
                    entry.remote_log_end_offset,
                )
            })
            .collect())
    }
    /// Checks that a table with the id exists. For a missing table, servers return an empty list of manifests without
    /// an error, but they report it for snapshots.
    async fn check_table_id(&self, operation: &'static str, table_id: TableId) -> Result<()> {
        let request = ListKvSnapshotsRequest {
            table_id,
            partition_id: None,
        };
        match self.ask_by_id(operation, table_id, &request).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // A table without snapshots exists, too.
            _ => Ok(()),
        }
    }
}
