//! Table statistics and the health of the cluster.

use fluss_metadata::{ChangelogImage, OperationType, TableBucket};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    GetClusterHealthRequest, GetClusterHealthResponse, GetTableStatsRequest, GetTableStatsResponse,
    PbTableStatsReqForBucket, PbTableStatsRespForBucket,
};

use super::caller::Caller;
use super::checks::{check_routing, split};
use crate::reply::{Result, fail, internal};
use crate::state::State;

/// Healthy; replicas are missing; buckets are unavailable.
const GREEN: i32 = 0;
const YELLOW: i32 = 1;
const RED: i32 = 2;

pub(crate) fn table(
    state: &mut State,
    caller: &Caller,
    request: &GetTableStatsRequest,
) -> Result<GetTableStatsResponse> {
    caller.must_on_table_id(state, OperationType::Read, request.table_id)?;
    let answers = request.buckets_req.iter().map(|bucket| {
        let result = rows(state, caller, request.table_id, bucket);
        let (row_count, (error_code, error_message)) = split(result);
        PbTableStatsRespForBucket {
            partition_id: bucket.partition_id,
            bucket_id: bucket.bucket_id,
            error_code,
            error_message,
            row_count,
        }
    });
    Ok(GetTableStatsResponse {
        buckets_resp: answers.collect(),
    })
}

/// The number of rows of a primary-key table, or of records of a log table.
fn rows(
    state: &mut State,
    caller: &Caller,
    table_id: i64,
    request: &PbTableStatsReqForBucket,
) -> Result<i64> {
    let (table, bucket) = state.bucket(
        caller.server,
        table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    check_routing(table, request.partition_id, request.routing_bucket_count)?;
    if !table.descriptor.has_primary_key() {
        return Ok(bucket.log.end_offset() - bucket.log.start_offset());
    }
    if table.descriptor.changelog_image().map_err(internal)? == ChangelogImage::Wal {
        let id = TableBucket::new_with_partition(table_id, request.partition_id, request.bucket_id);
        return fail(
            ErrorCode::INVALID_TABLE_EXCEPTION,
            format!(
                "Row count is not supported for table bucket {id} with the WAL changelog image."
            ),
        );
    }
    Ok(bucket.rows.len() as i64)
}

/// The numbers of leaders and of in-sync replicas (since 1.0).
#[expect(
    clippy::unnecessary_wraps,
    clippy::trivially_copy_pass_by_ref,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn health(
    state: &mut State,
    _: &Caller,
    _: &GetClusterHealthRequest,
) -> Result<GetClusterHealthResponse> {
    let mut health = GetClusterHealthResponse::default();
    for bucket in state.catalog.replicas() {
        health.num_leader_replicas += 1;
        health.active_leader_replicas += i32::from(bucket.leader.is_some());
        health.num_replicas += bucket.replicas.len() as i32;
        health.in_sync_replicas += bucket.in_sync.len() as i32;
    }
    health.status = if health.active_leader_replicas < health.num_leader_replicas {
        RED
    } else if health.in_sync_replicas < health.num_replicas {
        YELLOW
    } else {
        GREEN
    };
    Ok(health)
}
