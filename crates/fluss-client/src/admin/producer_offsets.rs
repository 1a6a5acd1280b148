//! Offsets that a producer leaves with the cluster before it writes on, so that it can undo what it wrote behind them.

use std::collections::BTreeMap;
use std::time::Duration;

use fluss_metadata::{ProducerOffsets, RegisterResult, TableBucket};
use fluss_wire::message::{
    DeleteProducerOffsetsRequest, GetProducerOffsetsRequest, PbBucketOffset,
    PbProducerTableOffsets, RegisterProducerOffsetsRequest,
};

use super::call::{by_table, millis};
use super::handle::FlussAdmin;
use crate::error::{Error, Result};

impl FlussAdmin {
    /// Leaves the end offsets of buckets with the cluster, for `ttl` or for as long as the cluster keeps them by default. If the producer
    /// has left some before, those are kept and the new ones are not.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) for a producer id that may not be, [`Authorization`](crate::ErrorKind::Authorization) if this
    /// user may not write to one of the tables.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the offsets may be kept nevertheless, and a second call then says so.
    pub async fn register_producer_offsets(
        &self,
        producer_id: &str,
        offsets: &BTreeMap<TableBucket, i64>,
        ttl: Option<Duration>,
    ) -> Result<RegisterResult> {
        let request = RegisterProducerOffsetsRequest {
            producer_id: producer_id.to_owned(),
            table_offsets: table_messages(offsets).into(),
            ttl_ms: ttl.map(millis),
        };
        let response = self.change("register_producer_offsets", &request).await?;
        // Without a word they are kept. Source: `FlussAdmin.java#registerProducerOffsets`.
        let result = response.result.unwrap_or(RegisterResult::Created.code());
        RegisterResult::from_code(result).map_err(Error::unreadable)
    }

    /// The offsets that a producer left, of the tables that this user may read; `None` if there are none or their time is over.
    ///
    /// # Errors
    ///
    /// Why the coordinator did not answer.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn get_producer_offsets(&self, producer_id: &str) -> Result<Option<ProducerOffsets>> {
        let request = GetProducerOffsetsRequest {
            producer_id: producer_id.to_owned(),
        };
        let response = self.coordinator("get_producer_offsets", &request).await?;
        let Some(producer_id) = response.producer_id else {
            return Ok(None);
        };
        let mut offsets = BTreeMap::new();
        for table in response.table_offsets {
            for entry in table.bucket_offsets {
                let bucket = TableBucket::new_with_partition(
                    table.table_id,
                    entry.partition_id,
                    entry.bucket_id,
                );
                let offset = entry.log_end_offset.ok_or_else(|| {
                    Error::corrupt("a producer's offset is missing")
                        .during("get_producer_offsets")
                        .of_bucket(bucket)
                })?;
                offsets.insert(bucket, offset);
            }
        }
        Ok(Some(ProducerOffsets::new(
            producer_id,
            response.expiration_time.unwrap_or_default(),
            offsets,
        )))
    }

    /// Deletes the offsets that a producer left. Without any nothing happens.
    ///
    /// # Errors
    ///
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not write to one of the tables.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the offsets may go nevertheless.
    pub async fn delete_producer_offsets(&self, producer_id: &str) -> Result<()> {
        let request = DeleteProducerOffsetsRequest {
            producer_id: producer_id.to_owned(),
        };
        self.change("delete_producer_offsets", &request).await?;
        Ok(())
    }
}

fn table_messages(offsets: &BTreeMap<TableBucket, i64>) -> Vec<PbProducerTableOffsets> {
    by_table(offsets.iter().map(|(bucket, offset)| {
        let message = PbBucketOffset {
            partition_id: bucket.partition_id(),
            bucket_id: bucket.bucket_id(),
            log_end_offset: Some(*offset),
        };
        (bucket.table_id(), message)
    }))
    .into_iter()
    .map(|(table_id, bucket_offsets)| PbProducerTableOffsets {
        table_id,
        bucket_offsets: bucket_offsets.into(),
    })
    .collect()
}
