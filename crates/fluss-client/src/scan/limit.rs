//! Reading a bucket once, up to a number of rows.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use fluss_metadata::TableBucket;
use fluss_row::kv::{LookupRow, ValueBatch};
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{LimitScanRequest, LimitScanResponse};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Projection;
use super::decode::{BatchReader, Begins, Source, split};
use crate::connection::ConnectionInner;
use crate::engine::scan::{FetchFault, judge, retry_delay};
use crate::error::{Error, Result};
use crate::lookup::{ValueReader, record_batch};
use crate::table::{OffsetReset, ScanBatch};

/// Reads one bucket once, up to a number of rows: the last rows of a log table, any rows of a primary-key table.
pub struct LimitBatchScanner {
    reader: BatchReader,
    values: ValueReader,
    schema: SchemaRef,
    bucket: TableBucket,
    limit: i32,
    /// What was fetched and not yet returned, the last batch first; `None` before the first call.
    batches: Mutex<Option<Vec<ScanBatch>>>,
}

impl LimitBatchScanner {
    pub(crate) fn new(
        connection: Arc<ConnectionInner>,
        projection: Projection,
        bucket: TableBucket,
        limit: i32,
    ) -> Result<Self> {
        let schema = projection.column_schema()?;
        let values = ValueReader::new(projection.table())?;
        Ok(Self {
            reader: BatchReader::new(connection, projection),
            values,
            schema,
            bucket,
            limit,
            batches: Mutex::new(None),
        })
    }

    /// The next batch, or `None` when all are read. The first call asks the server.
    ///
    /// # Errors
    ///
    /// Why the bucket cannot be read. Calling again tries again.
    ///
    /// # Cancel safety
    ///
    /// A dropped call loses nothing.
    pub async fn next_batch(&self) -> Result<Option<ScanBatch>> {
        let mut batches = self.batches.lock().await;
        if batches.is_none() {
            let mut read = self.fetch().await.map_err(|error| {
                error
                    .during("limit_scan")
                    .of_table(self.reader.projection().table().table_path())
                    .of_bucket(self.bucket)
            })?;
            read.reverse();
            *batches = Some(read);
        }
        Ok(batches.as_mut().and_then(Vec::pop))
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

    pub(super) async fn fetch(&self) -> Result<Vec<ScanBatch>> {
        let table = self.reader.projection().table();
        let request = LimitScanRequest {
            table_id: table.table_id(),
            partition_id: self.bucket.partition_id(),
            bucket_id: self.bucket.bucket_id(),
            limit: self.limit,
            routing_bucket_count: Some(super::routing_bucket_count(
                self.reader.connection(),
                table,
                &self.bucket,
            )),
        };
        let response = self.ask(&request).await?;
        let Some(records) = response.records.filter(|records| !records.is_empty()) else {
            return Ok(Vec::new());
        };
        if response.is_log_table.unwrap_or(!table.has_primary_key()) {
            self.log_rows(&records).await
        } else {
            self.value_rows(records).await
        }
    }

    /// Asks the leader; what passes is asked again, for at most the time of a call.
    async fn ask(&self, request: &LimitScanRequest) -> Result<LimitScanResponse> {
        let connection = self.reader.connection();
        let (cluster, path) = (
            &connection.cluster,
            self.reader.projection().table().table_path(),
        );
        let deadline = Instant::now() + connection.config.call_timeout;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let seen = cluster.view().generation();
            let mut response = cluster.call_leader(path, self.bucket, request).await?;
            let refusal =
                ServerError::from_parts(response.error_code, response.error_message.take());
            let Some(refusal) = refusal else {
                return Ok(response);
            };
            let fault = judge(refusal.code, false, OffsetReset::Error);
            let passes = matches!(fault, FetchFault::Retry | FetchFault::RefreshAndRetry);
            let pause = retry_delay(attempts, super::entropy());
            if !passes || Instant::now() + pause > deadline {
                return Err(Error::from(refusal).after_attempts(attempts));
            }
            if fault == FetchFault::RefreshAndRetry {
                cluster.invalidate_bucket(&self.bucket, seen);
            }
            let sleep = {
                let _enter = connection.drivers.handle().enter();
                tokio::time::sleep(pause)
            };
            sleep.await;
        }
    }

    /// The last rows of whole batches, of which there may be more than asked for.
    async fn log_rows(&self, records: &Bytes) -> Result<Vec<ScanBatch>> {
        let found = split(records, -1, Begins::At);
        if let Some(error) = found.broken {
            return Err(error);
        }
        let mut left = usize::try_from(self.limit).unwrap_or(0);
        let mut batches = Vec::new();
        for batch in found.whole.iter().rev() {
            if left == 0 {
                break;
            }
            let chunk = self.reader.read(batch, 0, Source::Whole).await?;
            let rows = chunk.rows();
            let first = rows.saturating_sub(left);
            left -= rows - first;
            if first < rows {
                let columns = chunk.record_batch(first..rows, &self.schema)?;
                batches.push(ScanBatch::new(
                    self.bucket,
                    columns,
                    chunk.offset(first),
                    Some(chunk.timestamp()),
                ));
            }
        }
        batches.reverse();
        Ok(batches)
    }

    async fn value_rows(&self, records: Bytes) -> Result<Vec<ScanBatch>> {
        let projection = self.reader.projection();
        let mut rows: Vec<LookupRow> = Vec::new();
        for record in ValueBatch::parse(records)?
            .records()
            .take(usize::try_from(self.limit).unwrap_or(0))
        {
            rows.push(
                self.values
                    .read_record(self.reader.connection(), record?)
                    .await?,
            );
        }
        let projected: Vec<_> = rows
            .iter()
            .map(|row| fluss_row::ProjectedRow::of_fields(row, projection.columns()))
            .collect();
        let batch: RecordBatch = record_batch(projection.row_type(), &projected)?;
        Ok(vec![ScanBatch::new(self.bucket, batch, 0, None)])
    }
}

impl fmt::Debug for LimitBatchScanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitBatchScanner")
            .field("bucket", &self.bucket)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
