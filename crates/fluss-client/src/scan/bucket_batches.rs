//! Reading one bucket once: a few of its rows, or every row of a primary-key table.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use fluss_metadata::TableBucket;

use super::Projection;
use super::kv::KvScan;
use super::limit::LimitScan;
use crate::connection::ConnectionInner;
use crate::error::Result;
use crate::table::ScanBatch;
use crate::turn::take_turn;

/// Reads one bucket once. With a limit: the last rows of a log table, any rows of a primary-key table. Without one: every row of a
/// primary-key table as it is when the first batch is asked for; writes after that are not seen.
///
/// Dropped before its end, it tells the server so, which then gives up the snapshot that it holds for the scan.
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
        connection: Arc<ConnectionInner>,
        projection: Projection,
        bucket: TableBucket,
        limit: Option<i32>,
    ) -> Result<Self> {
        Ok(Self {
            schema: projection.column_schema()?,
            bucket,
            scan: match limit {
                Some(limit) => Scan::Limit(LimitScan::new(connection, projection, bucket, limit)?),
                None => Scan::Kv(KvScan::new(connection, projection, bucket)?),
            },
        })
    }

    /// The next batch, or `None` when all are read. The first call asks the server.
    ///
    /// # Errors
    ///
    /// Why the bucket cannot be read. A single row or batch that cannot be read, or that an Arrow batch of the schema cannot hold, is an
    /// error in its place, and the next call goes on behind it. Other errors: calling again tries again as long as nothing was returned; a scan without a limit that fails later
    /// cannot be gone on with, because its server held the snapshot: it returns the same error from then on.
    /// [`ErrorKind::Unsupported`](crate::error::ErrorKind::Unsupported), before anything is sent, for a scan without a limit on a server
    /// before 1.0.
    ///
    /// # Cancel safety
    ///
    /// A dropped call loses nothing.
    pub async fn next_batch(&self) -> Result<Option<ScanBatch>> {
        take_turn().await;
        match &self.scan {
            Scan::Limit(scan) => scan.next_batch().await,
            Scan::Kv(scan) => scan.next_batch().await,
        }
    }

    /// All batches that are left.
    ///
    /// # Errors
    ///
    /// As [`next_batch`](Self::next_batch).
    ///
    /// # Cancel safety
    ///
    /// Batches that were taken are lost when it is dropped.
    pub async fn collect_all_batches(&self) -> Result<Vec<ScanBatch>> {
        let mut all = Vec::new();
        while let Some(batch) = self.next_batch().await? {
            all.push(batch);
        }
        Ok(all)
    }

    /// The bucket that is read.
    pub fn bucket(&self) -> &TableBucket {
        &self.bucket
    }

    /// The Arrow schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// The offset of the bucket's changelog behind the rows of the scan: who subscribes there sees every later change, and no earlier
    /// one. `None` before the first batch, and with a limit.
    pub fn log_offset(&self) -> Option<i64> {
        match &self.scan {
            Scan::Limit(_) => None,
            Scan::Kv(scan) => scan.log_offset(),
        }
    }
}
