//! The task that sends the lookups of a lane.

use std::mem;
use std::pin::pin;
use std::sync::Arc;

use futures::future::join;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep};

use super::entry::Entry;
use super::lane_queue::{Buckets, InFlight, LaneQueue, PATIENCE};
use super::request;
use super::shared::Shared;
use crate::error::Error;

/// Fails lookups that have no time left.
fn fail_late(shared: &Shared, late: Vec<Entry>) {
    for entry in late {
        let limit = shared.context.config.call_timeout;
        let error = match &entry.last_error {
            Some(last) => Error::unanswered(limit, (**last).clone()).after_attempts(entry.attempts),
            None => Error::timeout("the lookup", limit),
        };
        entry.fail(error);
    }
}

/// Sends lookups in one request, or in two if some have less time left than a request may take: no lookup waits beyond its deadline for
/// the answer to another.
async fn send(shared: &Arc<Shared>, lane: &LaneQueue, entries: Vec<Entry>) {
    let enough = Instant::now() + shared.context.config.request_timeout;
    if entries.iter().all(|entry| entry.deadline >= enough) {
        return request::run(shared, lane, entries).await;
    }
    let (others, hurried) = entries
        .into_iter()
        .partition(|entry| entry.deadline >= enough);
    join(
        request::run(shared, lane, hurried),
        request::run(shared, lane, others),
    )
    .await;
}

/// Sends from a lane until it is aborted. While the lane is stalled, the lookups that need not be to blame `leave` for another one.
pub(super) async fn drive(shared: Arc<Shared>, lane: Arc<LaneQueue>, leave: impl Fn(Entry) + Send) {
    let mut requests = FuturesUnordered::new();
    let mut in_flight: Vec<InFlight> = Vec::new();
    let mut number = 0;
    let mut patience = pin!(sleep(PATIENCE));
    let mut is_overdue = false;
    loop {
        while let Some(mut entries) = lane.next_request(mem::take(&mut is_overdue)) {
            shared.free_room(&mut entries);
            let now = Instant::now();
            let (live, expired): (Vec<_>, Vec<_>) =
                if entries.iter().any(|entry| entry.deadline <= now) {
                    entries.into_iter().partition(|entry| entry.deadline > now)
                } else {
                    (entries, Vec::new())
                };
            fail_late(&shared, expired);
            if live.is_empty() {
                lane.on_request_end();
            } else {
                number += 1;
                if in_flight.is_empty() {
                    patience.as_mut().reset(now + PATIENCE);
                }
                in_flight.push(InFlight {
                    number,
                    since: now,
                    buckets: Buckets::for_entries(&live),
                });
                let sent = send(&shared, &lane, live);
                requests.push(async move {
                    sent.await;
                    number
                });
            }
        }
        tokio::select! {
            biased;
            Some(ended) = requests.next(), if !requests.is_empty() => {
                lane.on_request_end();
                in_flight.retain(|request| request.number != ended);
                if lane.is_stalled() {
                    lane.look_for_stall(&in_flight);
                }
            }
            // The tasks that are ready to look something up do so first, and share a request.
            () = lane.work.notified() => tokio::task::yield_now().await,
            () = &mut patience, if !requests.is_empty() => {
                patience.as_mut().reset(Instant::now() + PATIENCE);
                let mut expired = lane.remove_late();
                shared.free_room(&mut expired);
                fail_late(&shared, expired);
                lane.look_for_stall(&in_flight);
                if lane.is_stalled() {
                    lane.take_bystanders().into_iter().for_each(&leave);
                }
                is_overdue = true;
            }
        }
    }
}
