//! Writer ids, and appends to log tables.

use fluss_metadata::{OperationType, Resource, TableBucket, TableId};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    InitWriterRequest, InitWriterResponse, PbProduceLogReqForBucket, PbProduceLogRespForBucket,
    ProduceLogRequest, ProduceLogResponse,
};

use super::caller::Caller;
use super::checks::{ALL, check_acks, check_in_sync, check_routing, split};
use super::table_path;
use crate::reply::{Result, fail, internal};
use crate::state::{Appended, State};

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
    let id = TableBucket::new_with_partition(table_id, request.partition_id, request.bucket_id);
    if acks == ALL {
        check_in_sync(state, &id)?;
    }
    let (_, bucket) = state.bucket(
        caller.server,
        table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    let appended = bucket.log.append(&request.records, now)?;
    state.tier(&id).map_err(internal)?;
    Ok(appended)
}
