//! Limit scans: the first rows of a primary-key table, or the last of a log table.

use bytes::{Bytes, BytesMut};
use fluss_metadata::OperationType;
use fluss_row::kv::ValueBatchBuilder;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{LimitScanRequest, LimitScanResponse};

use super::caller::Caller;
use super::checks::{check_routing, split};
use crate::reply::{Result, fail, internal};
use crate::state::{Bucket, Log, State};

pub(crate) fn limited(
    state: &mut State,
    caller: &Caller,
    request: &LimitScanRequest,
) -> Result<LimitScanResponse> {
    caller.must_on_table_id(state, OperationType::Read, request.table_id)?;
    let (found, (error_code, error_message)) = split(scan(state, caller, request));
    let (is_log_table, records) = found.unzip();
    Ok(LimitScanResponse {
        error_code,
        error_message,
        is_log_table,
        records: records.filter(|records| !records.is_empty()),
    })
}

/// Whether it is a log table, and the records.
fn scan(state: &mut State, caller: &Caller, request: &LimitScanRequest) -> Result<(bool, Bytes)> {
    let segment_bytes = state.config.segment_bytes();
    let (table, bucket) = state.bucket(
        caller.server,
        request.table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    check_routing(table, request.partition_id, request.routing_bucket_count)?;
    let Ok(limit) = usize::try_from(request.limit) else {
        return fail(
            ErrorCode::UNKNOWN_SERVER_ERROR,
            format!("limit {} is negative", request.limit),
        );
    };
    if table.descriptor.has_primary_key() {
        Ok((false, first_rows(bucket, limit)?))
    } else {
        Ok((true, last_batches(&bucket.log, limit, segment_bytes)?))
    }
}

fn first_rows(bucket: &Bucket, limit: usize) -> Result<Bytes> {
    let mut batch = ValueBatchBuilder::new();
    for value in bucket.rows.values().take(limit) {
        batch
            .append(value.schema_id, &value.row)
            .map_err(internal)?;
    }
    Ok(batch.build())
}

/// Whole batches from the first wanted record to the end of its segment: servers read a single segment of those on
/// their disks (`Replica#limitLogScan`).
fn last_batches(log: &Log, limit: usize, segment_bytes: usize) -> Result<Bytes> {
    let first_wanted = log
        .end_offset()
        .saturating_sub_unsigned(limit as u64)
        .max(log.start_offset());
    if first_wanted < log.local_start() {
        return fail(
            ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
            format!(
                "Received request for offset {first_wanted}, but we only have log segments from offset {} up to {}.",
                log.local_start(),
                log.end_offset()
            ),
        );
    }
    let end = log.segment_end(first_wanted, segment_bytes);
    let mut records = BytesMut::new();
    for batch in log.since(first_wanted) {
        if batch.header().next_offset() > end {
            break;
        }
        records.extend_from_slice(batch.bytes());
    }
    Ok(records.freeze())
}
