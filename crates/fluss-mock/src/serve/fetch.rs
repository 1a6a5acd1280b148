//! Reading logs: at once, or when there is something to read.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fluss_metadata::{LogFormat, OperationType, RemoteLogSegment, TableBucket};
use fluss_row::log::LogBatch;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    FetchLogRequest, FetchLogResponse, PbFetchLogReqForBucket, PbFetchLogReqForTable,
    PbFetchLogRespForBucket, PbFetchLogRespForTable, PbRemoteLogFetchInfo, PbRemoteLogSegment,
};
use tokio::time::{Instant, timeout_at};

use super::caller::Caller;
use super::checks::{check_routing, split};
use super::filter::Filter;
use crate::reply::{Result, fail, internal};
use crate::state::{Shared, State, Table};

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
    /// Buckets that this server does not lead or know.
    strange: usize,
    /// Whether there are rows of a bucket whose followers have fetched them.
    followed: bool,
}

/// Waits until there are `min_bytes`, for at most `max_wait_ms`. Rows that arrive meanwhile end the wait only if
/// followers fetch them (`Replica#tryCompleteDelayedOperations`); those of a bucket with one replica are found when
/// it is over.
pub(crate) async fn fetch(
    shared: &Shared,
    caller: &Caller,
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
    let mut strange = None;
    loop {
        let mut news = pin!(shared.news());
        // From here on, so that nothing is missed that comes while the logs are looked at.
        news.as_mut().enable();
        let found = shared.with(|state| look(state, caller, request));
        let was_held = strange.is_some();
        // A bucket that has moved away meanwhile ends the wait; one that was on another server from the start does not.
        let moved = found.strange > *strange.get_or_insert(found.strange);
        let is_over = Instant::now() >= until;
        let is_woken = !was_held || found.followed;
        if is_over || found.failed || moved || (found.bytes >= enough && is_woken) {
            return Ok(found.answer);
        }
        // What has come by then is in the answer.
        let _ = timeout_at(until, news).await;
    }
}

fn look(state: &mut State, caller: &Caller, request: &FetchLogRequest) -> Found {
    let mut found = Found {
        answer: FetchLogResponse::default(),
        bytes: 0,
        failed: false,
        strange: 0,
        followed: false,
    };
    let budget = usize::try_from(request.max_bytes).unwrap_or(0);
    for table in &request.tables_req {
        let mut buckets_resp = Vec::new();
        for bucket in &table.buckets_req {
            let left = budget.saturating_sub(found.bytes);
            let limit = left.min(usize::try_from(bucket.max_fetch_bytes).unwrap_or(0));
            let result = read(state, caller, table, bucket, limit, found.bytes == 0);
            if let Err(error) = &result {
                // The client refreshes its metadata for these; the other buckets may continue to wait.
                found.failed |= !error.invalidates_metadata();
                found.strange += usize::from(error.invalidates_metadata());
            }
            let (read, (error_code, error_message)) = split(result);
            let read = read.unwrap_or_default();
            let bytes = read.records.as_ref().map_or(0, Bytes::len);
            found.bytes += bytes;
            let id = TableBucket::new_with_partition(
                table.table_id,
                bucket.partition_id,
                bucket.bucket_id,
            );
            found.followed |=
                bytes > 0 && (state.wakes_all_fetches || state.catalog.has_followers(&id));
            // What has moved is as good as bytes.
            found.failed |= read.remote.is_some();
            buckets_resp.push(PbFetchLogRespForBucket {
                partition_id: bucket.partition_id,
                bucket_id: bucket.bucket_id,
                error_code,
                error_message,
                high_watermark: read.high_watermark,
                log_start_offset: read.start,
                records: read.records,
                remote_log_fetch_info: read.remote,
                filtered_end_offset: read.filtered_end,
                ..PbFetchLogRespForBucket::default()
            });
        }
        found.answer.tables_resp.push(PbFetchLogRespForTable {
            table_id: table.table_id,
            buckets_resp: buckets_resp.into(),
        });
    }
    found
}

/// What was found of one bucket; nothing of one that failed.
#[derive(Default)]
struct Read {
    start: Option<i64>,
    high_watermark: Option<i64>,
    records: Option<Bytes>,
    /// Where the records are, if they have moved.
    remote: Option<PbRemoteLogFetchInfo>,
    /// How far batches were left out that a filter doesn't want, beyond those that come.
    filtered_end: Option<i64>,
}

/// Whole batches within the limit, except for the first one of a response, which is always included; and the high
/// watermark.
fn read(
    state: &mut State,
    caller: &Caller,
    request: &PbFetchLogReqForTable,
    bucket_request: &PbFetchLogReqForBucket,
    limit: usize,
    is_first: bool,
) -> Result<Read> {
    caller.must_on_table_id(state, OperationType::Read, request.table_id)?;
    let release = state.release;
    let (table, bucket) = state.bucket(
        caller.server,
        request.table_id,
        bucket_request.partition_id,
        bucket_request.bucket_id,
    )?;
    check_routing(
        table,
        bucket_request.partition_id,
        bucket_request.routing_bucket_count,
    )?;
    let fields = projection(table, request)?;
    let filter = Filter::of(release, table, request)?;
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
    if let Some((segments, skipped)) = bucket.log.moved(offset) {
        let segments = segments.iter().map(describe).collect();
        let (table_id, partition_id) = (request.table_id, bucket_request.partition_id);
        let id = TableBucket::new_with_partition(table_id, partition_id, bucket_request.bucket_id);
        let partition_name = partition_id.and_then(|id| {
            let mut partitions = table.partitions.values();
            let found = partitions.find(|partition| partition.id == id)?;
            Some(found.spec.partition_name())
        });
        return Ok(Read {
            start: Some(start),
            high_watermark: Some(end),
            records: None,
            filtered_end: None,
            remote: Some(PbRemoteLogFetchInfo {
                remote_log_tablet_dir: state.remote_dir_of(table_id, &id).unwrap_or_default(),
                partition_name,
                remote_log_segments: segments,
                first_start_pos: i32::try_from(skipped).ok(),
            }),
        });
    }
    let mut records = BytesMut::new();
    let mut filtered_end = None;
    for batch in bucket.log.since(offset) {
        if filter.as_ref().is_some_and(|of| !of.keeps(table, batch)) {
            filtered_end = Some(batch.header().next_offset());
            continue;
        }
        let bytes = match &fields {
            None => batch.bytes().clone(),
            Some(fields) => project(table, batch, fields)?,
        };
        let is_needed = is_first && records.is_empty();
        if records.len() + bytes.len() > limit && !is_needed {
            // The next fetch finds those again that were left out before it.
            filtered_end = filtered_end.filter(|_| records.is_empty());
            break;
        }
        records.extend_from_slice(&bytes);
        filtered_end = None;
    }
    Ok(Read {
        start: Some(start),
        high_watermark: Some(end),
        records: Some(records.freeze()),
        remote: None,
        filtered_end,
    })
}

fn describe(segment: &RemoteLogSegment) -> PbRemoteLogSegment {
    PbRemoteLogSegment {
        remote_log_segment_id: segment.segment_id().to_owned(),
        remote_log_start_offset: segment.start_offset(),
        remote_log_end_offset: segment.end_offset(),
        segment_size_in_bytes: segment.size_in_bytes(),
        max_timestamp: Some(segment.max_timestamp()),
    }
}

/// The positions of the requested columns, which are only checked once there is a batch.
fn projection(table: &Table, request: &PbFetchLogReqForTable) -> Result<Option<Vec<i32>>> {
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
    Ok(Some(request.projected_fields.iter().copied().collect()))
}

/// Positions are those of the schema that a batch was written with.
fn project(table: &Table, batch: &LogBatch, fields: &[i32]) -> Result<Bytes> {
    let schema_id = batch.header().schema_id();
    let Some(schema) = table.schema(schema_id) else {
        return fail(
            ErrorCode::SCHEMA_NOT_EXIST,
            format!("a batch was written with schema {schema_id}, which does not exist"),
        );
    };
    let positions = positions(fields, schema.columns().len())?;
    batch
        .project(schema.row_type(), &positions)
        .map_err(internal)
}

/// Source: `FileLogProjection#toBitSet`.
fn positions(fields: &[i32], columns: usize) -> Result<Vec<usize>> {
    let refused = |why: String| fail(ErrorCode::INVALID_COLUMN_PROJECTION, why);
    let mut before = -1;
    let mut positions = Vec::with_capacity(fields.len());
    for field in fields.iter().copied() {
        if field < before {
            return refused(format!(
                "The projection indexes should be in field order, but is {fields:?}"
            ));
        }
        if field == before {
            return refused(format!(
                "The projection indexes should not contain duplicated fields, but is {fields:?}"
            ));
        }
        match usize::try_from(field) {
            Ok(position) if position < columns => positions.push(position),
            _ => {
                return refused(format!(
                    "Projected fields {fields:?} is out of bound for schema with {columns} fields."
                ));
            }
        }
        before = field;
    }
    if positions.is_empty() {
        return fail(ErrorCode::UNKNOWN_SERVER_ERROR, "Invalid metadata length");
    }
    Ok(positions)
}
