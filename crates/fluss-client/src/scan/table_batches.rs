//! Reading a whole table once: a number of its rows, or every row of a primary-key table.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use fluss_metadata::TableBucket;
use tokio::sync::Mutex;

use super::kv::KvScan;
use super::limit::LimitScan;
use super::{Projection, discovery};
use crate::connection::ConnectionInner;
use crate::error::{Error, Result};
use crate::table::ScanBatch;
use crate::turn::take_turn;

/// Reads a table once, all partitions included: one bucket after the other, and of each as
/// [`BucketBatchScanner`](crate::table::BucketBatchScanner) does. With a limit, until there are enough rows; without one, every row of a
/// primary-key table, each bucket as it is when its turn comes.
pub struct TableBatchScanner {
    connection: Arc<ConnectionInner>,
    projection: Projection,
    schema: SchemaRef,
    limit: Option<i32>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The buckets that are still to be read; `None` before the first call.
    buckets: Option<VecDeque<TableBucket>>,
    batches: VecDeque<ScanBatch>,
    /// Rows that were read up to the limit.
    rows: i32,
    /// The scan of the first of the buckets, without a limit.
    scan: Option<KvScan>,
}

impl TableBatchScanner {
    pub(crate) fn new(
        connection: Arc<ConnectionInner>,
        projection: Projection,
        limit: Option<i32>,
    ) -> Result<Self> {
        Ok(Self {
            schema: projection.column_schema()?,
            connection,
            projection,
            limit,
            progress: Mutex::default(),
        })
    }

    /// The next batch, or `None` when all are read.
    ///
    /// # Errors
    ///
    /// Why a bucket cannot be read. Calling again tries again, but for a bucket of which rows were returned without a limit: then it
    /// returns the same error. [`ErrorKind::Unsupported`](crate::error::ErrorKind::Unsupported), before anything is sent, for a scan
    /// without a limit on a server before 1.0.
    ///
    /// # Cancel safety
    ///
    /// A dropped call loses nothing.
    pub async fn next_batch(&self) -> Result<Option<ScanBatch>> {
        take_turn().await;
        let mut progress = self.progress.lock().await;
        let progress = &mut *progress;
        loop {
            if let Some(batch) = progress.batches.pop_front() {
                return Ok(Some(batch));
            }
            let buckets = match &mut progress.buckets {
                Some(buckets) => buckets,
                unknown => unknown.insert(self.buckets().await?.into()),
            };
            let Some(bucket) = buckets.front().copied() else {
                return Ok(None);
            };
            let Some(limit) = self.limit else {
                let scan = match &mut progress.scan {
                    Some(scan) => scan,
                    none => none.insert(KvScan::new(
                        Arc::clone(&self.connection),
                        self.projection.clone(),
                        bucket,
                    )?),
                };
                let batch = scan.next_batch().await?;
                if batch.is_some() {
                    return Ok(batch);
                }
                progress.scan = None;
                buckets.pop_front();
                continue;
            };
            let left = limit - progress.rows;
            if left < 1 {
                return Ok(None);
            }
            let scan = LimitScan::new(
                Arc::clone(&self.connection),
                self.projection.clone(),
                bucket,
                left,
            )?;
            let read = scan
                .fetch()
                .await
                .map_err(|error| self.failed(error).of_bucket(bucket))?;
            buckets.pop_front();
            let rows: usize = read.iter().map(ScanBatch::num_records).sum();
            progress.rows = progress
                .rows
                .saturating_add(i32::try_from(rows).unwrap_or(i32::MAX));
            progress.batches = read.into();
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

    /// The Arrow schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    async fn buckets(&self) -> Result<Vec<TableBucket>> {
        discovery::all_buckets(&self.connection, self.projection.table())
            .await
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: Error) -> Error {
        error
            .during(if self.limit.is_some() {
                "limit_scan"
            } else {
                "scan_kv"
            })
            .of_table(self.projection.table().table_path())
    }
}

impl fmt::Debug for TableBatchScanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableBatchScanner")
            .field("table", self.projection.table().table_path())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
