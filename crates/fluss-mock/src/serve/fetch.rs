//! Reading logs: at once, or when there is something to read.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fluss_metadata::LogFormat;
use fluss_row::log::LogBatch;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    FetchLogRequest, FetchLogResponse, PbFetchLogReqForBucket, PbFetchLogReqForTable,
    PbFetchLogRespForBucket, PbFetchLogRespForTable,
};
use tokio::time::{Instant, timeout_at};

use super::write::{check_routing, split};
use super::{Result, fail};
use crate::state::{Shared, State, Table, internal};

/// Stands for the start of the log.
const EARLIEST: i64 = -2;
/// How long a request waits that says how much it waits for, and not how long.
const DEFAULT_WAIT: Duration = Duration::from_millis(100);

/// What one look at the logs found.
struct Found {
    answer: FetchLogResponse,
    bytes: usize,
    /// Something failed that waiting doesn't change.
    failed: bool,
}

/// What there is of one bucket, and the offsets between which its log lies.
struct Read {
    records: Bytes,
    start: i64,
    end: i64,
}

/// Waits until there are `min_bytes`, for at most `max_wait_ms`.
pub(crate) async fn fetch(
    shared: &Shared,
    server: i32,
    request: &FetchLogRequest,
) -> Result<FetchLogResponse> {
    if request.follower_server_id >= 0 {
        return fail(
            ErrorCode::UNSUPPORTED_VERSION,
            "the mock cluster has no replicas that fetch",
        );
    }
    let enough = usize::try_from(request.min_bytes.unwrap_or(0)).unwrap_or(0);
    let wait = request.max_wait_ms.map_or(DEFAULT_WAIT, |millis| {
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    });
    let until = Instant::now() + wait;
    let mut news = shared.news();
    loop {
        news.borrow_and_update();
        let found = shared.with(|state| look(state, server, request));
        let is_done = found.failed || found.bytes >= enough;
        if is_done || !matches!(timeout_at(until, news.changed()).await, Ok(Ok(()))) {
            return Ok(found.answer);
        }
    }
}

fn look(state: &mut State, server: i32, request: &FetchLogRequest) -> Found {
    let mut found = Found {
        answer: FetchLogResponse::default(),
        bytes: 0,
        failed: false,
    };
    let budget = usize::try_from(request.max_bytes).unwrap_or(0);
    for table in &request.tables_req {
        let mut buckets_resp = Vec::new();
        for bucket in &table.buckets_req {
            let left = budget.saturating_sub(found.bytes);
            let limit = left.min(usize::try_from(bucket.max_fetch_bytes).unwrap_or(0));
            let result = read(state, server, table, bucket, limit, found.bytes == 0);
            if let Err(error) = &result {
                // The client refreshes its metadata for these; the other buckets may go on waiting.
                found.failed |= !error.invalidates_metadata();
            }
            let (read, (error_code, error_message)) = split(result);
            let (start, end) = (
                read.as_ref().map(|read| read.start),
                read.as_ref().map(|read| read.end),
            );
            let records = read.map(|read| read.records);
            found.bytes += records.as_ref().map_or(0, Bytes::len);
            buckets_resp.push(PbFetchLogRespForBucket {
                partition_id: bucket.partition_id,
                bucket_id: bucket.bucket_id,
                error_code,
                error_message,
                high_watermark: end,
                log_start_offset: start,
                records,
                ..PbFetchLogRespForBucket::default()
            });
        }
        found.answer.tables_resp.push(PbFetchLogRespForTable {
            table_id: table.table_id,
            buckets_resp,
        });
    }
    found
}

/// Whole batches within the limit, but for the first one of an answer, which comes whatever its size; and the high watermark.
fn read(
    state: &mut State,
    server: i32,
    request: &PbFetchLogReqForTable,
    bucket_request: &PbFetchLogReqForBucket,
    limit: usize,
    is_first: bool,
) -> Result<Read> {
    let (table, bucket) = state.bucket(
        server,
        request.table_id,
        bucket_request.partition_id,
        bucket_request.bucket_id,
    )?;
    check_routing(table, bucket_request.routing_bucket_count)?;
    let positions = projection(table, request)?;
    let (start, end) = (bucket.log.start_offset(), bucket.log.end_offset());
    let offset = match bucket_request.fetch_offset {
        EARLIEST => start,
        offset => offset,
    };
    if !(start..=end).contains(&offset) {
        return fail(
            ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
            format!(
                "Received request for offset {offset}, but the log reaches from {start} to {end}."
            ),
        );
    }
    let mut records = BytesMut::new();
    for batch in bucket.log.since(offset) {
        let bytes = match &positions {
            None => batch.bytes().clone(),
            Some(positions) => project(table, batch, positions)?,
        };
        let is_needed = is_first && records.is_empty();
        if records.len() + bytes.len() > limit && !is_needed {
            break;
        }
        records.extend_from_slice(&bytes);
    }
    Ok(Read {
        records: records.freeze(),
        start,
        end,
    })
}

fn projection(table: &Table, request: &PbFetchLogReqForTable) -> Result<Option<Vec<usize>>> {
    if !request.projection_pushdown_enabled {
        return Ok(None);
    }
    let format = table.descriptor.log_format().map_err(internal)?;
    if format != LogFormat::Arrow {
        return fail(
            ErrorCode::INVALID_COLUMN_PROJECTION,
            format!(
                "Column projection is only supported for ARROW format, but the table {} is {format} format.",
                table.path
            ),
        );
    }
    let positions = request.projected_fields.iter();
    let positions = positions.map(|position| usize::try_from(*position).ok());
    match positions.collect::<Option<Vec<_>>>() {
        Some(positions)
            if !positions.is_empty() && positions.is_sorted_by(|one, other| one < other) =>
        {
            Ok(Some(positions))
        }
        _ => fail(
            ErrorCode::INVALID_COLUMN_PROJECTION,
            format!(
                "The projection indexes should be in field order, but is {:?}",
                request.projected_fields
            ),
        ),
    }
}

/// Positions are those of the schema that a batch was written with.
fn project(table: &Table, batch: &LogBatch, positions: &[usize]) -> Result<Bytes> {
    let schema_id = batch.header().schema_id();
    let Some(schema) = table.schema(schema_id) else {
        return fail(
            ErrorCode::SCHEMA_NOT_EXIST,
            format!("a batch was written with schema {schema_id}, which does not exist"),
        );
    };
    let columns = schema.columns().len();
    if positions.last().is_some_and(|last| *last >= columns) {
        return fail(
            ErrorCode::INVALID_COLUMN_PROJECTION,
            format!(
                "Projected fields {positions:?} is out of bound for schema with {columns} fields."
            ),
        );
    }
    batch
        .project(schema.row_type(), positions)
        .map_err(internal)
}
