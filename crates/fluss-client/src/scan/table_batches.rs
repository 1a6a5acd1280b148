//! Batch scans of a whole table: a number of its rows, or every row of a primary-key table.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use fluss_metadata::TableBucket;
use tokio::sync::Mutex;

use super::kv::KvScan;
use super::limit::LimitScan;
use super::projection::Projection;
use super::records::ScanBatch;
use super::{discovery, partitions};
use crate::context::OpenContext;
use crate::error::{Error, Result};
use crate::remote::RemoteStores;
use crate::turn::take_turn;

/// Reads a table once, including all partitions: one bucket after the other, each like
/// [`BucketBatchScanner`](crate::table::BucketBatchScanner). With a limit, until there are enough rows. Without a
/// limit, every row of a primary-key table, with a snapshot of each bucket taken when its turn comes. Partitions that
/// are dropped before their turn are skipped.
pub struct TableBatchScanner {
    context: OpenContext,
    remote: Arc<RemoteStores>,
    projection: Projection,
    schema: SchemaRef,
    limit: Option<i32>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The remaining buckets; `None` before the first call.
    buckets: Option<VecDeque<Turn>>,
    /// What was read with a limit, and what cannot be read in its place.
    batches: VecDeque<Result<ScanBatch>>,
    /// Rows that were read up to the limit.
    rows: i32,
}

/// A bucket that is to be read.
struct Turn {
    bucket: TableBucket,
    /// Its scan, if it has begun and there is no limit.
    scan: Option<KvScan>,
}

impl TableBatchScanner {
    pub(crate) fn new(
        context: OpenContext,
        remote: Arc<RemoteStores>,
        projection: Projection,
        limit: Option<i32>,
    ) -> Result<Self> {
        Ok(Self {
            schema: projection.column_schema()?,
            context,
            remote,
            projection,
            limit,
            progress: Mutex::default(),
        })
    }

    /// The next batch, or `None` when all are read.
    ///
    /// # Errors
    ///
    /// Returns an error if a bucket cannot be read. The next call continues with the other buckets; the failed one is
    /// retried after them. If a scan without a limit already returned rows of the failed bucket, the retry returns
    /// the same error, because its snapshot is gone: start a new scan. A single row or batch that cannot be read is
    /// an error in its place, and the next call continues after it.
    /// [`ErrorKind::Unsupported`](crate::error::ErrorKind::Unsupported), before anything is sent, for a scan without
    /// a limit on a server before 1.0.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn next_batch(&self) -> Result<Option<ScanBatch>> {
        take_turn().await;
        let mut progress = self.progress.lock().await;
        let progress = &mut *progress;
        loop {
            if let Some(batch) = progress.batches.pop_front() {
                return batch.map(Some);
            }
            if self.limit.is_some_and(|limit| progress.rows >= limit) {
                return Ok(None);
            }
            let buckets = match &mut progress.buckets {
                Some(buckets) => buckets,
                unknown => unknown.insert(self.buckets().await?),
            };
            let Some(turn) = buckets.front_mut() else {
                return Ok(None);
            };
            let bucket = turn.bucket;
            let read = match self.limit {
                Some(limit) => self.read_some(bucket, limit - progress.rows).await,
                None => self.read_on(turn).await.map(VecDeque::from_iter),
            };
            match read {
                Ok(batches) => {
                    let rows: usize = batches.iter().flatten().map(ScanBatch::num_records).sum();
                    let rows = i32::try_from(rows).unwrap_or(i32::MAX);
                    progress.rows = progress.rows.saturating_add(rows);
                    // With a limit, a bucket is read in one call; without one, until its end.
                    if self.limit.is_some() || batches.is_empty() {
                        buckets.pop_front();
                    }
                    progress.batches = batches;
                }
                Err(error) => {
                    let table = self.projection.table();
                    let missing = partitions::is_missing(&error)
                        || partitions::missing(&self.context, table, &bucket)
                            .await
                            .is_some();
                    if missing {
                        let partition = bucket.partition_id();
                        buckets.retain(|turn| turn.bucket.partition_id() != partition);
                        continue;
                    }
                    buckets.rotate_left(1);
                    return Err(error);
                }
            }
        }
    }

    /// Rows of a bucket, at most so many.
    async fn read_some(
        &self,
        bucket: TableBucket,
        limit: i32,
    ) -> Result<VecDeque<Result<ScanBatch>>> {
        let (context, projection) = (self.context.clone(), self.projection.clone());
        let scan = LimitScan::new(context, Arc::clone(&self.remote), projection, bucket, limit)?;
        let failed = |error| self.failed(error).of_bucket(bucket);
        let batches = scan.fetch().await.map_err(failed)?;
        let batches = batches.into_iter().map(|batch| batch.map_err(failed));
        Ok(batches.collect())
    }

    /// The next batch of all rows of a bucket.
    async fn read_on(&self, turn: &mut Turn) -> Result<Option<Result<ScanBatch>>> {
        let scan = match &mut turn.scan {
            Some(scan) => scan,
            none => none.insert(KvScan::new(
                self.context.clone(),
                self.projection.clone(),
                turn.bucket,
            )?),
        };
        scan.next().await
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

    /// Returns the Arrow schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    async fn buckets(&self) -> Result<VecDeque<Turn>> {
        let buckets = discovery::all_buckets(&self.context, self.projection.table()).await;
        let buckets = buckets.map_err(|error| self.failed(error))?;
        let turn = |bucket| Turn { bucket, scan: None };
        Ok(buckets.into_iter().map(turn).collect())
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
