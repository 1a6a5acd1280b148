//! The task behind a scanner: starts what the engine plans, and learns leaders that are not known.

use std::sync::Arc;

use fluss_metadata::TableBucket;
use fluss_wire::error_code::{ErrorCode, ServerError};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument, debug, debug_span};

use super::shared::Shared;
use super::{fetch, offsets, partitions, remote};
use crate::clock::FAR_AWAY;
use crate::engine::scan::Plan;
use crate::error::Error;

/// Runs until it is aborted, and ends everything it started when it does.
pub(super) async fn drive(shared: Arc<Shared>) {
    let span = debug_span!("scan", table = %shared.projection().table().table_path());
    async move {
        let mut tasks: JoinSet<Task> = JoinSet::new();
        // These are driven here: most bring nothing, and cost no more than they must.
        let mut watches = FuturesUnordered::new();
        let mut refreshing = false;
        loop {
            let now = Instant::now();
            let view = shared.context().cluster.view();
            let mut plan = shared
                .engine()
                .plan(now.into_std(), view.generation(), |bucket| {
                    view.leader_of(bucket).map(fluss_metadata::ServerNode::id)
                });
            let wake_at = plan.wake_at.map_or(now + FAR_AWAY, Instant::from_std);
            if !plan.unrouted.is_empty() && !refreshing {
                refreshing = true;
                let (shared, buckets) = (Arc::clone(&shared), plan.unrouted.clone());
                tasks.spawn(
                    async move {
                        learn_leaders(&shared, &buckets).await;
                        Task::Refresh
                    }
                    .in_current_span(),
                );
            }
            let seen = view.generation();
            for fetch in plan.fetches.extract_if(.., |fetch| fetch.watch.is_some()) {
                watches.push(fetch::watch(&shared, fetch, seen));
            }
            start(&shared, plan, seen, &mut tasks);
            tokio::select! {
                biased;
                () = shared.work.notified() => {}
                Some(asked) = watches.next(), if !watches.is_empty() => {
                    if let Some(answered) = fetch::on_watched(&shared, asked) {
                        let shared = Arc::clone(&shared);
                        tasks.spawn(
                            async move {
                                fetch::take_in(&shared, answered).await;
                                Task::Request
                            }
                            .in_current_span(),
                        );
                    }
                }
                Some(done) = tasks.join_next(), if !tasks.is_empty() => {
                    if !matches!(done, Ok(Task::Request)) {
                        refreshing = false;
                    }
                }
                () = tokio::time::sleep_until(wake_at) => {}
            }
        }
    }
    .instrument(span)
    .await;
}

/// What a task did.
enum Task {
    Request,
    Refresh,
}

/// Starts what is planned. `seen` is the generation of the view that named the leaders.
fn start(shared: &Arc<Shared>, plan: Plan, seen: u64, tasks: &mut JoinSet<Task>) {
    for fetch in plan.fetches {
        debug!(server = fetch.server, kind = ?fetch.kind, buckets = fetch.buckets.len(), max_bytes = fetch.max_bytes, "fetch");
        let shared = Arc::clone(shared);
        tasks.spawn(
            async move {
                fetch::run(&shared, fetch, seen).await;
                Task::Request
            }
            .in_current_span(),
        );
    }
    for read in plan.remote {
        let shared = Arc::clone(shared);
        tasks.spawn(
            async move {
                remote::run(&shared, read).await;
                Task::Request
            }
            .in_current_span(),
        );
    }
    for resolve in plan.resolve {
        let shared = Arc::clone(shared);
        tasks.spawn(
            async move {
                offsets::run(&shared, resolve).await;
                Task::Request
            }
            .in_current_span(),
        );
    }
}

/// Learns the leaders of buckets; those that have none rest, and those that are gone for good fail.
async fn learn_leaders(shared: &Shared, buckets: &[TableBucket]) {
    let table = shared.projection().table();
    let cluster = &shared.context().cluster;
    let path = table.table_path();
    let outcome = async {
        cluster.refresh_buckets(path, buckets).await?;
        cluster.check_identity(path, table.table_id()).await
    };
    let outcome = outcome.await.map_err(Error::from);
    let view = cluster.view();
    let now = Instant::now().into_std();
    for bucket in buckets {
        if view.leader_of(bucket).is_some() {
            continue;
        }
        let error = match &outcome {
            Err(error) => error.clone(),
            Ok(()) => why_no_leader(shared, bucket).await,
        };
        debug!(?bucket, %error, "leader not known");
        if partitions::is_missing(&error) {
            shared.engine().give_up(bucket, error);
            shared.work.notify_one();
            shared.data.notify_one();
        } else if error.is_retriable() {
            let until = shared.next_attempt(bucket);
            shared.engine().pause(bucket, until, error, now);
        } else {
            shared.engine().fail(bucket, error);
            shared.data.notify_one();
        }
    }
}

/// A bucket without a leader waits for an election; one of a partition that is gone has nothing to wait for.
async fn why_no_leader(shared: &Shared, bucket: &TableBucket) -> Error {
    let table = shared.projection().table();
    partitions::missing(shared.context(), table, bucket)
        .await
        .unwrap_or_else(|| {
            Error::from(ServerError::from(ErrorCode::LEADER_NOT_AVAILABLE_EXCEPTION))
        })
}
