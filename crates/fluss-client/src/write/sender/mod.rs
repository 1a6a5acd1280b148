//! The task that sends: it owns the engine, takes what appenders left in the inbox, and carries out what the engine decides.
//!
//! Everything it waits for (answers, sealed batches, leaders, writer ids) is a future of its own in one set, polled by this task, so an
//! answer reaches the engine without another hop.

mod act;
mod copies;
mod events;
mod moving;
mod payload;
mod seal;
mod upkeep;

#[cfg(test)]
pub(super) use seal::READY;

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use fluss_metadata::{PartitionId, TableId};
use fluss_rpc::Cluster;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::task::yield_now;
use tracing::warn;

use super::encoder::{Encoder, Sealed};
use super::inbox::{Inbox, Mail};
use super::memory::Memory;
use super::metrics::WriterMetrics;
use super::now;
use super::partition::Search;
use super::request::Answered;
use super::slot::{BucketGroup, BucketSlot};
use super::table::TableWrites;
use crate::config::Config;
use crate::engine::write::{
    BatchId, Engine, Fill, Finished, Limits, RequestId, RouteId, SlotId, Wish,
};
use crate::error::{Error, Result};
use copies::Copies;
use payload::{Payload, fail_slot};
use upkeep::Upkeep;

pub(super) struct Sender {
    engine: Engine<Payload>,
    cluster: Cluster,
    config: Arc<Config>,
    memory: Arc<Memory>,
    metrics: Arc<WriterMetrics>,
    inbox: Arc<Inbox>,
    /// By [`SlotId`]; numbers without a bucket are given to later ones.
    slots: Vec<Option<Arc<BucketSlot>>>,
    /// By [`RouteId`], alike.
    routes: Vec<Option<Route>>,
    upkeep: Upkeep,
    events: FuturesUnordered<Pin<Box<dyn Future<Output = Event> + Send>>>,
    to_seal: VecDeque<(SlotId, BatchId, Encoder)>,
    copies: Copies,
    sealing: usize,
    max_sealing: usize,
}

struct Route {
    table: Arc<TableWrites>,
    group: Arc<BucketGroup>,
    /// Its rows shall go to other buckets: none of their bytes are made until then.
    is_moving: bool,
    /// No more rows come: they fail, or went to other buckets.
    is_over: bool,
    /// When an appender last had something for it.
    last_used: Instant,
}

/// What the sender waited for.
enum Event {
    Sealed {
        slot: SlotId,
        batch: BatchId,
        result: Result<(Sealed, Option<Encoder>)>,
    },
    Answered {
        request: RequestId,
        sent_at: Instant,
        result: Answered,
    },
    Resolved {
        route: RouteId,
        search: Search,
    },
    WriterId(Result<i64>),
    /// The partitions that a table has now, if they could be listed.
    Listed {
        table: TableId,
        partitions: Option<BTreeSet<PartitionId>>,
    },
}

impl Sender {
    pub(super) fn new(
        config: &Arc<Config>,
        cluster: Cluster,
        memory: Arc<Memory>,
        metrics: Arc<WriterMetrics>,
        inbox: Arc<Inbox>,
    ) -> Self {
        let limits = Limits {
            linger: config.writer_batch_timeout,
            max_in_flight_per_bucket: config.writer_max_inflight_requests_per_bucket,
            request_max_size: config.writer_request_max_size,
            retries: config.writer_retries,
            delivery_timeout: config.writer_delivery_timeout,
            max_throttle: config.writer_kv_backpressure_max_throttle,
            idempotence: config.writer_enable_idempotence,
        };
        Self {
            engine: Engine::new(limits, cluster.config().chance.draw()),
            cluster,
            config: Arc::clone(config),
            memory,
            metrics,
            inbox,
            slots: Vec::new(),
            routes: Vec::new(),
            upkeep: Upkeep::default(),
            events: FuturesUnordered::new(),
            to_seal: VecDeque::new(),
            copies: Copies::new(config.writer_buffer_memory_size),
            sealing: 0,
            max_sealing: seal::max_sealing(
                available_parallelism().map_or(1, std::num::NonZero::get),
                config.writer_buffer_memory_size,
            ),
        }
    }

    /// Runs until the last handle is gone or the connection is closed.
    pub(super) async fn run(mut self) {
        loop {
            let mail = self.inbox.take();
            let is_shut_down = mail.is_shut_down;
            self.read(mail);
            if is_shut_down {
                return;
            }
            // Also gives each new request its first poll, in the order they were made.
            while let Some(Some(event)) = self.events.next().now_or_never() {
                self.on_event(event);
            }
            self.keep_up();
            self.work();
            let wakes_at = earlier(self.engine.next_wakeup(), self.upkeep.due());
            if !self.inbox.may_sleep(wakes_at) {
                yield_now().await;
                continue;
            }
            let event = tokio::select! {
                biased;
                Some(event) = self.events.next() => Some(event),
                () = self.inbox.rung() => None,
                () = sleep_until(wakes_at) => None,
            };
            if let Some(event) = event {
                self.on_event(event);
            }
        }
    }

    /// Takes in what the appenders left.
    fn read(&mut self, mail: Mail) {
        for (table, group) in mail.groups {
            self.add_group(table, group);
        }
        for slot in mail.slots {
            self.look_at(&slot, false);
        }
    }

    fn add_group(&mut self, table: Arc<TableWrites>, group: Arc<BucketGroup>) {
        let route = self
            .engine
            .add_route(group.table_id, group.partition.is_none());
        for slot in &group.slots {
            // Neighbouring buckets use different connections; a bucket always the same one.
            let connection =
                (route + slot.bucket as usize) % self.config.connections_per_server.max(1);
            let id = self.engine.add_slot(route, slot.bucket as i32, connection);
            slot.set_id(Some(id));
            put(&mut self.slots, id, Arc::clone(slot));
        }
        let now = now();
        if group.partition.is_some() {
            self.upkeep.on_partition(now);
        }
        let new = Route {
            table,
            group,
            is_moving: false,
            is_over: false,
            last_used: now,
        };
        put(&mut self.routes, route, new);
    }

    fn slot(&self, id: SlotId) -> Option<&Arc<BucketSlot>> {
        self.slots.get(id)?.as_ref()
    }

    fn route(&self, id: RouteId) -> Option<&Route> {
        self.routes.get(id)?.as_ref()
    }

    fn route_mut(&mut self, id: RouteId) -> Option<&mut Route> {
        self.routes.get_mut(id)?.as_mut()
    }

    /// Takes the closed batches of a slot, and the open one too if `close`; tells the engine what is open now.
    fn look_at(&mut self, slot: &Arc<BucketSlot>, close: bool) {
        let Some(id) = slot.id().or_else(|| self.revive(slot)) else {
            return;
        };
        let used = now();
        if let Some(route) = self.engine.route_of(id).and_then(|id| self.route_mut(id)) {
            route.last_used = used;
        }
        let mut state = slot.state();
        if close && let Some(open) = &state.open {
            let lingered =
                open.bytes < open.full_at && open.batch.completion.wish() == Wish::Linger;
            slot.close_open(&mut state);
            if lingered && let Some(closed) = state.closed.back_mut() {
                closed.fill = Fill::Lingered;
            }
        }
        let closed = std::mem::take(&mut state.closed);
        let open = state
            .open
            .as_ref()
            .filter(|open| open.batch.rows() > 0)
            .map(|open| (open.batch.since, open.batch.completion.wish()));
        drop(state);
        self.engine.on_none_open(id);
        for batch in closed {
            self.push(id, batch);
        }
        if let Some((since, wish)) = open {
            self.engine.on_opened(id, since);
            self.engine.on_wish(id, wish, since);
        }
    }
}

impl Drop for Sender {
    /// The connection ends, or its runtime does: nothing may wait for ever.
    fn drop(&mut self) {
        let error = Error::closed("the connection");
        for (table, group) in self.inbox.end().groups {
            self.add_group(table, group);
        }
        let mut rows = 0;
        let retired = self.upkeep.retired();
        for slot in self.slots.iter().flatten().chain(retired) {
            rows += fail_slot(slot, &error);
        }
        self.engine.fail_all(&error);
        for Finished {
            slot: _,
            payload,
            bucket,
            result,
        } in self.engine.take_finished()
        {
            if result.is_err() {
                rows += u64::from(payload.batch.rows());
            }
            payload.finish(bucket, result);
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

/// Puts an entry at its number.
fn put<T>(entries: &mut Vec<Option<T>>, id: usize, entry: T) {
    if entries.len() <= id {
        entries.resize_with(id + 1, || None);
    }
    if let Some(place) = entries.get_mut(id) {
        *place = Some(entry);
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
