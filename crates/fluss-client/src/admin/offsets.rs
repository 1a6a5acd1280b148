//! Offsets of the logs of buckets.

use std::collections::HashMap;

use fluss_metadata::{
    BucketId, OffsetSpec, PartitionId, PartitionInfo, ResolvedPartitionSpec, TableBucket,
    TableInfo, TablePath,
};
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{ListOffsetsRequest, ListOffsetsResponse};

use super::buckets::BucketAnswer;
use super::{FlussAdmin, fetch_table_info};
use crate::error::{Error, Result};

/// The value that clients send in place of a follower id. Source:
/// `FlussApi.proto: ListOffsetsRequest.follower_server_id`.
const NO_FOLLOWER: i32 = -1;

impl FlussAdmin {
    /// Returns the offset that `spec` describes for each of these buckets of an unpartitioned table.
    ///
    /// If segments of a log were copied to remote storage, the offset for a timestamp is at or somewhat before the
    /// first batch with that timestamp: see [`OffsetSpec::Timestamp`]. Scanners start and end exactly.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table does not exist; [`Usage`](crate::ErrorKind::Usage) for a
    /// bucket that the table does not have, a partitioned table, or a timestamp in the future. Also if the leader of
    /// a bucket does not respond.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_offsets(
        &self,
        path: &TablePath,
        buckets: &[BucketId],
        spec: OffsetSpec,
    ) -> Result<HashMap<BucketId, i64>> {
        self.table_offsets(path, buckets, spec)
            .await
            .map_err(|error| error.during("list_offsets").of_table(path))
    }

    async fn table_offsets(
        &self,
        path: &TablePath,
        buckets: &[BucketId],
        spec: OffsetSpec,
    ) -> Result<HashMap<BucketId, i64>> {
        let table = fetch_table_info(&self.context, path).await?;
        if table.is_partitioned() {
            return Err(Error::usage(
                "the table is partitioned: use list_partition_offsets",
            ));
        }
        let count = table.num_buckets();
        self.offsets(&table, None, (buckets, count), spec).await
    }

    /// Returns the offset that `spec` describes for each of these buckets of a partition.
    ///
    /// # Errors
    ///
    /// The same as [`list_offsets`](Self::list_offsets); [`NotFound`](crate::ErrorKind::NotFound) if the partition
    /// does not exist, [`Usage`](crate::ErrorKind::Usage) if the table is not partitioned or the name is not valid
    /// for a partition.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_partition_offsets(
        &self,
        path: &TablePath,
        partition_name: &str,
        buckets: &[BucketId],
        spec: OffsetSpec,
    ) -> Result<HashMap<BucketId, i64>> {
        self.partition_offsets(path, partition_name, buckets, spec)
            .await
            .map_err(|error| error.during("list_partition_offsets").of_table(path))
    }

    async fn partition_offsets(
        &self,
        path: &TablePath,
        partition_name: &str,
        buckets: &[BucketId],
        spec: OffsetSpec,
    ) -> Result<HashMap<BucketId, i64>> {
        let table = fetch_table_info(&self.context, path).await?;
        if !table.is_partitioned() {
            return Err(Error::usage("the table is not partitioned"));
        }
        let partition = self.partition_named(&table, partition_name).await?;
        let count = partition.bucket_count().unwrap_or(table.num_buckets());
        let id = Some(partition.partition_id());
        self.offsets(&table, id, (buckets, count), spec).await
    }

    /// Asks the server for a partition by name: the client's cached view may be older than a re-created partition.
    async fn partition_named(&self, table: &TableInfo, name: &str) -> Result<PartitionInfo> {
        let spec = ResolvedPartitionSpec::from_partition_name(table.partition_keys(), name)?;
        let partitions = self
            .list_partition_infos_with_spec(table.table_path(), Some(&spec.to_partition_spec()))
            .await?;
        partitions
            .into_iter()
            .find(|partition| partition.partition_name() == name)
            .ok_or_else(|| Error::not_found(format!("partition {name:?}")))
    }

    async fn offsets(
        &self,
        table: &TableInfo,
        partition_id: Option<PartitionId>,
        (buckets, bucket_count): (&[BucketId], i32),
        spec: OffsetSpec,
    ) -> Result<HashMap<BucketId, i64>> {
        let (offset_type, start_timestamp) = match spec {
            OffsetSpec::Earliest => (0, None),
            OffsetSpec::Latest => (1, None),
            // Nothing is older than 1970, and servers return an error for an earlier time if a log is empty.
            OffsetSpec::Timestamp(millis) => (2, Some(millis.max(0))),
        };
        if let Some(bucket) = buckets.iter().find(|&&b| !(0..bucket_count).contains(&b)) {
            return Err(Error::usage(format!(
                "no such bucket {bucket}: the number of buckets is {bucket_count}"
            )));
        }
        let table_id = table.table_id();
        let bucket_of = |bucket| TableBucket::new_with_partition(table_id, partition_id, bucket);
        let mut wanted = buckets.iter().copied().map(bucket_of).collect::<Vec<_>>();
        wanted.sort_unstable();
        wanted.dedup();
        let request = |buckets: &[TableBucket]| ListOffsetsRequest {
            follower_server_id: NO_FOLLOWER,
            offset_type,
            table_id,
            partition_id,
            bucket_id: buckets.iter().map(TableBucket::bucket_id).collect(),
            start_timestamp,
            routing_bucket_count: Some(bucket_count),
        };
        let read = |response| answers(response, bucket_of);
        let offsets = self
            .ask_leaders(table.table_path(), wanted, request, read)
            .await?;
        Ok(offsets
            .into_iter()
            .map(|(bucket, offset)| (bucket.bucket_id(), offset))
            .collect())
    }
}

fn answers(
    response: ListOffsetsResponse,
    bucket_of: impl Fn(BucketId) -> TableBucket,
) -> Result<Vec<BucketAnswer<i64>>> {
    response
        .buckets_resp
        .into_iter()
        .map(|answer| {
            let bucket = bucket_of(answer.bucket_id);
            let error = ServerError::from_parts(answer.error_code, answer.error_message);
            let outcome = match (error, answer.offset) {
                (Some(error), _) => Err(error),
                (None, Some(offset)) => Ok(offset),
                (None, None) => {
                    return Err(Error::corrupt("the response has no offset").of_bucket(bucket));
                }
            };
            Ok(BucketAnswer { bucket, outcome })
        })
        .collect()
}
