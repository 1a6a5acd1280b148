//! Writer ids, and batches for the logs of log tables.

use fluss_metadata::{BucketId, OperationType, PartitionId, Resource, TableBucket, TableId};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::{
    InitWriterRequest, InitWriterResponse, PbProduceLogReqForBucket, PbProduceLogRespForBucket,
    ProduceLogRequest, ProduceLogResponse,
};

use super::caller::Caller;
use super::{Result, fail, table_path};
use crate::state::{Appended, State, Table, internal};

pub(crate) fn init(
    state: &mut State,
    caller: &Caller,
    request: &InitWriterRequest,
) -> Result<InitWriterResponse> {
    if state.access.is_some() {
        let tables = request.table_path.iter().map(table_path);
        let mut resources = tables.map(|path| Resource::table(&path));
        if !resources.any(|table| caller.may(state, OperationType::Write, &table)) {
            return fail(
                ErrorCode::AUTHORIZATION_EXCEPTION,
                "No WRITE permission among all the tables of the request",
            );
        }
    }
    Ok(InitWriterResponse {
        writer_id: state.new_writer_id(),
    })
}

pub(crate) fn produce(
    state: &mut State,
    caller: &Caller,
    request: &ProduceLogRequest,
) -> Result<ProduceLogResponse> {
    caller.must_on_table_id(state, OperationType::Write, request.table_id)?;
    check_acks(request.acks)?;
    let table_id = request.table_id;
    let answers = request.buckets_req.iter().map(|bucket| {
        let result = append(state, caller, (table_id, request.acks), bucket);
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
    caller: &Caller,
    (table_id, acks): (TableId, i32),
    request: &PbProduceLogReqForBucket,
) -> Result<Appended> {
    let now = state.clock.now_millis();
    let (table, _) = state.bucket(
        caller.server,
        table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    check_routing(table, request.partition_id, request.routing_bucket_count)?;
    if table.descriptor.has_primary_key() {
        return fail(
            ErrorCode::UNSUPPORTED_VERSION,
            "the mock cluster appends nothing to the changelog of a primary-key table",
        );
    }
    if acks == ALL {
        check_in_sync(state, table_id, request.partition_id, request.bucket_id)?;
    }
    let (_, bucket) = state.bucket(
        caller.server,
        table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    let appended = bucket.log.append(&request.records, now)?;
    tier(state, table_id, request.partition_id, request.bucket_id)?;
    Ok(appended)
}

/// Moves the segments of the log that are full.
pub(super) fn tier(
    state: &mut State,
    table_id: TableId,
    partition_id: Option<PartitionId>,
    bucket_id: BucketId,
) -> Result<()> {
    let bucket = TableBucket::new_with_partition(table_id, partition_id, bucket_id);
    state.tier(bucket).map_err(internal)
}

/// Acknowledged when all replicas that are in sync have it.
pub(super) const ALL: i32 = -1;

/// A write that waits for all replicas wants enough of them.
pub(super) fn check_in_sync(
    state: &State,
    table_id: TableId,
    partition_id: Option<PartitionId>,
    bucket_id: BucketId,
) -> Result<()> {
    let bucket = TableBucket::new_with_partition(table_id, partition_id, bucket_id);
    match state.too_few_in_sync(&bucket) {
        None => Ok(()),
        Some(in_sync) => fail(
            ErrorCode::NOT_ENOUGH_REPLICAS_EXCEPTION,
            format!(
                "The size of the current ISR {in_sync:?} is insufficient to satisfy the required acks -1 for table bucket {bucket}."
            ),
        ),
    }
}

/// Every server writes at once what it leads.
pub(super) fn check_acks(acks: i32) -> Result<()> {
    if (ALL..=1).contains(&acks) {
        return Ok(());
    }
    fail(
        ErrorCode::INVALID_REQUIRED_ACKS,
        format!("Invalid required acks {acks}"),
    )
}

/// A sender that says how many buckets it hashed for (release 1.0) has to be right.
pub(super) fn check_routing(
    table: &Table,
    partition: Option<PartitionId>,
    hashed_for: Option<i32>,
) -> Result<()> {
    let count = table.bucket_count_of(partition);
    match hashed_for {
        Some(hashed_for) if hashed_for != count => fail(
            ErrorCode::INVALID_BUCKET_ROUTING,
            format!("hashed for {hashed_for} buckets, there are {count}"),
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
