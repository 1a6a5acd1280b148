//! Asking the leader of a bucket for an offset.

use fluss_metadata::TableBucket;
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{ListOffsetsRequest, ListOffsetsResponse};
use tokio::time::Instant;
use tracing::debug;

use super::Shared;
use super::driver::retry;
use super::fetch::NO_REPLICA;
use super::learn_routing_bucket_count;
use crate::engine::scan::{Answer, FetchFault, ResolvePlan, StartOffset, judge};
use crate::error::{Error, Result};
use crate::table::OffsetReset;

/// The kinds of offsets in the protocol. Source: `ListOffsetsParam`.
const EARLIEST: i32 = 0;
const LATEST: i32 = 1;
const TIMESTAMP: i32 = 2;

/// Asks, and tells the engine.
pub(super) async fn run(shared: &Shared, plan: ResolvePlan) {
    let answer = match ask(shared, &plan.bucket, plan.start).await {
        Ok(Ok(offset)) => Answer::Resolved(offset),
        Ok(Err(error)) => on_bucket_error(shared, &plan, error),
        Err(error) => {
            debug!(bucket = ?plan.bucket, %error, "no offset");
            if error.is_retriable() {
                retry(shared, &plan.bucket, error)
            } else {
                Answer::Failed(error)
            }
        }
    };
    shared.engine().on_answer(
        &plan.bucket,
        plan.generation,
        answer,
        Instant::now().into_std(),
    );
    shared.data.notify_one();
}

fn on_bucket_error(shared: &Shared, plan: &ResolvePlan, error: ServerError) -> Answer {
    let fault = judge(error.code, false, OffsetReset::Error);
    if fault == FetchFault::RefreshAndRetry {
        let cluster = &shared.connection().cluster;
        cluster.invalidate_bucket(&plan.bucket, cluster.view().generation());
    }
    match fault {
        FetchFault::Retry | FetchFault::RefreshAndRetry => {
            retry(shared, &plan.bucket, Error::from(error))
        }
        _ => Answer::Failed(Error::from(error)),
    }
}

/// The offset, or what the bucket's leader says against it.
pub(super) async fn ask(
    shared: &Shared,
    bucket: &TableBucket,
    start: StartOffset,
) -> Result<Result<i64, ServerError>> {
    let (offset_type, start_timestamp) = match start {
        StartOffset::At(offset) => return Ok(Ok(offset)),
        StartOffset::EarliestResolved => (EARLIEST, None),
        StartOffset::Latest => (LATEST, None),
        StartOffset::Timestamp(millis) => (TIMESTAMP, Some(millis)),
    };
    let table = shared.projection().table();
    let count = learn_routing_bucket_count(shared.connection(), table, bucket).await;
    let request = ListOffsetsRequest {
        follower_server_id: NO_REPLICA,
        offset_type,
        table_id: bucket.table_id(),
        partition_id: bucket.partition_id(),
        bucket_id: vec![bucket.bucket_id()].into(),
        start_timestamp,
        routing_bucket_count: Some(count),
    };
    let path = table.table_path();
    let response: ListOffsetsResponse = shared
        .connection()
        .cluster
        .call_leader(path, *bucket, &request)
        .await?;
    let Some(answer) = response
        .buckets_resp
        .into_iter()
        .find(|answer| answer.bucket_id == bucket.bucket_id())
    else {
        return Err(Error::corrupt(
            "the server left the bucket out of its answer",
        ));
    };
    Ok(
        match ServerError::from_parts(answer.error_code, answer.error_message) {
            Some(error) => Err(error),
            None => Ok(answer
                .offset
                .ok_or_else(|| Error::corrupt("the server sent no offset"))?),
        },
    )
}
