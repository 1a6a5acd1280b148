//! How the cluster and its tiered logs are. Since release 1.0.

use fluss_metadata::{
    ClusterHealth, ClusterHealthStatus, PartitionId, RemoteLogManifestEntry, TableBucket, TableId,
};
use fluss_wire::message::{
    GetClusterHealthRequest, ListKvSnapshotsRequest, ListRemoteLogManifestsRequest,
};

use super::handle::FlussAdmin;
use crate::error::{Error, ErrorKind, Result};

impl FlussAdmin {
    /// How many copies of buckets there are, how many are up to date, and what that means in a word. Since release 1.0.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) with an older server, before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
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

    /// Where the manifests of the tiered logs of a table lie, or of one of its partitions. Since release 1.0.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such table or partition; [`Unsupported`](crate::ErrorKind::Unsupported)
    /// with an older server, before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
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
    /// Whether there is a table with that id. Servers list no manifests of one that is not there, and no error; of snapshots they say it.
    async fn check_table_id(&self, operation: &'static str, table_id: TableId) -> Result<()> {
        let request = ListKvSnapshotsRequest {
            table_id,
            partition_id: None,
        };
        match self.ask_by_id(operation, table_id, &request).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // A table that has no snapshots is there as well.
            _ => Ok(()),
        }
    }
}
