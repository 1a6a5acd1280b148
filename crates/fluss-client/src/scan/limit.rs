//! Reading a bucket once, up to a number of rows.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use fluss_metadata::TableBucket;
use fluss_row::log::LogBatch;
use fluss_rpc::RetryPolicy;
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::{LimitScanRequest, LimitScanResponse};
use futures::future::try_join;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{Instrument, debug_span};

use super::decode::{BatchReader, Begins, LogChunk, split};
use super::projection::Projection;
use super::projection::Source;
use super::records::ScanBatch;
use super::scanner::Scanner;
use super::values::ValueRows;
use super::{offsets, partitions};
use crate::context::OpenContext;
use crate::engine::scan::{FetchFault, OffsetReset, StartOffset, judge};
use crate::error::{Error, ErrorKind, Result};
use crate::remote::RemoteStores;

/// What errors call it.
const OPERATION: &str = "limit_scan";

/// Reads one bucket once, up to a number of rows: the last rows of a log table, any rows of a primary-key table.
pub(super) struct LimitScan {
    context: OpenContext,
    remote: Arc<RemoteStores>,
    reader: BatchReader,
    values: ValueRows,
    schema: SchemaRef,
    bucket: TableBucket,
    limit: i32,
    /// What was fetched and not yet returned, the last batch first, and what cannot be read in its place; `None`
    /// before the first call.
    batches: Mutex<Option<Vec<Result<ScanBatch>>>>,
}

impl LimitScan {
    pub(super) fn new(
        context: OpenContext,
        remote: Arc<RemoteStores>,
        projection: Projection,
        bucket: TableBucket,
        limit: i32,
    ) -> Result<Self> {
        Ok(Self {
            schema: projection.column_schema()?,
            values: ValueRows::new(projection.clone())?,
            reader: BatchReader::new(context.clone(), projection),
            context,
            remote,
            bucket,
            limit,
            batches: Mutex::new(None),
        })
    }

    /// The next batch, or `None` when all are read. The first call asks the server; after an error, the next one asks
    /// again.
    pub(super) async fn next_batch(&self) -> Result<Option<ScanBatch>> {
        let mut batches = self.batches.lock().await;
        if batches.is_none() {
            let mut read = self.fetch().await.map_err(|error| self.failed(error))?;
            read.reverse();
            *batches = Some(read);
        }
        let next = batches.as_mut().and_then(Vec::pop).transpose();
        next.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: Error) -> Error {
        error
            .during(OPERATION)
            .of_table(self.reader.projection().table().table_path())
            .of_bucket(self.bucket)
    }

    /// The batches, with errors in the place of what cannot be read.
    pub(super) async fn fetch(&self) -> Result<Vec<Result<ScanBatch>>> {
        let table = self.reader.projection().table();
        let context = &self.context;
        partitions::require(context, table, &self.bucket).await?;
        let count = super::routing::learn_routing_bucket_count(context, table, &self.bucket).await;
        let request = LimitScanRequest {
            table_id: table.table_id(),
            partition_id: self.bucket.partition_id(),
            bucket_id: self.bucket.bucket_id(),
            limit: self.limit,
            routing_bucket_count: Some(count),
        };
        if !table.has_primary_key() {
            return self.last_rows(&request).await;
        }
        let response = self.ask(&request).await?;
        let Some(records) = response.records.filter(|records| !records.is_empty()) else {
            return Ok(Vec::new());
        };
        let read = self.values.read(context, records, self.rows()).await?;
        let batch = |batch: Result<_>| Ok(ScanBatch::new(self.bucket, batch?, 0, None));
        Ok(read.into_iter().map(batch).collect())
    }

    /// The last rows of a log.
    ///
    /// A server reads one segment of those that it has on its disks (`Replica#limitLogScan`): the newest rows are
    /// missing in its answer if the wanted ones lie in several, and it refuses if the first of them has moved away.
    /// What is missing is fetched.
    async fn last_rows(&self, request: &LimitScanRequest) -> Result<Vec<Result<ScanBatch>>> {
        let answer = async {
            match self.ask(request).await {
                Ok(response) => Ok(Some(response.records.unwrap_or_default())),
                Err(error) if has_moved(&error) => Ok(None),
                Err(error) => Err(error),
            }
        };
        // Both concurrently: the end of the log shows whether the response is complete.
        let (records, end) = try_join(answer, self.end()).await?;
        let found = records.map(|records| split(&records, -1, Begins::At));
        let mut last = LastRows::new(self.rows());
        let mut read_to = None;
        if let Some(found) = found {
            if let Some(broken) = found.broken {
                return Err(broken.error);
            }
            let begin = found
                .whole
                .first()
                .map(|batch| batch.header().base_offset());
            read_to = found.next_offset;
            self.decode_last(&found.whole, &mut last).await?;
            let reached = found.next_offset.unwrap_or(0) >= end;
            if reached && (last.is_full() || begin.unwrap_or(0) == 0) {
                return self.batches(last);
            }
        }
        let end = self.end().await?;
        let from = read_to.unwrap_or_else(|| end.saturating_sub(i64::from(self.limit)).max(0));
        if from < end {
            self.fetch_range(from, end, &mut last).await?;
        }
        self.batches(last)
    }

    fn rows(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(0)
    }

    /// Where the log ends now.
    async fn end(&self) -> Result<i64> {
        let table = self.reader.projection().table();
        offsets::find(&self.context, table, &self.bucket, StartOffset::Latest).await
    }

    /// Reads as few batches from the end as have enough rows.
    async fn decode_last(&self, batches: &[LogBatch], last: &mut LastRows) -> Result<()> {
        for batch in batches.iter().rev() {
            if last.is_full() {
                break;
            }
            match self.reader.read(batch, 0, Source::Whole).await {
                Ok(chunk) => {
                    for (chunk, rows) in parts(chunk).into_iter().rev() {
                        last.push_front(rows, chunk);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    last.push_front(0..batch.header().record_count(), Err(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Fetches the rows between two offsets, wherever they are.
    async fn fetch_range(&self, from: i64, to: i64, last: &mut LastRows) -> Result<()> {
        let patience = self.context.config.call_timeout;
        let scanner = Scanner::start(
            self.context.clone(),
            Arc::clone(&self.remote),
            self.reader.projection().clone(),
            OffsetReset::Earliest,
            usize::MAX,
            None,
        );
        scanner.read_range(self.bucket, from, to);
        while !scanner.is_finished() {
            match scanner.poll_for(OPERATION, patience).await {
                Ok(Some(polled)) => {
                    for taken in polled.taken {
                        last.push_back(taken.rows, Ok(taken.chunk));
                    }
                }
                Ok(None) if scanner.is_finished() => {}
                Ok(None) => return Err(Error::timeout("reading the last rows", patience)),
                Err(error) => {
                    let Some(offsets) = error.offsets() else {
                        return Err(error);
                    };
                    // On behind what cannot be read.
                    let rows = usize::try_from(offsets.end - offsets.start).unwrap_or(0);
                    last.push_back(0..rows, Err(error));
                    scanner.read_range(self.bucket, offsets.end, to);
                }
            }
        }
        Ok(())
    }

    fn batches(&self, last: LastRows) -> Result<Vec<Result<ScanBatch>>> {
        let mut batches = Vec::new();
        for (chunk, rows) in last.parts {
            match chunk {
                Ok(chunk) => self.columns(&chunk, rows, &mut batches)?,
                Err(error) => batches.push(Err(error)),
            }
        }
        Ok(batches)
    }

    /// Rows of a batch as columns, with an error in the place of each that Arrow cannot hold.
    fn columns(
        &self,
        chunk: &LogChunk,
        rows: Range<usize>,
        batches: &mut Vec<Result<ScanBatch>>,
    ) -> Result<()> {
        let mut first = rows.start;
        while first < rows.end {
            let (columns, misfit) = chunk.first_columns(first..rows.end, &self.schema)?;
            if columns.num_rows() > 0 {
                let (base, time) = (chunk.offset(first), chunk.timestamp());
                batches.push(Ok(ScanBatch::new(self.bucket, columns, base, Some(time))));
            }
            let Some((row, error)) = misfit else { break };
            batches.push(Err(error));
            first = row + 1;
        }
        Ok(())
    }

    /// Asks the leader; what passes is asked again, for at most the time of a call.
    async fn ask(&self, request: &LimitScanRequest) -> Result<LimitScanResponse> {
        let context = self.reader.context();
        let (cluster, path) = (
            &context.cluster,
            self.reader.projection().table().table_path(),
        );
        let deadline = Instant::now() + context.config.call_timeout;
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
            let pause = RetryPolicy::FETCH.random_pause(attempts, &cluster.config().chance);
            if !passes || Instant::now() + pause > deadline {
                return Err(Error::from(refusal).after_attempts(attempts));
            }
            if fault == FetchFault::RefreshAndRetry {
                cluster.invalidate_bucket(&self.bucket, seen);
            }
            cluster.sleep_until(Instant::now() + pause).await?;
            let table = self.reader.projection().table();
            partitions::require(context, table, &self.bucket).await?;
        }
    }
}

/// The rows of a chunk, with an error in the place of those that cannot be read.
fn parts(chunk: LogChunk) -> Vec<(Result<LogChunk>, Range<usize>)> {
    let mut parts = Vec::new();
    let mut first = 0;
    while let Some((rows, error)) = chunk.first_unreadable(first) {
        parts.push((Ok(chunk.clone()), first..rows.start));
        first = rows.end;
        parts.push((Err(error), rows));
    }
    let rows = first..chunk.rows();
    parts.push((Ok(chunk), rows));
    parts
}

/// Whether the offset that a server would begin at is not on its disks.
fn has_moved(error: &Error) -> bool {
    error
        .server_error()
        .is_some_and(|error| error.code == ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION)
}

/// The last rows of a log, at most so many, as they are found; or why a batch of them cannot be read.
struct LastRows {
    most: usize,
    count: usize,
    parts: VecDeque<(Result<LogChunk>, Range<usize>)>,
}

impl LastRows {
    fn new(most: usize) -> Self {
        Self {
            most,
            count: 0,
            parts: VecDeque::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.count >= self.most
    }

    /// Takes in rows that are older than all others.
    fn push_front(&mut self, rows: Range<usize>, chunk: Result<LogChunk>) {
        self.count += rows.len();
        self.parts.push_front((chunk, rows));
        self.drop_oldest();
    }

    /// Takes in rows that are newer than all others.
    fn push_back(&mut self, rows: Range<usize>, chunk: Result<LogChunk>) {
        self.count += rows.len();
        self.parts.push_back((chunk, rows));
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while let Some((_, rows)) = self.parts.front_mut()
            && self.count > self.most
        {
            let surplus = self.count - self.most;
            if rows.len() > surplus {
                rows.start += surplus;
                self.count = self.most;
            } else {
                self.count -= rows.len();
                self.parts.pop_front();
            }
        }
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
