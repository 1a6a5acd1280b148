//! Asking the leader of a bucket for an offset.

use fluss_metadata::{TableBucket, TableInfo};
use fluss_rpc::RetryPolicy;
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{ListOffsetsRequest, ListOffsetsResponse};
use tokio::time::Instant;
use tracing::debug;

use super::partitions;
use super::routing::{NO_REPLICA, learn_routing_bucket_count};
use super::shared::Shared;
use crate::context::Context;
use crate::engine::scan::{Answer, FetchFault, OffsetReset, ResolvePlan, StartOffset, judge};
use crate::error::{Error, Result};

/// The kinds of offsets in the protocol. Source: `ListOffsetsParam`.
const EARLIEST: i32 = 0;
const LATEST: i32 = 1;
const TIMESTAMP: i32 = 2;

/// Asks, and passes the result to the engine.
pub(super) async fn run(shared: &Shared, plan: ResolvePlan) {
    let table = shared.projection().table();
    let answer = match ask(shared.context(), table, &plan.bucket, plan.start).await {
        Ok(Ok(offset)) => Answer::Resolved(offset),
        Ok(Err(error)) => on_bucket_error(shared, &plan, error),
        Err(error) => {
            debug!(bucket = ?plan.bucket, %error, "no offset");
            if error.is_retriable() {
                shared.retry(&plan.bucket, error)
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
        let cluster = &shared.context().cluster;
        cluster.invalidate_bucket(&plan.bucket, cluster.view().generation());
    }
    match fault {
        FetchFault::Retry | FetchFault::RefreshAndRetry => {
            shared.retry(&plan.bucket, Error::from(error))
        }
        _ => Answer::Failed(Error::from(error)),
    }
}

/// The offset of a place in the log. What passes is asked again, for at most the time of a call.
pub(super) async fn find(
    context: &Context,
    table: &TableInfo,
    bucket: &TableBucket,
    start: StartOffset,
) -> Result<i64> {
    let cluster = &context.cluster;
    let deadline = Instant::now() + context.config.call_timeout;
    let mut attempts = 0;
    loop {
        attempts += 1;
        partitions::require(context, table, bucket)
            .await
            .map_err(|error| error.of_bucket(*bucket))?;
        let seen = cluster.view().generation();
        let refusal: ServerError = match ask(context, table, bucket, start).await {
            Ok(Ok(offset)) => return Ok(offset),
            Ok(Err(refusal)) => refusal,
            Err(error) => return Err(error.of_bucket(*bucket)),
        };
        let fault = judge(refusal.code, false, OffsetReset::Error);
        let passes = matches!(fault, FetchFault::Retry | FetchFault::RefreshAndRetry);
        let pause = RetryPolicy::FETCH.random_pause(attempts, &cluster.config().chance);
        if !passes || Instant::now() + pause > deadline {
            return Err(Error::from(refusal)
                .of_bucket(*bucket)
                .after_attempts(attempts));
        }
        if fault == FetchFault::RefreshAndRetry {
            cluster.invalidate_bucket(bucket, seen);
        }
        cluster.sleep_until(Instant::now() + pause).await?;
    }
}

/// The offset, or what the bucket's leader says against it.
async fn ask(
    context: &Context,
    table: &TableInfo,
    bucket: &TableBucket,
    start: StartOffset,
) -> Result<Result<i64, ServerError>> {
    let (offset_type, start_timestamp) = match start {
        StartOffset::At(offset) => return Ok(Ok(offset)),
        StartOffset::EarliestResolved => (EARLIEST, None),
        StartOffset::Latest => (LATEST, None),
        // Nothing is older than 1970, and servers answer an earlier time with an error if a log is empty.
        StartOffset::Timestamp(millis) => (TIMESTAMP, Some(millis.max(0))),
    };
    let count = learn_routing_bucket_count(context, table, bucket).await;
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
    let response: ListOffsetsResponse =
        context.cluster.call_leader(path, *bucket, &request).await?;
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
