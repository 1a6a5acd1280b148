//! What the engine is told: open batches, sealed ones, answers, leaders, writer ids.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use fluss_metadata::TableBucket;

use super::super::answer::{Answer, is_passing};
use super::super::bucket::{Batch, BatchId, Verdict};
use super::{Engine, Open, Part, RequestId, Reroute, Resolution, RouteId, SlotId, Timer, Wish};
use crate::error::Error;

impl<P> Engine<P> {
    /// The slot got an open batch, whose first row was appended at `since`.
    pub(crate) fn on_opened(&mut self, slot: SlotId, since: Instant) {
        let linger_ends = since + self.limits.linger.min(self.limits.delivery_timeout);
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        if entry.open.is_none() {
            entry.open = Some(Open {
                since,
                wish: Wish::Linger,
            });
        }
        self.arm_linger(slot, linger_ends);
        self.open.insert(slot);
        if self.limits.linger.is_zero() {
            self.attend(slot);
        }
    }

    /// The open batch of the slot is wanted.
    pub(crate) fn on_wish(&mut self, slot: SlotId, wish: Wish, now: Instant) {
        self.on_opened(slot, now);
        if let Some(Open { wish: current, .. }) =
            self.slots.get_mut(slot).and_then(|slot| slot.open.as_mut())
        {
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

    /// Writers wait for memory. Open batches are then sent if nothing else is about to free any: no request, and no batch whose bytes are
    /// being made.
    pub(crate) fn on_memory_wanted(&mut self, is_sealing: bool) {
        if !is_sealing && self.in_flight == 0 {
            for slot in self.open.clone() {
                if let Some(open) = self.slots.get_mut(slot).and_then(|slot| slot.open.as_mut()) {
                    open.wish = Wish::Flush;
                }
                self.attend(slot);
            }
        }
    }

    /// A batch was closed; its bytes are yet to be made.
    pub(crate) fn push(
        &mut self,
        slot: SlotId,
        payload: P,
        group: u64,
        created: Instant,
    ) -> BatchId {
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let deadline = created + self.limits.delivery_timeout;
        if let Some(entry) = self.slots.get_mut(slot) {
            entry.queue.push(Batch::new(id, payload, group, deadline));
            self.arm_expiry(slot);
        }
        id
    }

    /// The bytes of a batch are made.
    pub(crate) fn on_sealed(&mut self, slot: SlotId, batch: BatchId, bytes: usize) {
        if let Some(entry) = self.slots.get_mut(slot) {
            entry.queue.sealed(batch, bytes);
            self.attend(slot);
        }
    }

    /// The bytes of a batch cannot be made.
    pub(crate) fn on_seal_failed(&mut self, slot: SlotId, batch: BatchId, error: Error) {
        if let Some(failed) = self
            .slots
            .get_mut(slot)
            .and_then(|entry| entry.queue.remove_unsent(batch))
        {
            self.finish(slot, failed.payload, Err(error));
        }
        self.attend(slot);
    }

    /// The search for a route's leaders ended.
    pub(crate) fn on_resolved(&mut self, id: RouteId, resolution: Resolution, now: Instant) {
        let Some(route) = self.routes.get_mut(id) else {
            return;
        };
        route.is_resolving = false;
        route.failures = route.failures.saturating_add(1);
        route.not_before = Some(now + self.backoff.pause(route.failures));
        match resolution {
            Resolution::Known(partition) => {
                let is_another = route.partition.is_some() && route.partition != partition;
                route.partition = partition;
                route.is_known = true;
                route.last_error = None;
                for slot in route.slots.clone() {
                    if is_another && let Some(entry) = self.slots.get_mut(slot) {
                        entry.queue.rebind();
                    }
                    self.attend(slot);
                }
            }
            Resolution::NotYet(error) => {
                route.last_error = error;
                self.want_route(id);
            }
            Resolution::Gone(error) => self.fail_route(id, &error),
        }
    }

    /// The search for a route's leaders ended: its rows are elsewhere now, and no more will come.
    pub(crate) fn on_moved(&mut self, id: RouteId) {
        if let Some(route) = self.routes.get_mut(id) {
            route.is_resolving = false;
        }
    }

    /// Takes all batches out of a slot, the open one included. Answers that still come for them are ignored.
    pub(crate) fn take_batches(&mut self, slot: SlotId) -> Vec<P> {
        self.on_none_open(slot);
        let queue = self.slots.get_mut(slot).map(|entry| &mut entry.queue);
        queue
            .map(|queue| queue.take_all().into_iter().map(|batch| batch.payload))
            .into_iter()
            .flatten()
            .collect()
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
                ids.last_error = None;
                for slot in std::mem::take(&mut ids.waiting) {
                    self.attend(slot);
                }
            }
            Err(error) if is_passing(&error) => {
                ids.failures = ids.failures.saturating_add(1);
                let not_before = now + self.backoff.pause(ids.failures);
                ids.not_before = Some(not_before);
                ids.last_error = Some(error);
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
    pub(crate) fn on_answers(
        &mut self,
        request: RequestId,
        mut answers: HashMap<TableBucket, Answer>,
        otherwise: &Answer,
        now: Instant,
    ) -> Vec<Reroute> {
        let mut reroute = Vec::new();
        let Some((lane, parts)) = self.requests.remove(&request) else {
            return reroute;
        };
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
        for Part {
            slot,
            batch,
            bucket,
            ..
        } in parts
        {
            let answer = answers.remove(&bucket).unwrap_or_else(|| otherwise.clone());
            if answer.invalidates_leader() {
                reroute.push(Reroute {
                    bucket,
                    is_unknown: answer.says_unknown_bucket(),
                });
            }
            let Some(entry) = self.slots.get_mut(slot) else {
                continue;
            };
            match entry
                .queue
                .on_answer(batch, answer, now, &self.limits, &mut self.backoff)
            {
                Some(Verdict::Done { batch, offset }) => {
                    if let Some(route) = self.routes.get_mut(entry.route) {
                        route.failures = 0;
                        route.not_before = None;
                    }
                    self.finish(slot, batch.payload, Ok(offset));
                }
                Some(Verdict::Failed { batch, error }) => {
                    self.finish(slot, batch.payload, Err(error));
                }
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
        let slots = self
            .routes
            .get(id)
            .map(|route| route.slots.clone())
            .unwrap_or_default();
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
}
