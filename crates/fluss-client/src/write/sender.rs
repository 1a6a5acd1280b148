//! The task that sends: it owns the engine, takes what appenders left in the inbox, and carries out what the engine decides.
//!
//! Everything it waits for (answers, sealed batches, leaders, writer ids) is a future of its own in one set, polled by this task, so an
//! answer reaches the engine without another hop.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use bytes::Bytes;
use fluss_metadata::{TableBucket, TableId};
use fluss_rpc::Cluster;
use fluss_wire::error_code::ErrorCode;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::task::{spawn_blocking, yield_now};
use tracing::{debug, warn};

use super::completion::{Completion, Written, WrittenOffset};
use super::encoder::{Encoder, Sealed};
use super::format::{BatchKind, WriteFormat};
use super::inbox::{Inbox, Mail};
use super::member::Member;
use super::memory::{Credit, Memory};
use super::metrics;
use super::now;
use super::partition;
use super::request::{self, Answered};
use super::slot::{BucketGroup, BucketSlot, ClosedBatch};
use super::table::TableWrites;
use crate::config::Config;
use crate::engine::write::{
    Action, Answer, BatchId, Engine, Finished, Limits, Request, RequestId, Resolution, RouteId,
    SlotId, Stamp,
};
use crate::error::{Error, Result};

/// Batches up to this size are sealed by the sender itself: handing them to another thread would take longer.
const SEAL_HERE: usize = 32 * 1024;

/// What the engine keeps for the sender with each batch.
pub(super) struct Payload {
    body: Body,
    rows: u32,
    credit: Credit,
    format: Arc<WriteFormat>,
    completion: Arc<Completion>,
    members: Vec<Arc<Member>>,
    since: Instant,
    /// What it was last sent with, so that the same bytes serve a repetition.
    sent: Option<(Stamp, Bytes)>,
}

enum Body {
    /// Being sealed elsewhere.
    Away,
    Here(Sealed),
}

pub(super) struct Sender {
    engine: Engine<Payload>,
    cluster: Cluster,
    config: Arc<Config>,
    memory: Arc<Memory>,
    inbox: Arc<Inbox>,
    /// By [`SlotId`].
    slots: Vec<Arc<BucketSlot>>,
    /// By [`RouteId`].
    routes: Vec<Route>,
    events: FuturesUnordered<Pin<Box<dyn Future<Output = Event> + Send>>>,
    to_seal: VecDeque<(SlotId, BatchId, Encoder)>,
    sealing: usize,
    max_sealing: usize,
}

struct Route {
    table: Arc<TableWrites>,
    group: Arc<BucketGroup>,
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
        resolution: Resolution,
    },
    WriterId(Result<i64>),
}

impl Sender {
    pub(super) fn new(
        config: &Arc<Config>,
        cluster: Cluster,
        memory: Arc<Memory>,
        inbox: Arc<Inbox>,
    ) -> Self {
        use std::hash::{BuildHasher, RandomState};

        let limits = Limits {
            linger: config.writer_batch_timeout,
            max_in_flight_per_bucket: config.writer_max_inflight_requests_per_bucket,
            request_max_size: config.writer_request_max_size,
            retries: config.writer_retries,
            delivery_timeout: config.writer_delivery_timeout,
            idempotence: config.writer_enable_idempotence,
        };
        Self {
            engine: Engine::new(limits, RandomState::new().hash_one(0_u8)),
            cluster,
            config: Arc::clone(config),
            memory,
            inbox,
            slots: Vec::new(),
            routes: Vec::new(),
            events: FuturesUnordered::new(),
            to_seal: VecDeque::new(),
            sealing: 0,
            max_sealing: available_parallelism().map_or(1, std::num::NonZero::get),
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
            self.work();
            let wakes_at = self.engine.next_wakeup();
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
            if slot.id.set(id).is_ok() {
                self.slots.push(Arc::clone(slot));
            }
        }
        self.routes.push(Route { table, group });
    }

    /// Takes the closed batches of a slot, and the open one too if `close`; tells the engine what is open now.
    fn look_at(&mut self, slot: &Arc<BucketSlot>, close: bool) {
        let Some(&id) = slot.id.get() else { return };
        let mut state = slot.state();
        if close {
            slot.close_open(&mut state);
        }
        let closed = std::mem::take(&mut state.closed);
        let open = state
            .open
            .as_ref()
            .filter(|open| open.rows > 0)
            .map(|open| (open.since, open.completion.wish()));
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

    fn push(&mut self, slot: SlotId, batch: ClosedBatch) {
        let ClosedBatch {
            encoder,
            rows,
            credit,
            format,
            completion,
            members,
            since,
        } = batch;
        let (group, is_small) = (format.number, credit.bytes() <= SEAL_HERE);
        let payload = Payload {
            body: Body::Away,
            rows,
            credit,
            format,
            completion,
            members,
            since,
            sent: None,
        };
        let id = self.engine.push(slot, payload, group, since);
        if is_small {
            self.on_sealed(slot, id, encoder.seal());
        } else {
            self.to_seal.push_back((slot, id, encoder));
            self.seal_next();
        }
    }

    fn seal_next(&mut self) {
        while self.sealing < self.max_sealing
            && let Some((slot, batch, encoder)) = self.to_seal.pop_front()
        {
            self.sealing += 1;
            let sealed = spawn_blocking(move || encoder.seal());
            self.events.push(Box::pin(async move {
                let result = sealed.await.unwrap_or_else(|error| {
                    Err(Error::usage(format!(
                        "the rows of a batch cannot be encoded: {error}"
                    )))
                });
                Event::Sealed {
                    slot,
                    batch,
                    result,
                }
            }));
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Sealed {
                slot,
                batch,
                result,
            } => {
                self.sealing -= 1;
                self.on_sealed(slot, batch, result);
                self.seal_next();
            }
            Event::Answered {
                request,
                sent_at,
                result,
            } => self.on_answered(request, sent_at, result),
            Event::Resolved { route, resolution } => self.on_resolved(route, resolution),
            Event::WriterId(result) => self.engine.on_writer_id(result, now()),
        }
    }

    fn on_sealed(
        &mut self,
        slot: SlotId,
        batch: BatchId,
        result: Result<(Sealed, Option<Encoder>)>,
    ) {
        match result {
            Ok((sealed, builder)) => {
                let bytes = sealed.len();
                if let Some(payload) = self.engine.payload_mut(slot, batch) {
                    payload
                        .format
                        .learn_ratio(sealed.uncompressed_bytes(), bytes);
                    payload.body = Body::Here(sealed);
                    payload.format.keep(builder);
                    payload.credit.set(bytes);
                    metrics::on_batch(bytes, payload.rows);
                }
                self.engine.on_sealed(slot, batch, bytes);
            }
            Err(error) => self.engine.on_seal_failed(slot, batch, error),
        }
    }

    fn on_answered(&mut self, request: RequestId, sent_at: Instant, answered: Answered) {
        let now = now();
        metrics::on_answer(now.saturating_duration_since(sent_at));
        let otherwise = match answered.error {
            Some(failure) => Answer::Lost {
                error: failure.error,
                sent: failure.sent,
            },
            None => Answer::Lost {
                error: Error::corrupt("the server did not say what became of a batch"),
                sent: true,
            },
        };
        for reroute in self
            .engine
            .on_answers(request, answered.buckets, &otherwise, now)
        {
            request::invalidate(&self.cluster, &reroute, answered.generation);
        }
    }

    fn on_resolved(&mut self, id: RouteId, resolution: Resolution) {
        if let (Resolution::Gone(error), Some(route)) = (&resolution, self.routes.get(id)) {
            let error = error.clone().of_table(&route.group.table_path);
            if error.server_code() == Some(ErrorCode::TABLE_NOT_EXIST.value()) {
                let table = Arc::clone(&route.table);
                self.fail_table(&table, &error);
            } else {
                self.fail_group(id, &error);
            }
        }
        self.engine.on_resolved(id, resolution, now());
    }

    /// Fails all that was written to a table, and all that is from now on.
    fn fail_table(&mut self, table: &Arc<TableWrites>, error: &Error) {
        table.fail(error);
        let ids: Vec<_> = self
            .routes
            .iter()
            .enumerate()
            .filter(|(_, route)| Arc::ptr_eq(&route.table, table))
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            self.fail_group(id, error);
            self.engine.fail_route(id, error);
        }
    }

    /// Fails what appenders hold of a table without partitions or of one partition. The next row of a partition tries anew.
    fn fail_group(&self, id: RouteId, error: &Error) {
        let Some(route) = self.routes.get(id) else {
            return;
        };
        let partition = route
            .group
            .partition
            .as_ref()
            .map(|partition| &*partition.name);
        debug!(table = %route.group.table_path, partition, %error, "nothing more can be written");
        route.table.forget(&route.group);
        for slot in &route.group.slots {
            fail_slot(slot, error);
        }
    }

    /// Does all that can be done now.
    fn work(&mut self) {
        if self.memory.waiting() > 0 {
            self.engine.on_memory_wanted();
        }
        let view = self.cluster.view();
        let now = now();
        loop {
            let slots = &self.slots;
            let mut leader = |slot: SlotId, bucket: &TableBucket| {
                let leader = request::leader(&view, bucket);
                if let Some(slot) = slots.get(slot) {
                    slot.set_available(leader.is_some());
                }
                leader
            };
            let Some(action) = self.engine.poll(now, &mut leader) else {
                break;
            };
            match action {
                Action::Close(slot) => {
                    if let Some(slot) = self.slots.get(slot).cloned() {
                        self.look_at(&slot, true);
                    }
                }
                Action::Resolve(route) => self.resolve(route),
                Action::InitWriter(tables) => self.init_writer(&tables),
                Action::Send(request) => self.send(request),
            }
        }
        self.finish();
        metrics::on_memory(&self.memory);
    }

    fn resolve(&mut self, id: RouteId) {
        let Some(route) = self.routes.get(id) else {
            return;
        };
        let search = partition::resolve(
            self.cluster.clone(),
            Arc::clone(&self.config),
            route.table.info().clone(),
            Arc::clone(&route.group),
        );
        self.events
            .push(Box::pin(search.map(move |resolution| Event::Resolved {
                route: id,
                resolution,
            })));
    }

    fn init_writer(&mut self, tables: &[TableId]) {
        let paths = self
            .routes
            .iter()
            .filter(|route| tables.contains(&route.group.table_id))
            .map(|route| route.group.table_path.clone())
            .collect();
        let ask = request::init_writer(self.cluster.clone(), Arc::clone(&self.config), paths);
        self.events.push(Box::pin(ask.map(Event::WriterId)));
    }

    fn send(&mut self, request: Request) {
        let sent_at = now();
        let mut batches = Vec::with_capacity(request.parts.len());
        let mut format = None;
        for part in &request.parts {
            let Some(payload) = self.engine.payload_mut(part.slot, part.batch) else {
                continue;
            };
            let Some(bytes) = payload.stamp(part.stamp) else {
                continue;
            };
            if part.attempt == 1 {
                metrics::on_queued(sent_at.saturating_duration_since(payload.since));
            } else {
                metrics::on_retry(payload.rows);
            }
            metrics::on_send(payload.rows, bytes.len());
            debug!(bucket = ?part.bucket, sequence = part.stamp.sequence, rows = payload.rows, bytes = bytes.len(), attempt = part.attempt, "send a batch");
            batches.push((part.bucket, bytes));
            format.get_or_insert_with(|| Arc::clone(&payload.format));
        }
        let id = request.id;
        let Some(format) = format else {
            let nothing: HashMap<TableBucket, Answer> = HashMap::new();
            let otherwise = Answer::Lost {
                error: Error::closed("the batch"),
                sent: false,
            };
            self.engine.on_answers(id, nothing, &otherwise, sent_at);
            return;
        };
        let message = request::Message::new(&format, &self.config, batches);
        let call = message.send(
            self.cluster.clone(),
            request.lane,
            sent_at,
            request.deadline,
            Arc::clone(&self.config),
        );
        self.events
            .push(Box::pin(call.map(move |result| Event::Answered {
                request: id,
                sent_at,
                result,
            })));
    }

    /// Tells the rows of ended batches.
    fn finish(&mut self) {
        for Finished {
            payload,
            bucket,
            result,
        } in self.engine.take_finished()
        {
            payload.finish(bucket, result);
        }
    }
}

impl Payload {
    /// The bytes to send; those of the last time if they carry the same already.
    fn stamp(&mut self, stamp: Stamp) -> Option<Bytes> {
        if let Some((_, bytes)) = self.sent.as_ref().filter(|(sent, _)| *sent == stamp) {
            return Some(bytes.clone());
        }
        self.sent = None;
        let Body::Here(sealed) = &mut self.body else {
            return None;
        };
        let bytes = sealed.stamp(stamp);
        self.sent = Some((stamp, bytes.clone()));
        Some(bytes)
    }

    fn finish(self, bucket: TableBucket, result: Result<Option<i64>>) {
        let is_log = self.format.kind == BatchKind::Log;
        let operation = if is_log { "append" } else { "upsert" };
        match result {
            Ok(offset) => {
                let offset = match offset {
                    Some(offset) if is_log => WrittenOffset::First(offset),
                    Some(offset) => WrittenOffset::End(offset),
                    None => WrittenOffset::Unknown,
                };
                // Memory first: whoever is woken may want to write at once.
                drop((self.body, self.sent, self.credit));
                self.completion.complete(Ok(Written { bucket, offset }));
            }
            Err(error) => {
                let error = error
                    .during(operation)
                    .of_table(self.format.info.table_path())
                    .of_bucket(bucket);
                fail(&self.members, &self.completion, error);
            }
        }
    }
}

/// Ends a batch with an error, `flush` first, which reads what the rows' futures only wake for.
fn fail(members: &[Arc<Member>], completion: &Completion, error: Error) {
    for member in members {
        member.on_failure(&error);
    }
    completion.complete(Err(error));
}

/// Fails what a slot holds, and all that is written to it from now on. Returns the number of rows.
fn fail_slot(slot: &BucketSlot, error: &Error) -> u64 {
    let mut state = slot.state();
    state.failed = Some(error.clone());
    slot.close_open(&mut state);
    let closed = std::mem::take(&mut state.closed);
    drop(state);
    let mut rows = 0;
    for batch in closed {
        rows += u64::from(batch.rows);
        fail(&batch.members, &batch.completion, error.clone());
    }
    rows
}

impl Drop for Sender {
    /// The connection ends, or its runtime does: nothing may wait for ever.
    fn drop(&mut self) {
        let error = Error::closed("the connection");
        for (table, group) in self.inbox.end().groups {
            self.add_group(table, group);
        }
        let mut rows = 0;
        for slot in &self.slots {
            rows += fail_slot(slot, &error);
        }
        self.engine.fail_all(&error);
        for Finished {
            payload,
            bucket,
            result,
        } in self.engine.take_finished()
        {
            if result.is_err() {
                rows += u64::from(payload.rows);
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

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
