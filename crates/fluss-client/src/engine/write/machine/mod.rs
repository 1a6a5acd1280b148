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

mod input;
mod pack;
mod plan;
mod retire;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use fluss_metadata::{PartitionId, TableBucket, TableId};

use super::backoff::Backoff;
use super::bucket::{BatchId, BucketQueue, Stamp};
use super::limits::Limits;
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
    /// It could not be asked, and why, or does not know yet.
    NotYet(Option<Error>),
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
    pub(crate) slot: SlotId,
    pub(crate) payload: P,
    pub(crate) bucket: TableBucket,
    /// The offset that the server answered with.
    pub(crate) result: Result<Option<i64>, Error>,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of what is queued already"
)]
struct Slot<P> {
    route: RouteId,
    bucket: i32,
    connection: usize,
    queue: BucketQueue<P>,
    open: Option<Open>,
    has_attention: bool,
    /// Its bucket had no leader when it was looked at last.
    is_leaderless: bool,
    is_sendable: bool,
    /// When its timer of the linger rings.
    linger_rings: Option<Instant>,
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
    /// Why the last search failed.
    last_error: Option<Error>,
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
    /// Why there is none.
    last_error: Option<Error>,
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
    /// Numbers that were given back.
    free_slots: Vec<SlotId>,
    free_routes: Vec<RouteId>,
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
            free_slots: Vec::new(),
            free_routes: Vec::new(),
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
            in_flight: 0,
        }
    }

    /// Adds a table, or a partition (`is_known` false) that is yet to be found or made.
    pub(crate) fn add_route(&mut self, table: TableId, is_known: bool) -> RouteId {
        let route = Route {
            table,
            partition: None,
            is_known,
            slots: Vec::new(),
            is_wanted: false,
            is_resolving: false,
            failures: 0,
            not_before: None,
            last_error: None,
        };
        let id = put(&mut self.routes, &mut self.free_routes, route);
        if !is_known {
            self.want_route(id);
        }
        id
    }

    /// Adds a bucket, which always uses the same one of the connections to a server.
    pub(crate) fn add_slot(&mut self, route: RouteId, bucket: i32, connection: usize) -> SlotId {
        let slot = Slot {
            route,
            bucket,
            connection,
            queue: BucketQueue::default(),
            open: None,
            has_attention: false,
            is_leaderless: false,
            is_sendable: false,
            linger_rings: None,
            expiry_armed: false,
        };
        let id = put(&mut self.slots, &mut self.free_slots, slot);
        if let Some(route) = self.routes.get_mut(route) {
            route.slots.push(id);
        }
        id
    }

    /// What the driver keeps with a batch.
    pub(crate) fn payload_mut(&mut self, slot: SlotId, batch: BatchId) -> Option<&mut P> {
        self.slots
            .get_mut(slot)?
            .queue
            .get_mut(batch)
            .map(|batch| &mut batch.payload)
    }

    /// The first batches of a slot, those on their way included.
    pub(crate) fn first_batches(
        &mut self,
        slot: SlotId,
        count: usize,
    ) -> impl Iterator<Item = (BatchId, &mut P)> {
        self.slots
            .get_mut(slot)
            .into_iter()
            .flat_map(move |slot| slot.queue.first(count))
    }

    /// The table or partition of a slot.
    pub(crate) fn route_of(&self, slot: SlotId) -> Option<RouteId> {
        self.slots.get(slot).map(|slot| slot.route)
    }

    /// The bucket of a slot; its partition is missing until the route is known.
    pub(crate) fn bucket(&self, slot: SlotId) -> Option<TableBucket> {
        let slot = self.slots.get(slot)?;
        let route = self.routes.get(slot.route)?;
        Some(TableBucket::new_with_partition(
            route.table,
            route.partition,
            slot.bucket,
        ))
    }

    /// The batches that ended since the last call.
    pub(crate) fn take_finished(&mut self) -> Vec<Finished<P>> {
        std::mem::take(&mut self.finished)
    }

    pub(super) fn fail_slot(&mut self, slot: SlotId, error: &Error) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        for batch in entry.queue.take_all() {
            self.finish(slot, batch.payload, Err(error.clone()));
        }
    }

    pub(super) fn finish(&mut self, slot: SlotId, payload: P, result: Result<Option<i64>, Error>) {
        if let Some(bucket) = self.bucket(slot) {
            self.finished.push(Finished {
                slot,
                payload,
                bucket,
                result,
            });
        }
    }
}

/// Puts an entry where there is room for one, and returns its number.
fn put<T>(entries: &mut Vec<T>, free: &mut Vec<usize>, entry: T) -> usize {
    if let Some(id) = free.pop()
        && let Some(place) = entries.get_mut(id)
    {
        *place = entry;
        return id;
    }
    entries.push(entry);
    entries.len() - 1
}
