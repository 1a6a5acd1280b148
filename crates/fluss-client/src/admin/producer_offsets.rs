//! Offsets that a producer stores in the cluster before it writes more, so that it can undo what it wrote after them.

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
    /// Stores the end offsets of buckets in the cluster, for `ttl` or the default time of the cluster. If the
    /// producer stored offsets before, those are kept and the new ones are ignored.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) for an invalid producer id,
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not write to one of the tables.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the offsets may still be stored; a second call reports that.
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
        // Without a result, they were stored. Source: `FlussAdmin.java#registerProducerOffsets`.
        let result = response.result.unwrap_or(RegisterResult::Created.code());
        RegisterResult::from_code(result).map_err(Error::unreadable)
    }

    /// Returns the offsets that a producer stored, for tables that this user may read, or `None` if there are none or
    /// they expired.
    ///
    /// # Errors
    ///
    /// Returns an error if the coordinator does not respond.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
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

    /// Deletes the offsets that a producer stored. Does nothing if there are none.
    ///
    /// # Errors
    ///
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not write to one of the tables.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the offsets may still be deleted.
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
