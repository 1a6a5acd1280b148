//! The row counts of tables.

use std::collections::BTreeMap;

use fluss_metadata::{BucketStats, PartitionId, TableBucket, TableInfo, TablePath, TableStats};
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{GetTableStatsRequest, GetTableStatsResponse, PbTableStatsReqForBucket};

use super::buckets::BucketAnswer;
use super::{FlussAdmin, fetch_table_info};
use crate::error::Result;

impl FlussAdmin {
    /// Returns the number of rows in each bucket of a table, in all partitions: live rows of a primary-key table, or
    /// rows still in the log of a log table.
    ///
    /// The leaders of the buckets count them at different moments, so the result is not a snapshot.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such table;
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not read it. Also the error of a bucket's
    /// leader, for example for a primary-key table whose changelog image is `WAL`, because servers do not count its
    /// rows.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_table_stats(&self, path: &TablePath) -> Result<TableStats> {
        self.table_stats(path)
            .await
            .map_err(|error| error.during("get_table_stats").of_table(path))
    }

    async fn table_stats(&self, path: &TablePath) -> Result<TableStats> {
        let info = fetch_table_info(&self.context, path).await?;
        let table_id = info.table_id();
        let partitions = self.partitions(&info).await?;
        let counts = partitions.iter().copied().collect::<BTreeMap<_, _>>();
        let buckets = partitions
            .iter()
            .flat_map(|&(partition, count)| {
                (0..count)
                    .map(move |bucket| TableBucket::new_with_partition(table_id, partition, bucket))
            })
            .collect();
        let request = |buckets: &[TableBucket]| GetTableStatsRequest {
            table_id,
            buckets_req: buckets
                .iter()
                .map(|bucket| PbTableStatsReqForBucket {
                    partition_id: bucket.partition_id(),
                    bucket_id: bucket.bucket_id(),
                    routing_bucket_count: counts.get(&bucket.partition_id()).copied(),
                })
                .collect(),
            target_columns: Vec::new().into(),
        };
        let read = |response| Ok(answers(table_id, response));
        let stats = self.ask_leaders(path, buckets, request, read).await?;
        let stats = stats
            .into_iter()
            .map(|(bucket, rows)| BucketStats::new(bucket, rows))
            .collect::<Vec<_>>();
        Ok(TableStats::new(stats))
    }

    /// Returns the partitions of a table with their numbers of buckets, or the table itself if it is not partitioned.
    async fn partitions(&self, info: &TableInfo) -> Result<Vec<(Option<PartitionId>, i32)>> {
        if !info.is_partitioned() {
            return Ok(vec![(None, info.num_buckets())]);
        }
        let partitions = self.list_partition_infos(info.table_path()).await?;
        Ok(partitions
            .iter()
            .map(|partition| {
                let buckets = partition.bucket_count().unwrap_or(info.num_buckets());
                (Some(partition.partition_id()), buckets)
            })
            .collect())
    }
}

fn answers(table_id: i64, response: GetTableStatsResponse) -> Vec<BucketAnswer<Option<i64>>> {
    response
        .buckets_resp
        .into_iter()
        .map(|answer| BucketAnswer {
            bucket: TableBucket::new_with_partition(
                table_id,
                answer.partition_id,
                answer.bucket_id,
            ),
            outcome: match ServerError::from_parts(answer.error_code, answer.error_message) {
                Some(error) => Err(error),
                None => Ok(answer.row_count),
            },
        })
        .collect()
}
