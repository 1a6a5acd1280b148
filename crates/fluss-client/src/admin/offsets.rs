//! Offsets of the logs of buckets.

use std::collections::{BTreeMap, HashMap};

use fluss_metadata::{BucketId, OffsetSpec, PartitionId, TableBucket, TablePath};
use fluss_wire::error_code::ServerError;
use fluss_wire::message::ListOffsetsRequest;

use super::{FlussAdmin, fetch_table_info};
use crate::error::{Error, Result};

/// What a client puts where a follower would put its id. Source: `FlussApi.proto: ListOffsetsRequest.follower_server_id`.
const NO_FOLLOWER: i32 = -1;

impl FlussAdmin {
    /// The offset that `spec` describes, for each of these buckets of a table without partitions.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such table; otherwise why the leader of a bucket gave no answer.
    pub async fn list_offsets(
        &self,
        path: &TablePath,
        buckets: &[BucketId],
        spec: OffsetSpec,
    ) -> Result<HashMap<BucketId, i64>> {
        let table = fetch_table_info(&self.connection, path).await?;
        self.offsets(path, table.table_id(), None, buckets, spec)
            .await
            .map_err(|error| error.during("list_offsets").of_table(path))
    }

    /// The offset that `spec` describes, for each of these buckets of a partition.
    ///
    /// # Errors
    ///
    /// As [`list_offsets`](Self::list_offsets), and [`NotFound`](crate::ErrorKind::NotFound) if there is no such partition.
    pub async fn list_partition_offsets(
        &self,
        path: &TablePath,
        partition_name: &str,
        buckets: &[BucketId],
        spec: OffsetSpec,
    ) -> Result<HashMap<BucketId, i64>> {
        let table = fetch_table_info(&self.connection, path).await?;
        let partitions = self.list_partition_infos(path).await?;
        let partition = partitions
            .iter()
            .find(|partition| partition.partition_name() == partition_name)
            .ok_or_else(|| {
                Error::usage(format!("there is no partition {partition_name:?}"))
                    .during("list_partition_offsets")
                    .of_table(path)
            })?;
        self.offsets(
            path,
            table.table_id(),
            Some(partition.partition_id()),
            buckets,
            spec,
        )
        .await
        .map_err(|error| error.during("list_partition_offsets").of_table(path))
    }

    async fn offsets(
        &self,
        path: &TablePath,
        table_id: i64,
        partition_id: Option<PartitionId>,
        buckets: &[BucketId],
        spec: OffsetSpec,
    ) -> Result<HashMap<BucketId, i64>> {
        let (offset_type, start_timestamp) = match spec {
            OffsetSpec::Earliest => (0, None),
            OffsetSpec::Latest => (1, None),
            OffsetSpec::Timestamp(millis) => (2, Some(millis)),
        };
        let mut offsets = HashMap::with_capacity(buckets.len());
        let by_leader = self
            .by_leader(path, table_id, partition_id, buckets)
            .await?;
        for buckets in by_leader.into_values() {
            let Some(first) = buckets.first() else {
                continue;
            };
            let request = ListOffsetsRequest {
                follower_server_id: NO_FOLLOWER,
                offset_type,
                table_id,
                partition_id,
                bucket_id: buckets.iter().map(TableBucket::bucket_id).collect(),
                start_timestamp,
                ..ListOffsetsRequest::default()
            };
            let response = self
                .connection
                .cluster
                .call_leader(path, *first, &request)
                .await?;
            for answer in response.buckets_resp {
                let bucket =
                    TableBucket::new_with_partition(table_id, partition_id, answer.bucket_id);
                if let Some(error) =
                    ServerError::from_parts(answer.error_code, answer.error_message)
                {
                    return Err(Error::from(error).of_bucket(bucket));
                }
                let offset = answer
                    .offset
                    .ok_or_else(|| Error::corrupt("the answer has no offset").of_bucket(bucket))?;
                offsets.insert(answer.bucket_id, offset);
            }
        }
        Ok(offsets)
    }

    /// The buckets by the server that leads them.
    async fn by_leader(
        &self,
        path: &TablePath,
        table_id: i64,
        partition_id: Option<PartitionId>,
        buckets: &[BucketId],
    ) -> Result<BTreeMap<i32, Vec<TableBucket>>> {
        let mut by_leader: BTreeMap<i32, Vec<TableBucket>> = BTreeMap::new();
        for &bucket in buckets {
            let bucket = TableBucket::new_with_partition(table_id, partition_id, bucket);
            let leader = self.connection.cluster.leader(path, bucket).await?;
            by_leader.entry(leader.id()).or_default().push(bucket);
        }
        Ok(by_leader)
    }
}
