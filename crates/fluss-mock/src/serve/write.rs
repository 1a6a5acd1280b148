//! Writer ids, and batches for the logs of log tables.

use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::{
    InitWriterRequest, InitWriterResponse, PbProduceLogReqForBucket, PbProduceLogRespForBucket,
    ProduceLogRequest, ProduceLogResponse,
};

use super::{Result, fail};
use crate::state::{Appended, State, Table};

#[expect(
    clippy::unnecessary_wraps,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn init(state: &mut State, _: &InitWriterRequest) -> Result<InitWriterResponse> {
    Ok(InitWriterResponse {
        writer_id: state.new_writer_id(),
    })
}

pub(crate) fn produce(
    state: &mut State,
    server: i32,
    request: &ProduceLogRequest,
) -> Result<ProduceLogResponse> {
    check_acks(request.acks)?;
    let table_id = request.table_id;
    let answers = request.buckets_req.iter().map(|bucket| {
        let result = append(state, server, table_id, bucket);
        let (offset, (error_code, error_message)) = split(result);
        PbProduceLogRespForBucket {
            partition_id: bucket.partition_id,
            bucket_id: bucket.bucket_id,
            error_code,
            error_message,
            base_offset: offset.map(|offsets| offsets.base_offset),
            original_partition_name: bucket.original_partition_name.clone(),
        }
    });
    Ok(ProduceLogResponse {
        buckets_resp: answers.collect(),
    })
}

fn append(
    state: &mut State,
    server: i32,
    table_id: i64,
    request: &PbProduceLogReqForBucket,
) -> Result<Appended> {
    let now = state.clock.now_millis();
    let (table, bucket) =
        state.bucket(server, table_id, request.partition_id, request.bucket_id)?;
    check_routing(table, request.routing_bucket_count)?;
    if table.descriptor.has_primary_key() {
        return fail(
            ErrorCode::UNSUPPORTED_VERSION,
            "the mock cluster appends nothing to the changelog of a primary-key table",
        );
    }
    bucket.log.append(&request.records, now)
}

/// Every server writes at once what it leads, so that all that is left of `acks` is its range.
pub(super) fn check_acks(acks: i32) -> Result<()> {
    if (-1..=1).contains(&acks) {
        return Ok(());
    }
    fail(
        ErrorCode::INVALID_REQUIRED_ACKS,
        format!("Invalid required acks {acks}"),
    )
}

/// A sender that says how many buckets it hashed for (release 1.0) has to be right.
pub(super) fn check_routing(table: &Table, hashed_for: Option<i32>) -> Result<()> {
    match hashed_for {
        Some(count) if count != table.bucket_count() => fail(
            ErrorCode::INVALID_BUCKET_ROUTING,
            format!(
                "hashed for {count} buckets, there are {}",
                table.bucket_count()
            ),
        ),
        _ => Ok(()),
    }
}

/// A result, and the two fields of an answer that tell of an error.
pub(super) fn split<T>(result: Result<T>) -> (Option<T>, (Option<i32>, Option<String>)) {
    match result {
        Ok(value) => (Some(value), (None, None)),
        Err(ServerError { code, message }) => (None, (Some(code.value()), message)),
    }
}
