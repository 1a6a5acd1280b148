//! Lists offsets: earliest, latest, by time.

use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{ListOffsetsRequest, ListOffsetsResponse, PbListOffsetsRespForBucket};

use super::caller::Caller;
use super::checks::{check_routing, split};
use crate::reply::{Result, fail};
use crate::state::State;

#[expect(
    clippy::unnecessary_wraps,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn list(
    state: &mut State,
    caller: &Caller,
    request: &ListOffsetsRequest,
) -> Result<ListOffsetsResponse> {
    let answers = request.bucket_id.iter().map(|bucket_id| {
        let (offset, (error_code, error_message)) = split(find(state, caller, request, *bucket_id));
        PbListOffsetsRespForBucket {
            bucket_id: *bucket_id,
            error_code,
            error_message,
            offset,
        }
    });
    Ok(ListOffsetsResponse {
        buckets_resp: answers.collect(),
    })
}

fn find(
    state: &mut State,
    caller: &Caller,
    request: &ListOffsetsRequest,
    bucket_id: i32,
) -> Result<i64> {
    let now = state.clock.now_millis();
    let (table, bucket) = state.bucket(
        caller.server,
        request.table_id,
        request.partition_id,
        bucket_id,
    )?;
    check_routing(table, request.partition_id, request.routing_bucket_count)?;
    match (request.offset_type, request.start_timestamp) {
        (0, _) => Ok(bucket.log.start_offset()),
        (1, _) => Ok(bucket.log.end_offset()),
        (2, Some(timestamp)) if timestamp > now.max(bucket.log.max_timestamp()) => fail(
            ErrorCode::INVALID_TIMESTAMP_EXCEPTION,
            format!("the fetch timestamp {timestamp} is larger than the current timestamp {now}"),
        ),
        (2, Some(timestamp)) if timestamp > bucket.log.max_timestamp() => {
            Ok(bucket.log.end_offset())
        }
        (2, Some(timestamp)) => {
            let found = bucket.log.copied_offset_at(timestamp);
            match found.or_else(|| bucket.log.offset_at(timestamp)) {
                Some(offset) => Ok(offset),
                None => fail(
                    ErrorCode::UNKNOWN_SERVER_ERROR,
                    format!("No offset found for timestamp {timestamp}"),
                ),
            }
        }
        (2, None) => fail(
            ErrorCode::UNKNOWN_SERVER_ERROR,
            "startTimestamp is not present while list offset by timestamp.",
        ),
        (other, _) => fail(
            ErrorCode::UNKNOWN_SERVER_ERROR,
            format!("Invalid list offset type: {other}"),
        ),
    }
}
