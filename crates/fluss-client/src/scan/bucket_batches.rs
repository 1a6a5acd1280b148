//! Batch scans of one bucket: a few of its rows, or every row of a primary-key table.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use fluss_metadata::TableBucket;

use super::kv::KvScan;
use super::limit::LimitScan;
use super::projection::Projection;
use super::records::ScanBatch;
use crate::context::OpenContext;
use crate::error::Result;
use crate::remote::RemoteStores;
use crate::turn::take_turn;

/// Reads one bucket once. With a limit: the last rows of a log table, or any rows of a primary-key table. Without a
/// limit: every row of a primary-key table at the time you request the first batch. Later writes are not visible.
///
/// Dropping it before the end releases the snapshot that the server holds for the scan.
#[derive(Debug)]
pub struct BucketBatchScanner {
    schema: SchemaRef,
    bucket: TableBucket,
    scan: Scan,
}

#[derive(Debug)]
enum Scan {
    Limit(LimitScan),
    Kv(KvScan),
}

impl BucketBatchScanner {
    pub(crate) fn new(
        context: OpenContext,
        remote: Arc<RemoteStores>,
        projection: Projection,
        bucket: TableBucket,
        limit: Option<i32>,
    ) -> Result<Self> {
        Ok(Self {
            schema: projection.column_schema()?,
            bucket,
            scan: match limit {
                Some(limit) => {
                    Scan::Limit(LimitScan::new(context, remote, projection, bucket, limit)?)
                }
                None => Scan::Kv(KvScan::new(context, projection, bucket)?),
            },
        })
    }

    /// Returns the next batch, or `None` at the end. The first call asks the server.
    ///
    /// # Errors
    ///
    /// Returns an error if the bucket cannot be read. A single row or batch that cannot be read, or that an Arrow
    /// batch of the schema cannot represent, is an error in its place, and the next call continues after it. After
    /// other errors, the next call tries again if nothing was returned so far. A scan without a limit that fails
    /// later cannot continue, because its server held the snapshot: it keeps returning the same error.
    /// [`ErrorKind::Unsupported`](crate::error::ErrorKind::Unsupported), before anything is sent, for a scan without
    /// a limit on a server before 1.0.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn next_batch(&self) -> Result<Option<ScanBatch>> {
        take_turn().await;
        match &self.scan {
            Scan::Limit(scan) => scan.next_batch().await,
            Scan::Kv(scan) => scan.next_batch().await,
        }
    }

    /// Returns all remaining batches.
    ///
    /// # Errors
    ///
    /// The same as [`next_batch`](Self::next_batch).
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if dropped, the batches read so far are lost.
    pub async fn collect_all_batches(&self) -> Result<Vec<ScanBatch>> {
        let mut all = Vec::new();
        while let Some(batch) = self.next_batch().await? {
            all.push(batch);
        }
        Ok(all)
    }

    /// Returns the bucket.
    pub fn bucket(&self) -> &TableBucket {
        &self.bucket
    }

    /// Returns the Arrow schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// Returns the changelog offset at which the snapshot was taken: subscribe there to see every later change, and
    /// no earlier one. `None` before the first batch, and with a limit.
    pub fn log_offset(&self) -> Option<i64> {
        match &self.scan {
            Scan::Limit(_) => None,
            Scan::Kv(scan) => scan.log_offset(),
        }
    }
}
