//! Reading a bucket once, up to a number of rows.

use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use bytes::Bytes;
use fluss_metadata::TableBucket;
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{LimitScanRequest, LimitScanResponse};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{Instrument, debug_span};

use super::Projection;
use super::decode::{BatchReader, Begins, Source, split};
use super::values::ValueRows;
use crate::connection::ConnectionInner;
use crate::engine::scan::{FetchFault, judge, retry_delay};
use crate::error::{Error, Result};
use crate::table::{OffsetReset, ScanBatch};

/// Reads one bucket once, up to a number of rows: the last rows of a log table, any rows of a primary-key table.
pub(super) struct LimitScan {
    reader: BatchReader,
    values: ValueRows,
    schema: SchemaRef,
    bucket: TableBucket,
    limit: i32,
    /// What was fetched and not yet returned, the last batch first; `None` before the first call.
    batches: Mutex<Option<Vec<ScanBatch>>>,
}

impl LimitScan {
    pub(super) fn new(
        connection: Arc<ConnectionInner>,
        projection: Projection,
        bucket: TableBucket,
        limit: i32,
    ) -> Result<Self> {
        Ok(Self {
            schema: projection.column_schema()?,
            values: ValueRows::new(projection.clone())?,
            reader: BatchReader::new(connection, projection),
            bucket,
            limit,
            batches: Mutex::new(None),
        })
    }

    /// The next batch, or `None` when all are read. The first call asks the server; after an error, the next one asks again.
    pub(super) async fn next_batch(&self) -> Result<Option<ScanBatch>> {
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

    pub(super) async fn fetch(&self) -> Result<Vec<ScanBatch>> {
        let table = self.reader.projection().table();
        let connection = self.reader.connection();
        let count = super::learn_routing_bucket_count(connection, table, &self.bucket).await;
        let request = LimitScanRequest {
            table_id: table.table_id(),
            partition_id: self.bucket.partition_id(),
            bucket_id: self.bucket.bucket_id(),
            limit: self.limit,
            routing_bucket_count: Some(count),
        };
        let response = self.ask(&request).await?;
        let Some(records) = response.records.filter(|records| !records.is_empty()) else {
            return Ok(Vec::new());
        };
        if response.is_log_table.unwrap_or(!table.has_primary_key()) {
            self.log_rows(&records).await
        } else {
            let most = usize::try_from(self.limit).unwrap_or(0);
            let connection = self.reader.connection();
            let batch = self.values.read(connection, records, most).await?;
            Ok(vec![ScanBatch::new(self.bucket, batch, 0, None)])
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
            let span = debug_span!("scan_request", table = %path, bucket = %self.bucket, attempt = attempts);
            let call = cluster.call_leader(path, self.bucket, request);
            let mut response = call.instrument(span).await?;
            let refusal =
                ServerError::from_parts(response.error_code, response.error_message.take());
            let Some(refusal) = refusal else {
                return Ok(response);
            };
            let fault = judge(refusal.code, false, OffsetReset::Error);
            let passes = matches!(fault, FetchFault::Retry | FetchFault::RefreshAndRetry);
            let pause = retry_delay(attempts, super::entropy(cluster));
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
}

impl fmt::Debug for LimitScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitScan")
            .field("bucket", &self.bucket)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
