//! The write engine: what is sent where and when. Time and answers go in, actions come out.
//!
//! ```text
//! open batch (its rows are with the driver) ─ Close ─► sealing ─ Send ─► in flight ─► finished
//!                                                        ▲                   │
//!                                                        └── again ──────────┘
//! ```
//!
//! A *route* is what leaders are looked up for: a table, or a partition, which may have to be made first. A *slot* is one bucket of a
//! route. The driver feeds `on_*` methods, then calls [`Engine::poll`] until it has nothing more to do, then sleeps until
//! [`Engine::next_wakeup`].

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use fluss_metadata::{PartitionId, TableBucket, TableId};

use super::answer::{Answer, is_passing};
use super::backoff::Backoff;
use super::bucket::{Batch, BatchId, BucketQueue, Stamp, Verdict};
use super::limits::{Limits, MAX_REQUESTS_PER_CONNECTION};
use crate::error::Error;

/// Number of a bucket in the engine.
pub(crate) type SlotId = usize;
/// Number of a table or partition in the engine.
pub(crate) type RouteId = usize;
/// Id of a tablet server.
pub(crate) type ServerId = i32;

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RequestId(u64);

/// How soon an open batch is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// When it is full or its linger is over.
    Linger,
    /// As soon as nothing of its bucket is on its way.
    Urgent,
    /// As soon as its bucket may send.
    Flush,
}

/// One connection to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    pub(crate) server: ServerId,
    /// Which of several connections to the server.
    pub(crate) connection: usize,
}

/// A batch within a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) slot: SlotId,
    pub(crate) batch: BatchId,
    pub(crate) bucket: TableBucket,
    pub(crate) stamp: Stamp,
    /// 1 for the first time.
    pub(crate) attempt: u32,
}

/// A request to send: batches of one group, one a bucket.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) lane: Lane,
    pub(crate) parts: Vec<Part>,
    pub(crate) bytes: usize,
    /// When the last of its batches runs out of time.
    pub(crate) deadline: Instant,
}

/// What the driver has to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// Close the open batch of the slot and push it.
    Close(SlotId),
    /// Look up the leaders of the route anew, or find or make its partition; then call [`Engine::on_resolved`].
    Resolve(RouteId),
    /// Get a writer id for writing to these tables; then call [`Engine::on_writer_id`].
    InitWriter(Vec<TableId>),
    /// Send, then call [`Engine::on_answers`].
    Send(Request),
}

/// How the search for a route's leaders ended.
#[derive(Debug)]
pub(crate) enum Resolution {
    /// The cluster was asked; a partition has this id.
    Known(Option<PartitionId>),
    /// It could not be asked, or does not know yet.
    NotYet,
    /// There is no such table or partition, and there will not be.
    Gone(Error),
}

/// A leader that is none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reroute {
    pub(crate) bucket: TableBucket,
    /// The server does not even know the bucket: its partition may be gone.
    pub(crate) is_unknown: bool,
}

/// A batch at its end.
#[derive(Debug)]
pub(crate) struct Finished<P> {
    pub(crate) payload: P,
    pub(crate) bucket: TableBucket,
    /// The offset that the server answered with.
    pub(crate) result: Result<Option<i64>, Error>,
}

#[derive(Debug)]
struct Slot<P> {
    route: RouteId,
    bucket: i32,
    connection: usize,
    queue: BucketQueue<P>,
    open: Option<Open>,
    has_attention: bool,
    is_sendable: bool,
    linger_armed: bool,
    expiry_armed: bool,
}

/// What is known about the open batch of a slot.
#[derive(Debug, Clone, Copy)]
struct Open {
    since: Instant,
    wish: Wish,
}

#[derive(Debug)]
struct Route {
    table: TableId,
    partition: Option<PartitionId>,
    /// False for a partition whose id is not known yet.
    is_known: bool,
    slots: Vec<SlotId>,
    is_wanted: bool,
    is_resolving: bool,
    failures: u32,
    not_before: Option<Instant>,
}

#[derive(Debug, Default)]
struct LaneState {
    in_flight: usize,
    /// A request was answered since the last failure: several may be on their way.
    is_proven: bool,
    blocked: BTreeSet<SlotId>,
}

#[derive(Debug, Default)]
struct WriterIds {
    current: Option<i64>,
    is_asking: bool,
    failures: u32,
    not_before: Option<Instant>,
    waiting: BTreeSet<SlotId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Linger(SlotId),
    Resume(SlotId),
    Expiry(SlotId),
    Route(RouteId),
    WriterId,
}

/// All state of the writers of a connection but the open batches themselves. `P` is what the driver keeps with a batch.
#[derive(Debug)]
pub(crate) struct Engine<P> {
    limits: Limits,
    backoff: Backoff,
    slots: Vec<Slot<P>>,
    routes: Vec<Route>,
    attention: VecDeque<SlotId>,
    sendable: Vec<SlotId>,
    wanted_routes: VecDeque<RouteId>,
    timers: BTreeSet<(Instant, Timer)>,
    open: BTreeSet<SlotId>,
    lanes: HashMap<Lane, LaneState>,
    requests: HashMap<RequestId, (Lane, Vec<Part>)>,
    outbox: VecDeque<Request>,
    writer_ids: WriterIds,
    finished: Vec<Finished<P>>,
    next_batch: u64,
    next_request: u64,
    sealing: usize,
    in_flight: usize,
}

impl<P> Engine<P> {
    /// An engine whose pauses are as random as `seed`.
    pub(crate) fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            backoff: Backoff::new(seed),
            slots: Vec::new(),
            routes: Vec::new(),
            attention: VecDeque::new(),
            sendable: Vec::new(),
            wanted_routes: VecDeque::new(),
            timers: BTreeSet::new(),
            open: BTreeSet::new(),
            lanes: HashMap::new(),
            requests: HashMap::new(),
            outbox: VecDeque::new(),
            writer_ids: WriterIds::default(),
            finished: Vec::new(),
            next_batch: 0,
            next_request: 0,
            sealing: 0,
            in_flight: 0,
        }
    }

    /// Adds a table, or a partition (`is_known` false) that is yet to be found or made.
    pub(crate) fn add_route(&mut self, table: TableId, is_known: bool) -> RouteId {
        self.routes.push(Route {
            table,
            partition: None,
            is_known,
            slots: Vec::new(),
            is_wanted: false,
            is_resolving: false,
            failures: 0,
            not_before: None,
        });
        let id = self.routes.len() - 1;
        if !is_known {
            self.want_route(id);
        }
        id
    }

    /// Adds a bucket, which always uses the same one of the connections to a server.
    pub(crate) fn add_slot(&mut self, route: RouteId, bucket: i32, connection: usize) -> SlotId {
        self.slots.push(Slot {
            route,
            bucket,
            connection,
            queue: BucketQueue::default(),
            open: None,
            has_attention: false,
            is_sendable: false,
            linger_armed: false,
            expiry_armed: false,
        });
        let id = self.slots.len() - 1;
        if let Some(route) = self.routes.get_mut(route) {
            route.slots.push(id);
        }
        id
    }

    /// The slot got an open batch, whose first row was appended at `since`.
    pub(crate) fn on_opened(&mut self, slot: SlotId, since: Instant) {
        let linger_ends = since + self.limits.linger.min(self.limits.delivery_timeout);
        let Some(entry) = self.slots.get_mut(slot) else { return };
        if entry.open.is_none() {
            entry.open = Some(Open { since, wish: Wish::Linger });
        }
        if !entry.linger_armed {
            entry.linger_armed = true;
            self.timers.insert((linger_ends, Timer::Linger(slot)));
        }
        self.open.insert(slot);
        if self.limits.linger.is_zero() {
            self.attend(slot);
        }
    }

    /// The open batch of the slot is wanted.
    pub(crate) fn on_wish(&mut self, slot: SlotId, wish: Wish, now: Instant) {
        self.on_opened(slot, now);
        if let Some(Open { wish: current, .. }) = self.slots.get_mut(slot).and_then(|slot| slot.open.as_mut()) {
            *current = (*current).max(wish);
        }
        self.attend(slot);
    }

    /// The slot has no open batch any more.
    pub(crate) fn on_none_open(&mut self, slot: SlotId) {
        if let Some(entry) = self.slots.get_mut(slot) {
            entry.open = None;
            self.open.remove(&slot);
        }
    }

    /// Writers wait for memory. Open batches are then sent if nothing else is about to free any.
    pub(crate) fn on_memory_wanted(&mut self) {
        if self.sealing == 0 && self.in_flight == 0 {
            for slot in self.open.clone() {
                if let Some(open) = self.slots.get_mut(slot).and_then(|slot| slot.open.as_mut()) {
                    open.wish = Wish::Flush;
                }
                self.attend(slot);
            }
        }
    }

    /// A batch was closed; its bytes are being made.
    pub(crate) fn push(&mut self, slot: SlotId, payload: P, group: u64, created: Instant) -> BatchId {
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let deadline = created + self.limits.delivery_timeout;
        if let Some(entry) = self.slots.get_mut(slot) {
            entry.queue.push(Batch::new(id, payload, group, deadline));
            self.sealing += 1;
            self.arm_expiry(slot);
        }
        id
    }

    /// The bytes of a batch are made.
    pub(crate) fn on_sealed(&mut self, slot: SlotId, batch: BatchId, bytes: usize) {
        if let Some(entry) = self.slots.get_mut(slot) {
            self.sealing = self.sealing.saturating_sub(1);
            entry.queue.sealed(batch, bytes);
            self.attend(slot);
        }
    }

    /// The bytes of a batch cannot be made.
    pub(crate) fn on_seal_failed(&mut self, slot: SlotId, batch: BatchId, error: Error) {
        self.sealing = self.sealing.saturating_sub(1);
        if let Some(failed) = self.slots.get_mut(slot).and_then(|entry| entry.queue.remove_unsent(batch)) {
            self.finish(slot, failed.payload, Err(error));
        }
        self.attend(slot);
    }

    /// What the driver keeps with a batch.
    pub(crate) fn payload_mut(&mut self, slot: SlotId, batch: BatchId) -> Option<&mut P> {
        self.slots.get_mut(slot)?.queue.get_mut(batch).map(|batch| &mut batch.payload)
    }

    /// The bucket of a slot; its partition is missing until the route is known.
    pub(crate) fn bucket(&self, slot: SlotId) -> Option<TableBucket> {
        let slot = self.slots.get(slot)?;
        let route = self.routes.get(slot.route)?;
        Some(TableBucket::new_with_partition(route.table, route.partition, slot.bucket))
    }

    /// The search for a route's leaders ended.
    pub(crate) fn on_resolved(&mut self, id: RouteId, resolution: Resolution, now: Instant) {
        let Some(route) = self.routes.get_mut(id) else { return };
        route.is_resolving = false;
        route.failures = route.failures.saturating_add(1);
        route.not_before = Some(now + self.backoff.pause(route.failures));
        match resolution {
            Resolution::Known(partition) => {
                let is_another = route.partition.is_some() && route.partition != partition;
                route.partition = partition;
                route.is_known = true;
                for slot in route.slots.clone() {
                    if is_another && let Some(entry) = self.slots.get_mut(slot) {
                        entry.queue.rebind();
                    }
                    self.attend(slot);
                }
            }
            Resolution::NotYet => self.want_route(id),
            Resolution::Gone(error) => self.fail_route(id, &error),
        }
    }

    /// A writer id was asked for.
    pub(crate) fn on_writer_id(&mut self, result: Result<i64, Error>, now: Instant) {
        let ids = &mut self.writer_ids;
        ids.is_asking = false;
        match result {
            Ok(id) => {
                ids.current = Some(id);
                ids.failures = 0;
                ids.not_before = None;
                for slot in std::mem::take(&mut ids.waiting) {
                    self.attend(slot);
                }
            }
            Err(error) if is_passing(&error) => {
                ids.failures = ids.failures.saturating_add(1);
                let not_before = now + self.backoff.pause(ids.failures);
                ids.not_before = Some(not_before);
                self.timers.insert((not_before, Timer::WriterId));
            }
            Err(error) => {
                for slot in std::mem::take(&mut ids.waiting) {
                    self.fail_slot(slot, &error);
                }
            }
        }
    }

    /// The answers of a request: one for each of its batches that the server mentioned, `otherwise` for the rest. Returns the buckets
    /// whose leader must be looked up anew.
    pub(crate) fn on_answers(&mut self, request: RequestId, mut answers: HashMap<TableBucket, Answer>, otherwise: &Answer, now: Instant) -> Vec<Reroute> {
        let mut reroute = Vec::new();
        let Some((lane, parts)) = self.requests.remove(&request) else { return reroute };
        self.in_flight = self.in_flight.saturating_sub(1);
        let mut blocked = BTreeSet::new();
        if let Some(state) = self.lanes.get_mut(&lane) {
            state.in_flight = state.in_flight.saturating_sub(1);
            state.is_proven = !matches!(otherwise, Answer::Lost { .. }) || !answers.is_empty();
            blocked = std::mem::take(&mut state.blocked);
            if state.in_flight == 0 && !state.is_proven {
                self.lanes.remove(&lane);
            }
        }
        for Part { slot, batch, bucket, .. } in parts {
            let answer = answers.remove(&bucket).unwrap_or_else(|| otherwise.clone());
            if answer.invalidates_leader() {
                reroute.push(Reroute { bucket, is_unknown: answer.says_unknown_bucket() });
            }
            let Some(entry) = self.slots.get_mut(slot) else { continue };
            match entry.queue.on_answer(batch, answer, now, &self.limits, &mut self.backoff) {
                Some(Verdict::Done { batch, offset }) => {
                    if let Some(route) = self.routes.get_mut(entry.route) {
                        route.failures = 0;
                        route.not_before = None;
                    }
                    self.finish(slot, batch.payload, Ok(offset));
                }
                Some(Verdict::Failed { batch, error }) => self.finish(slot, batch.payload, Err(error)),
                Some(Verdict::Again) | None => {}
            }
            self.attend(slot);
            self.arm_expiry(slot);
        }
        for slot in blocked {
            self.attend(slot);
        }
        reroute
    }

    /// Fails all batches of a table or partition.
    pub(crate) fn fail_route(&mut self, id: RouteId, error: &Error) {
        let slots = self.routes.get(id).map(|route| route.slots.clone()).unwrap_or_default();
        for slot in slots {
            self.fail_slot(slot, error);
        }
    }

    /// Fails everything, at the end of the connection.
    pub(crate) fn fail_all(&mut self, error: &Error) {
        for slot in 0..self.slots.len() {
            self.fail_slot(slot, error);
        }
    }

    /// The batches that ended since the last call.
    pub(crate) fn take_finished(&mut self) -> Vec<Finished<P>> {
        std::mem::take(&mut self.finished)
    }

    /// The next thing to do. `leader` tells where a bucket is served now.
    pub(crate) fn poll(&mut self, now: Instant, leader: &mut impl FnMut(SlotId, &TableBucket) -> Option<ServerId>) -> Option<Action> {
        self.fire_timers(now);
        while let Some(slot) = self.attention.pop_front() {
            if let Some(entry) = self.slots.get_mut(slot) {
                entry.has_attention = false;
            }
            if self.attend_to(slot, now, leader) {
                // Its place in the request is kept: it is looked at again when the batch is sealed.
                return Some(Action::Close(slot));
            }
        }
        if let Some(route) = self.next_route(now) {
            return Some(Action::Resolve(route));
        }
        if self.outbox.is_empty() && !self.sendable.is_empty() {
            self.fill_outbox(now, leader);
        }
        if let Some(tables) = self.ask_for_writer_id(now) {
            return Some(Action::InitWriter(tables));
        }
        self.outbox.pop_front().map(Action::Send)
    }

    /// When [`poll`](Self::poll) may have something to do again without anything else happening.
    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn attend(&mut self, slot: SlotId) {
        if let Some(entry) = self.slots.get_mut(slot)
            && !entry.has_attention
        {
            entry.has_attention = true;
            self.attention.push_back(slot);
        }
    }

    /// Looks at a slot: whether its open batch is to be closed now (true), and whether it has something to send.
    fn attend_to(&mut self, slot: SlotId, now: Instant, leader: &mut impl FnMut(SlotId, &TableBucket) -> Option<ServerId>) -> bool {
        let Some(bucket) = self.bucket(slot) else { return false };
        let Some(entry) = self.slots.get_mut(slot) else { return false };
        let has_work = entry.open.is_some() || !entry.queue.is_empty();
        let is_known = self.routes.get(entry.route).is_some_and(|route| route.is_known);
        let is_routed = is_known && leader(slot, &bucket).is_some();
        if !is_routed {
            if has_work {
                let route = entry.route;
                self.want_route(route);
            }
            return self.is_overdue(slot, now);
        }
        if let Some(until) = entry.queue.paused_until().filter(|until| *until > now) {
            self.timers.insert((until, Timer::Resume(slot)));
        } else if entry.queue.waiting() > 0 && !entry.is_sendable {
            entry.is_sendable = true;
            self.sendable.push(slot);
        }
        self.is_closable(slot, now) || self.is_overdue(slot, now)
    }

    fn is_closable(&self, slot: SlotId, now: Instant) -> bool {
        let Some(entry) = self.slots.get(slot) else { return false };
        let Some(open) = entry.open else { return false };
        let is_due = match open.wish {
            Wish::Flush => true,
            Wish::Urgent => entry.queue.in_flight() == 0 || open.since + self.limits.linger <= now,
            Wish::Linger => open.since + self.limits.linger <= now,
        };
        is_due && entry.queue.has_room(now, &self.limits)
    }

    /// Whether the time of the open batch is over although it could not be sent.
    fn is_overdue(&self, slot: SlotId, now: Instant) -> bool {
        self.slots.get(slot).and_then(|slot| slot.open).is_some_and(|open| open.since + self.limits.delivery_timeout <= now)
    }

    fn fire_timers(&mut self, now: Instant) {
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Linger(slot) => self.on_linger(slot, now),
                Timer::Resume(slot) => self.attend(slot),
                Timer::Expiry(slot) => self.expire(slot, now),
                Timer::Route(route) => {
                    if let Some(route) = self.routes.get_mut(route).filter(|entry| !entry.is_resolving) {
                        route.is_wanted = false;
                    }
                    for slot in self.routes.get(route).map(|route| route.slots.clone()).unwrap_or_default() {
                        self.attend(slot);
                    }
                }
                Timer::WriterId => {
                    for slot in std::mem::take(&mut self.writer_ids.waiting) {
                        self.attend(slot);
                    }
                }
            }
        }
    }

    /// The linger of the batch that was open when the timer was set is over; by now another one may be open.
    fn on_linger(&mut self, slot: SlotId, now: Instant) {
        let Some(entry) = self.slots.get_mut(slot) else { return };
        entry.linger_armed = false;
        let Some(open) = entry.open else { return };
        let linger_ends = open.since + self.limits.linger;
        let delivery_ends = open.since + self.limits.delivery_timeout;
        // After the linger comes the delivery timeout, for a batch that could not be sent.
        let next = if linger_ends > now { linger_ends.min(delivery_ends) } else { delivery_ends };
        if next > now {
            entry.linger_armed = true;
            self.timers.insert((next, Timer::Linger(slot)));
        }
        if linger_ends <= now || delivery_ends <= now {
            self.attend(slot);
        }
    }

    fn arm_expiry(&mut self, slot: SlotId) {
        let Some(entry) = self.slots.get_mut(slot) else { return };
        if entry.expiry_armed {
            return;
        }
        if let Some(deadline) = entry.queue.next_deadline() {
            entry.expiry_armed = true;
            self.timers.insert((deadline, Timer::Expiry(slot)));
        }
    }

    fn expire(&mut self, slot: SlotId, now: Instant) {
        let Some(entry) = self.slots.get_mut(slot) else { return };
        entry.expiry_armed = false;
        let expired = entry.queue.expire(now, self.limits.delivery_timeout);
        for (batch, error) in expired {
            self.finish(slot, batch.payload, Err(error));
        }
        self.arm_expiry(slot);
        self.attend(slot);
    }

    fn want_route(&mut self, id: RouteId) {
        let Some(route) = self.routes.get_mut(id) else { return };
        if !route.is_wanted && !route.is_resolving {
            route.is_wanted = true;
            self.wanted_routes.push_back(id);
        }
    }

    /// The next route to look up, if its pause is over.
    fn next_route(&mut self, now: Instant) -> Option<RouteId> {
        while let Some(id) = self.wanted_routes.pop_front() {
            let Some(route) = self.routes.get_mut(id).filter(|route| route.is_wanted && !route.is_resolving) else { continue };
            match route.not_before.filter(|not_before| *not_before > now) {
                // `is_wanted` stays set until the timer fires, so that it is set once.
                Some(not_before) => {
                    self.timers.insert((not_before, Timer::Route(id)));
                }
                None => {
                    route.is_wanted = false;
                    route.is_resolving = true;
                    return Some(id);
                }
            }
        }
        None
    }

    fn ask_for_writer_id(&mut self, now: Instant) -> Option<Vec<TableId>> {
        let ids = &mut self.writer_ids;
        if ids.waiting.is_empty() || ids.is_asking || ids.not_before.is_some_and(|not_before| not_before > now) {
            return None;
        }
        ids.is_asking = true;
        let tables: BTreeSet<TableId> = ids
            .waiting
            .iter()
            .filter_map(|slot| self.slots.get(*slot))
            .filter_map(|slot| self.routes.get(slot.route))
            .map(|route| route.table)
            .collect();
        Some(tables.into_iter().collect())
    }

    /// Packs what may be sent into requests: in each round at most one batch a bucket, so that a bucket's batches go in order.
    fn fill_outbox(&mut self, now: Instant, leader: &mut impl FnMut(SlotId, &TableBucket) -> Option<ServerId>) {
        let mut slots = std::mem::take(&mut self.sendable);
        for slot in &slots {
            if let Some(entry) = self.slots.get_mut(*slot) {
                entry.is_sendable = false;
            }
        }
        while !slots.is_empty() {
            let mut requests: Vec<(u64, Request)> = Vec::new();
            slots.retain(|slot| self.add_next_batch(*slot, now, leader, &mut requests));
            for (_, request) in requests {
                self.dispatch(request);
            }
        }
    }

    /// Adds the next batch of the slot to a request. False if there is none that may be sent now.
    fn add_next_batch(
        &mut self,
        slot: SlotId,
        now: Instant,
        leader: &mut impl FnMut(SlotId, &TableBucket) -> Option<ServerId>,
        requests: &mut Vec<(u64, Request)>,
    ) -> bool {
        let Some(bucket) = self.bucket(slot) else { return false };
        let Some(entry) = self.slots.get_mut(slot) else { return false };
        let Some(candidate) = entry.queue.candidate(now, &self.limits) else { return false };
        let Some(server) = leader(slot, &bucket) else {
            self.attend(slot);
            return false;
        };
        let lane = Lane { server, connection: entry.connection };
        let state = self.lanes.entry(lane).or_default();
        let open = requests.iter().position(|(group, request)| *group == candidate.group && request.lane == lane);
        let fits = open
            .and_then(|index| requests.get(index))
            .is_some_and(|(_, request)| request.bytes.saturating_add(candidate.bytes) <= self.limits.request_max_size);
        let capacity = if state.is_proven { MAX_REQUESTS_PER_CONNECTION } else { 1 };
        let started = requests.iter().filter(|(_, request)| request.lane == lane).count();
        if !fits && state.in_flight + started >= capacity {
            state.blocked.insert(slot);
            return false;
        }
        if candidate.needs_writer_id {
            let adopted = match self.writer_ids.current {
                Some(id) => entry.queue.adopt_writer_id(id),
                None => false,
            };
            if !adopted {
                if self.writer_ids.current == entry.queue.spent_writer_id() {
                    self.writer_ids.current = None;
                }
                self.writer_ids.waiting.insert(slot);
                return false;
            }
        }
        let stamp = entry.queue.send(candidate.id, &self.limits);
        let (attempt, deadline) = entry.queue.get_mut(candidate.id).map_or((1, now), |batch| (batch.attempts, batch.deadline));
        let part = Part { slot, batch: candidate.id, bucket, stamp, attempt };
        match open.filter(|_| fits).and_then(|index| requests.get_mut(index)) {
            Some((_, request)) => {
                request.parts.push(part);
                request.bytes += candidate.bytes;
                request.deadline = request.deadline.max(deadline);
            }
            None => {
                let request = Request { id: RequestId(self.next_request), lane, parts: vec![part], bytes: candidate.bytes, deadline };
                self.next_request += 1;
                if let Some(index) = open {
                    // The full one goes; this one takes its place.
                    if let Some((_, full)) = requests.get_mut(index) {
                        let full = std::mem::replace(full, request);
                        self.dispatch(full);
                    }
                } else {
                    requests.push((candidate.group, request));
                }
            }
        }
        true
    }

    fn dispatch(&mut self, request: Request) {
        self.lanes.entry(request.lane).or_default().in_flight += 1;
        self.in_flight += 1;
        self.requests.insert(request.id, (request.lane, request.parts.clone()));
        self.outbox.push_back(request);
    }

    fn fail_slot(&mut self, slot: SlotId, error: &Error) {
        let Some(entry) = self.slots.get_mut(slot) else { return };
        for batch in entry.queue.take_all() {
            self.finish(slot, batch.payload, Err(error.clone()));
        }
    }

    fn finish(&mut self, slot: SlotId, payload: P, result: Result<Option<i64>, Error>) {
        if let Some(bucket) = self.bucket(slot) {
            self.finished.push(Finished { payload, bucket, result });
        }
    }

}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

    use std::time::Duration;

    use fluss_wire::error_code::{ErrorCode, ServerError};

    use super::*;

    const LINGER: Duration = Duration::from_millis(100);

    fn limits() -> Limits {
        Limits {
            linger: LINGER,
            max_in_flight_per_bucket: 5,
            request_max_size: 1000,
            retries: u32::MAX,
            delivery_timeout: Duration::from_secs(120),
            idempotence: true,
        }
    }

    /// An engine with its clock and leaders. Batches are named by numbers; an open batch becomes the next number when it is closed.
    struct Bench {
        engine: Engine<u64>,
        now: Instant,
        leaders: HashMap<TableBucket, ServerId>,
        next: u64,
        requests: Vec<Request>,
        log: Vec<String>,
    }

    impl Bench {
        /// One table (7) of `buckets` buckets, all led by server 1, over one connection.
        fn with(buckets: i32) -> Self {
            let mut engine = Engine::new(limits(), 1);
            let route = engine.add_route(7, true);
            let mut leaders = HashMap::new();
            for bucket in 0..buckets {
                engine.add_slot(route, bucket, 0);
                leaders.insert(TableBucket::new(7, bucket), 1);
            }
            Self { engine, now: Instant::now(), leaders, next: 0, requests: Vec::new(), log: Vec::new() }
        }

        /// Does what the engine wants until it wants nothing; writer ids are given at once.
        fn run(&mut self) -> Vec<String> {
            loop {
                let leaders = &self.leaders;
                let Some(action) = self.engine.poll(self.now, &mut |_, bucket| leaders.get(bucket).copied()) else { break };
                match action {
                    Action::Close(slot) => {
                        self.log.push(format!("close {slot}"));
                        self.engine.on_none_open(slot);
                        self.full(slot, 100);
                    }
                    Action::Resolve(route) => self.log.push(format!("resolve {route}")),
                    Action::InitWriter(tables) => {
                        self.log.push(format!("init {tables:?}"));
                        self.engine.on_writer_id(Ok(9), self.now);
                    }
                    Action::Send(request) => {
                        let parts: Vec<String> =
                            request.parts.iter().map(|part| format!("{}:{}#{}", part.slot, self.engine.payload(part.slot, part.batch), part.stamp.sequence)).collect();
                        self.log.push(format!("send {} to {}", parts.join(" "), request.lane.server));
                        self.requests.push(request);
                    }
                }
            }
            for Finished { payload, result, .. } in self.engine.take_finished() {
                self.log.push(match result {
                    Ok(offset) => format!("{payload} at {offset:?}"),
                    Err(error) => format!("{payload} failed {:?}", error.server_code()),
                });
            }
            std::mem::take(&mut self.log)
        }

        /// A batch of the slot is full and sealed.
        fn full(&mut self, slot: SlotId, bytes: usize) {
            let id = self.engine.push(slot, self.next, 0, self.now);
            self.next += 1;
            self.engine.on_sealed(slot, id, bytes);
        }

        fn open(&mut self, slot: SlotId) {
            self.engine.on_opened(slot, self.now);
        }

        /// Answers the oldest request: all batches alike.
        fn answer(&mut self, answer: &Answer) -> Vec<Reroute> {
            let request = self.requests.remove(0);
            let answers = match answer {
                Answer::Lost { .. } => HashMap::new(),
                _ => request.parts.iter().map(|part| (part.bucket, answer.clone())).collect(),
            };
            self.engine.on_answers(request.id, answers, &lost(), self.now)
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
        }
    }

    impl<P: Copy> Engine<P> {
        fn payload(&mut self, slot: SlotId, batch: BatchId) -> P {
            *self.payload_mut(slot, batch).unwrap()
        }
    }

    fn lost() -> Answer {
        Answer::Lost { error: Error::timeout("an answer", Duration::from_secs(1)), sent: true }
    }

    fn written(offset: i64) -> Answer {
        Answer::Written { offset: Some(offset), pressure: None }
    }

    fn refused(code: i32) -> Answer {
        Answer::Refused(ServerError { code: ErrorCode::new(code), message: None })
    }

    #[test]
    fn a_batch_that_nobody_awaits_goes_when_its_linger_is_over() {
        let mut bench = Bench::with(1);
        bench.open(0);
        assert!(bench.run().is_empty());
        assert_eq!(bench.engine.next_wakeup(), Some(bench.now + LINGER));
        bench.pass(LINGER);
        assert_eq!(bench.run(), ["close 0", "init [7]", "send 0:0#0 to 1"]);
        bench.answer(&written(4));
        assert_eq!(bench.run(), ["0 at Some(4)"]);
    }

    #[test]
    fn an_awaited_batch_goes_at_once_and_those_awaited_meanwhile_share_the_next() {
        let mut bench = Bench::with(1);
        bench.engine.on_wish(0, Wish::Urgent, bench.now);
        assert_eq!(bench.run(), ["close 0", "init [7]", "send 0:0#0 to 1"]);
        bench.engine.on_wish(0, Wish::Urgent, bench.now);
        bench.engine.on_wish(0, Wish::Urgent, bench.now);
        assert!(bench.run().is_empty(), "one is on its way");
        bench.answer(&written(0));
        assert_eq!(bench.run(), ["close 0", "send 0:1#1 to 1", "0 at Some(0)"]);
        bench.engine.on_wish(0, Wish::Urgent, bench.now);
        bench.pass(LINGER);
        assert_eq!(bench.run(), ["close 0", "send 0:2#2 to 1"], "the linger bounds it all the same");
    }

    #[test]
    fn buckets_share_requests_within_the_size_and_one_batch_a_bucket() {
        let mut bench = Bench::with(3);
        bench.full(0, 400);
        bench.run();
        bench.answer(&written(0));
        bench.run();
        for slot in [0, 1, 2, 0] {
            bench.full(slot, 400);
        }
        assert_eq!(bench.run(), ["send 0:1#1 1:2#0 to 1", "send 2:3#0 to 1", "send 0:4#2 to 1"]);
    }

    #[test]
    fn an_oversized_batch_goes_alone() {
        let mut bench = Bench::with(2);
        bench.full(0, 10);
        bench.run();
        bench.answer(&written(0));
        bench.run();
        bench.full(0, 5000);
        bench.full(1, 10);
        assert_eq!(bench.run(), ["send 0:1#1 to 1", "send 1:2#0 to 1"]);
    }

    #[test]
    fn one_request_goes_before_a_connection_has_proved_itself_and_many_after() {
        let mut bench = Bench::with(2);
        for slot in [0, 0, 1] {
            bench.full(slot, 10);
        }
        assert_eq!(bench.run(), ["init [7]", "send 0:0#0 1:2#0 to 1"]);
        bench.answer(&written(0));
        assert_eq!(bench.run(), ["send 0:1#1 to 1", "0 at Some(0)", "2 at Some(0)"]);
    }

    #[test]
    fn a_bucket_without_leader_holds_up_no_other_and_is_looked_up_with_growing_pauses() {
        let mut bench = Bench::with(2);
        bench.leaders.remove(&TableBucket::new(7, 0));
        bench.full(0, 10);
        bench.full(1, 10);
        assert_eq!(bench.run(), ["resolve 0", "init [7]", "send 1:1#0 to 1"]);
        bench.engine.on_resolved(0, Resolution::Known(None), bench.now);
        assert!(bench.run().is_empty(), "still no leader: after a pause");
        let pause = bench.engine.next_wakeup().unwrap() - bench.now;
        assert!(pause <= Duration::from_millis(20));
        bench.pass(pause);
        assert_eq!(bench.run(), ["resolve 0"]);
        bench.leaders.insert(TableBucket::new(7, 0), 2);
        bench.engine.on_resolved(0, Resolution::Known(None), bench.now);
        assert_eq!(bench.run(), ["send 0:0#0 to 2"]);
    }

    #[test]
    fn a_new_leader_is_told_and_the_batch_sent_there() {
        let mut bench = Bench::with(1);
        bench.full(0, 10);
        bench.run();
        let reroute = bench.answer(&refused(12));
        assert_eq!(reroute, [Reroute { bucket: TableBucket::new(7, 0), is_unknown: false }]);
        bench.leaders.insert(TableBucket::new(7, 0), 2);
        assert!(bench.run().is_empty());
        let wakeup = bench.engine.next_wakeup().unwrap();
        assert!(wakeup - bench.now <= Duration::from_millis(20));
        bench.now = wakeup;
        assert_eq!(bench.run(), ["send 0:0#0 to 2"]);
    }

    #[test]
    fn a_partition_is_looked_for_at_once_and_only_its_rows_fail_with_it() {
        let mut bench = Bench::with(1);
        let partition = bench.engine.add_route(8, false);
        let slot = bench.engine.add_slot(partition, 0, 0);
        bench.full(slot, 10);
        bench.full(0, 10);
        assert_eq!(bench.run(), ["resolve 1", "init [7]", "send 0:1#0 to 1"]);
        bench.engine.on_resolved(partition, Resolution::Gone(Error::from(ServerError { code: ErrorCode::new(45), message: None })), bench.now);
        bench.answer(&written(3));
        assert_eq!(bench.run(), ["0 failed Some(45)", "1 at Some(3)"]);
    }

    #[test]
    fn a_partition_made_anew_starts_its_sequences_anew() {
        let mut bench = Bench::with(1);
        let partition = bench.engine.add_route(8, false);
        let slot = bench.engine.add_slot(partition, 0, 0);
        let (old, new) = (TableBucket::new_with_partition(8, Some(1), 0), TableBucket::new_with_partition(8, Some(2), 0));
        bench.leaders.extend([(old, 1), (new, 1)]);
        bench.full(slot, 10);
        bench.run();
        bench.engine.on_resolved(partition, Resolution::Known(Some(1)), bench.now);
        assert_eq!(bench.run(), ["init [8]", "send 1:0#0 to 1"]);
        bench.answer(&written(0));
        bench.run();
        bench.full(slot, 10);
        assert_eq!(bench.run(), ["send 1:1#1 to 1"]);
        bench.leaders.remove(&old);
        bench.answer(&refused(21));
        assert_eq!(bench.run(), ["resolve 1"]);
        bench.engine.on_resolved(partition, Resolution::Known(Some(2)), bench.now);
        bench.run();
        bench.pass(Duration::from_secs(1));
        assert_eq!(bench.run(), ["send 1:1#0 to 1"]);
    }

    #[test]
    fn a_missing_writer_id_is_asked_for_again_until_the_time_of_the_rows_is_over() {
        let mut bench = Bench::with(1);
        bench.full(0, 10);
        let leaders = bench.leaders.clone();
        let mut asked = 0;
        let end = bench.now + Duration::from_secs(120);
        loop {
            while let Some(action) = bench.engine.poll(bench.now, &mut |_, bucket| leaders.get(bucket).copied()) {
                assert!(matches!(action, Action::InitWriter(_)), "{action:?}");
                asked += 1;
                bench.engine.on_writer_id(Err(Error::timeout("init", Duration::from_secs(1))), bench.now);
            }
            match bench.engine.next_wakeup() {
                Some(at) => bench.now = at,
                None => break,
            }
        }
        assert!(bench.now - end <= Duration::from_secs(1), "the last pause may outlast the rows");
        assert!((100..300).contains(&asked), "{asked}");
        assert_eq!(bench.engine.take_finished().len(), 1);
    }

    #[test]
    fn without_the_right_to_write_the_rows_fail() {
        let mut bench = Bench::with(1);
        bench.full(0, 10);
        let leaders = bench.leaders.clone();
        assert!(matches!(bench.engine.poll(bench.now, &mut |_, bucket| leaders.get(bucket).copied()), Some(Action::InitWriter(_))));
        bench.engine.on_writer_id(Err(Error::from(ServerError { code: ErrorCode::new(48), message: None })), bench.now);
        assert_eq!(bench.run(), ["0 failed Some(48)"]);
    }

    #[test]
    fn waiting_writers_get_open_batches_sent_only_if_nothing_else_frees_memory() {
        let mut bench = Bench::with(2);
        bench.full(1, 10);
        bench.run();
        bench.open(0);
        bench.engine.on_memory_wanted();
        assert!(bench.run().is_empty(), "an answer will free memory");
        bench.answer(&written(0));
        bench.engine.on_memory_wanted();
        assert_eq!(bench.run(), ["close 0", "send 0:1#0 to 1", "0 at Some(0)"]);
    }

    #[test]
    fn while_a_bucket_cannot_send_its_batch_goes_on_filling_but_not_past_its_time() {
        let mut bench = Bench::with(1);
        bench.leaders.clear();
        bench.open(0);
        bench.pass(LINGER);
        assert_eq!(bench.run(), ["resolve 0"]);
        bench.pass(Duration::from_secs(120));
        assert_eq!(bench.run(), ["close 0"], "the batch of the test is as young as its closing");
    }

    #[test]
    fn a_connection_that_breaks_is_proved_again_one_request_at_a_time() {
        let mut bench = Bench::with(2);
        bench.full(0, 10);
        bench.run();
        bench.answer(&written(0));
        bench.run();
        bench.full(0, 600);
        bench.full(1, 600);
        assert_eq!(bench.run().len(), 2);
        bench.answer(&lost());
        bench.answer(&lost());
        bench.pass(Duration::from_secs(1));
        assert_eq!(bench.run(), ["send 0:1#1 to 1"]);
        bench.answer(&written(1));
        assert_eq!(bench.run(), ["send 1:2#0 to 1", "1 at Some(1)"]);
    }
}
