//! All rows of a bucket of a primary-key table, page by page (release 1.0).

use bytes::Bytes;
use fluss_metadata::{OperationType, TableBucket};
use fluss_row::kv::ValueBatchBuilder;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{PbScanReqForBucket, ScanKvRequest, ScanKvResponse};

use super::caller::Caller;
use super::checks::{check_primary_key, check_routing, split};
use crate::reply::{Result, fail, internal};
use crate::state::State;

/// The largest page (`kv.scanner.max-batch-size`).
const LARGEST_PAGE: usize = 10 * 1024 * 1024;

#[expect(
    clippy::unnecessary_wraps,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn page(
    state: &mut State,
    caller: &Caller,
    request: &ScanKvRequest,
) -> Result<ScanKvResponse> {
    let (answer, (error_code, error_message)) = split(answer(state, caller, request));
    Ok(ScanKvResponse {
        error_code,
        error_message,
        ..answer.unwrap_or_default()
    })
}

fn answer(state: &mut State, caller: &Caller, request: &ScanKvRequest) -> Result<ScanKvResponse> {
    let closes = request.close_scanner == Some(true);
    match (&request.bucket_scan_req, &request.scanner_id) {
        (Some(_), Some(_)) => bad("bucket_scan_req and scanner_id are both set"),
        (Some(_), None) if closes => bad("close_scanner is set together with bucket_scan_req"),
        (None, None) => bad("neither bucket_scan_req nor scanner_id is set"),
        (None, Some(id)) if closes => {
            state.scans.close(id);
            Ok(last(id))
        }
        (Some(bucket), None) => {
            let page_bytes = page_bytes(request)?;
            open(state, caller, bucket, request.call_seq_id, page_bytes)
        }
        (None, Some(id)) => {
            let page_bytes = page_bytes(request)?;
            next(state, caller, id, request.call_seq_id, page_bytes)
        }
    }
}

fn bad<T>(what: &str) -> Result<T> {
    fail(ErrorCode::INVALID_SCAN_REQUEST, what)
}

fn page_bytes(request: &ScanKvRequest) -> Result<usize> {
    match request.batch_size_bytes.map(usize::try_from) {
        Some(Ok(bytes)) if bytes > 0 => Ok(bytes.min(LARGEST_PAGE)),
        Some(_) => bad("batch_size_bytes is not greater than 0"),
        None => bad("batch_size_bytes is not set"),
    }
}

fn open(
    state: &mut State,
    caller: &Caller,
    request: &PbScanReqForBucket,
    call: Option<i32>,
    page_bytes: usize,
) -> Result<ScanKvResponse> {
    caller.must_on_table_id(state, OperationType::Read, request.table_id)?;
    let now = state.clock.now_millis();
    let (table, bucket) = state.bucket(
        caller.server,
        request.table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    check_routing(table, request.partition_id, request.routing_bucket_count)?;
    check_primary_key(table)?;
    let most = request.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or_default()
    });
    let rows = bucket.rows.values().take(most).cloned().collect();
    let log_offset = Some(bucket.log.end_offset());
    if bucket.rows.is_empty() {
        return Ok(ScanKvResponse {
            has_more_results: Some(false),
            log_offset,
            ..ScanKvResponse::default()
        });
    }
    let of =
        TableBucket::new_with_partition(request.table_id, request.partition_id, request.bucket_id);
    let Some(id) = state.scans.open(caller.server, of, rows, now) else {
        return fail(
            ErrorCode::TOO_MANY_SCANNERS,
            format!("as many scans of {of} or of its server are open as may be"),
        );
    };
    let answer = next(state, caller, &id, call, page_bytes)?;
    Ok(ScanKvResponse {
        log_offset,
        ..answer
    })
}

/// The next rows of a scan. The last row or an error ends the scan.
fn next(
    state: &mut State,
    caller: &Caller,
    id: &Bytes,
    call: Option<i32>,
    page_bytes: usize,
) -> Result<ScanKvResponse> {
    let result = take(state, caller, id, call, page_bytes);
    let goes_on = matches!(&result, Ok(answer) if answer.has_more_results == Some(true));
    if !goes_on {
        state.scans.close(id);
    }
    result
}

fn take(
    state: &mut State,
    caller: &Caller,
    id: &Bytes,
    call: Option<i32>,
    page_bytes: usize,
) -> Result<ScanKvResponse> {
    let now = state.clock.now_millis();
    let Some(scan) = state.scans.find(id, caller.server, now) else {
        return if state.scans.is_expired(id) {
            fail(ErrorCode::SCANNER_EXPIRED, "the scan was idle for too long")
        } else {
            fail(ErrorCode::UNKNOWN_SCANNER_ID, "there is no such scan")
        };
    };
    let (expected, bucket) = (scan.next_call, scan.bucket);
    match call {
        Some(call) if call == expected => {}
        Some(call) => return bad(&format!("call_seq_id is {call}, expected was {expected}")),
        None => return bad("call_seq_id is not set"),
    }
    // The new leader of the bucket does not have this scan.
    state.bucket(
        caller.server,
        bucket.table_id(),
        bucket.partition_id(),
        bucket.bucket_id(),
    )?;
    let Some(scan) = state.scans.find(id, caller.server, now) else {
        return fail(ErrorCode::UNKNOWN_SCANNER_ID, "there is no such scan");
    };
    let mut batch = ValueBatchBuilder::new();
    let mut bytes = 0;
    while bytes < page_bytes {
        let Some(value) = scan.rest.pop_front() else {
            break;
        };
        bytes += value.row.len();
        batch
            .append(value.schema_id, &value.row)
            .map_err(internal)?;
    }
    scan.next_call += 1;
    let more = !scan.rest.is_empty();
    Ok(ScanKvResponse {
        scanner_id: Some(id.clone()),
        has_more_results: Some(more),
        records: Some(batch.build()),
        ..ScanKvResponse::default()
    })
}

fn last(id: &Bytes) -> ScanKvResponse {
    ScanKvResponse {
        scanner_id: Some(id.clone()),
        has_more_results: Some(false),
        ..ScanKvResponse::default()
    }
}
