//! Where a lookup is sent from: the lane of its bucket's leader, or another one while that is stalled.

use std::iter;
use std::sync::{Arc, PoisonError};

use fluss_metadata::ServerNode;
use fluss_rpc::Lane;
use tokio::time::Instant;

use super::entry::Entry;
use super::lane_cache::LaneCache;
use super::lane_queue::{Blame, LaneQueue};
use super::sender;
use super::shared::Shared;

/// Queues a lookup in the lane of its bucket's leader, or with those that wait for a leader. `cache` has the lanes of its table.
pub(super) fn dispatch(shared: &Arc<Shared>, cache: Option<&LaneCache>, mut entry: Entry) {
    let context = &shared.context;
    let view = context.cluster.view();
    let bucket = entry.bucket;
    let cache = cache.filter(|_| bucket.partition_id().is_none());
    entry.seen = view.generation();
    if let Some(lane) = cache.and_then(|cache| cache.get(entry.seen, bucket.bucket_id())) {
        queue(shared, &lane, entry);
        return;
    }
    let Some(server) = view.leader_of(&bucket).map(ServerNode::id) else {
        shared.retries.park(entry, Instant::now());
        return;
    };
    let lane = Lane::for_bucket(&bucket, context.config.connections_per_server);
    let lane = lane_queue(shared, server, lane);
    if let Some(cache) = cache {
        cache.insert(entry.seen, bucket.bucket_id(), &lane);
    }
    queue(shared, &lane, entry);
    if shared.is_closed() {
        shared.close();
    }
}

#[inline]
fn queue(shared: &Arc<Shared>, lane: &Arc<LaneQueue>, entry: Entry) {
    if lane.is_stalled() {
        detour(shared, lane, entry);
    } else {
        lane.push(entry);
    }
}

/// Queues a lookup whose own lane is stalled. Three choices, in this order: a lane that its bucket is known to stall, so that it stalls
/// no other; a lane that is not stalled; its own.
#[cold]
fn detour(shared: &Arc<Shared>, home: &Arc<LaneQueue>, mut entry: Entry) {
    let mut free = None;
    let lanes = Lane::all(shared.context.config.connections_per_server)
        .map(|lane| lane_queue(shared, home.server(), lane));
    for lane in iter::once(Arc::clone(home)).chain(lanes) {
        if !lane.is_stalled() {
            free.get_or_insert(lane);
            continue;
        }
        match lane.blame(&entry.bucket) {
            Blame::Guilty => return lane.push(entry),
            Blame::Suspect => entry.is_suspect = true,
            Blame::Innocent => {}
        }
    }
    free.as_ref().unwrap_or(home).push(entry);
}

/// The queue of a lane, whose sender is started with it.
fn lane_queue(shared: &Arc<Shared>, server: i32, lane: Lane) -> Arc<LaneQueue> {
    let lanes = shared.lanes.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(lane) = lanes.get(&(server, lane)) {
        return Arc::clone(lane);
    }
    drop(lanes);
    let mut lanes = shared.lanes.write().unwrap_or_else(PoisonError::into_inner);
    let lane = lanes.entry((server, lane)).or_insert_with(|| {
        let context = &shared.context;
        let queue = Arc::new(LaneQueue::new(server, lane, &context.config));
        let (others, home) = (Arc::clone(shared), Arc::clone(&queue));
        let leave = move |entry| detour(&others, &home, entry);
        let sender = sender::drive(Arc::clone(shared), Arc::clone(&queue), leave);
        let task = context.drivers.handle().spawn(sender);
        shared.keep_task(task.abort_handle());
        queue
    });
    Arc::clone(lane)
}
