//! The loop of the sender: it takes what appenders left and what it waited for, does what is to be done, and sleeps.

use std::sync::Arc;
use std::time::Instant;

use futures::{FutureExt, StreamExt};
use tokio::task::yield_now;
use tracing::warn;

use super::state::{Partition, Sender};
use crate::clock::now;
use crate::engine::write::BucketNumber;
use crate::error::Error;
use crate::write::doorbell::Lifecycle;
use crate::write::table::Arrival;

impl Sender {
    /// Runs until the last handle is gone or the connection is closed.
    pub(in crate::write) async fn run(mut self) {
        loop {
            let ready = self.doorbell.take_ready();
            // After the buckets that are ready, so that these are all known.
            for arrival in self.arrivals.take() {
                self.add_partition(arrival);
            }
            for bucket in ready {
                self.look_at(bucket);
            }
            if self.doorbell.lifecycle() == Lifecycle::Ended {
                return;
            }
            // Also gives each new request its first poll, in the order they were made.
            while let Some(Some(event)) = self.events.next().now_or_never() {
                self.on_event(event);
            }
            self.keep_up();
            self.work();
            let wakes_at = earlier(self.engine.next_wakeup(), self.upkeep.due);
            if !self.doorbell.may_sleep(wakes_at) {
                yield_now().await;
                continue;
            }
            let event = tokio::select! {
                biased;
                Some(event) = self.events.next() => Some(event),
                () = self.doorbell.rung() => None,
                () = sleep_until(wakes_at) => None,
            };
            if let Some(event) = event {
                self.on_event(event);
            }
        }
    }

    pub(super) fn add_partition(&mut self, (table, buckets): Arrival) {
        let number = buckets.number;
        let (is_known, count) = (buckets.partition.is_none(), buckets.count() as usize);
        self.engine
            .add_partition(number, buckets.table_id, is_known, count);
        let now = now();
        if buckets.partition.is_some() {
            self.expect_partitions(now);
        }
        let partition = Partition {
            table,
            buckets,
            is_moving: false,
            is_over: false,
            last_used: now,
        };
        self.partitions.insert(number, partition);
    }

    /// Takes the closed batches of a bucket, and reports to the engine what is open now.
    pub(super) fn look_at(&mut self, number: BucketNumber) {
        self.take_batches(number, false);
    }

    /// [`look_at`](Self::look_at), and closes the open batch first.
    pub(super) fn close_open(&mut self, number: BucketNumber) {
        self.take_batches(number, true);
    }

    fn take_batches(&mut self, number: BucketNumber, close: bool) {
        self.revive(number);
        let Some((partition, index)) = self.partition_of(number) else {
            return;
        };
        let buckets = Arc::clone(&partition.buckets);
        if let Some(partition) = self.partitions.get_mut(&buckets.number) {
            partition.last_used = now();
        }
        let Some(mut bucket) = buckets.lock(index) else {
            return;
        };
        if close {
            bucket.close_due();
        }
        let closed = bucket.take_closed();
        let open = bucket.open().map(|open| &open.batch);
        let open = open.filter(|batch| batch.rows() > 0);
        let open = open.map(|batch| (batch.since, batch.completion.urgency()));
        drop(bucket);
        self.engine.on_none_open(number);
        for batch in closed {
            self.push(number, batch);
        }
        if let Some((since, urgency)) = open {
            self.engine.on_opened(number, since);
            self.engine.on_urgency(number, urgency, since);
        }
    }
}

impl Drop for Sender {
    /// The connection ends, or its runtime does: no caller may wait indefinitely.
    fn drop(&mut self) {
        let error = Error::closed("the connection");
        self.doorbell.advance(Lifecycle::Ended);
        for arrival in self.arrivals.end() {
            self.add_partition(arrival);
        }
        let partitions = self.partitions.values().chain(&self.upkeep.retired);
        let mut rows: u64 = partitions
            .map(|partition| partition.buckets.fail(&error))
            .sum();
        self.engine.fail_all(&error);
        for finished in self.engine.take_finished() {
            if let Some(pending) = self.batches.remove(&finished.batch) {
                if finished.result.is_err() {
                    rows += u64::from(pending.batch.rows());
                }
                pending.finish(finished.table_bucket, finished.result);
            }
        }
        self.memory.close();
        if rows > 0 {
            warn!(
                rows,
                "the connection ended before all rows were acknowledged; flush or close the writer first"
            );
        }
    }
}

/// The earlier of two moments that may never come.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
