//! What the engine wants done next: which open batches are closed, which leaders are looked up, and when to look again.

use std::collections::BTreeSet;
use std::time::Instant;

use fluss_metadata::{TableBucket, TableId};

use crate::error::{Cause, Error};

use super::{Action, Engine, RouteId, ServerId, SlotId, Timer, Wish};

impl<P> Engine<P> {
    /// The next thing to do. `leader` tells where a bucket is served now.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        leader: &mut impl FnMut(SlotId, &TableBucket) -> Option<ServerId>,
    ) -> Option<Action> {
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

    pub(super) fn attend(&mut self, slot: SlotId) {
        if let Some(entry) = self.slots.get_mut(slot)
            && !entry.has_attention
        {
            entry.has_attention = true;
            self.attention.push_back(slot);
        }
    }

    /// Looks at a slot: whether its open batch is to be closed now (true), and whether it has something to send.
    fn attend_to(
        &mut self,
        slot: SlotId,
        now: Instant,
        leader: &mut impl FnMut(SlotId, &TableBucket) -> Option<ServerId>,
    ) -> bool {
        let Some(bucket) = self.bucket(slot) else {
            return false;
        };
        let Some(entry) = self.slots.get_mut(slot) else {
            return false;
        };
        let has_work = entry.open.is_some() || !entry.queue.is_empty();
        let is_known = self
            .routes
            .get(entry.route)
            .is_some_and(|route| route.is_known);
        let is_routed = is_known && leader(slot, &bucket).is_some();
        entry.is_leaderless = is_known && !is_routed;
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
        let Some(entry) = self.slots.get(slot) else {
            return false;
        };
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
        self.slots
            .get(slot)
            .and_then(|slot| slot.open)
            .is_some_and(|open| open.since + self.limits.delivery_timeout <= now)
    }

    fn fire_timers(&mut self, now: Instant) {
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Linger(slot) => self.on_linger(slot, now),
                Timer::Resume(slot) => self.attend(slot),
                Timer::Expiry(slot) => self.expire(slot, now),
                Timer::Route(route) => {
                    if let Some(route) = self
                        .routes
                        .get_mut(route)
                        .filter(|entry| !entry.is_resolving)
                    {
                        route.is_wanted = false;
                    }
                    for slot in self
                        .routes
                        .get(route)
                        .map(|route| route.slots.clone())
                        .unwrap_or_default()
                    {
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
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        entry.linger_rings = None;
        let Some(open) = entry.open else { return };
        let linger_ends = open.since + self.limits.linger;
        let delivery_ends = open.since + self.limits.delivery_timeout;
        // After the linger comes the delivery timeout, for a batch that could not be sent.
        let next = if linger_ends > now {
            linger_ends.min(delivery_ends)
        } else {
            delivery_ends
        };
        if next > now {
            self.arm_linger(slot, next);
        }
        if linger_ends <= now || delivery_ends <= now {
            self.attend(slot);
        }
    }

    /// Has the timer of the linger ring at `at`, unless it rings before: that of an earlier batch may be set for much later.
    pub(super) fn arm_linger(&mut self, slot: SlotId, at: Instant) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        if entry.linger_rings.is_some_and(|rings| rings <= at) {
            return;
        }
        if let Some(rings) = entry.linger_rings.replace(at) {
            self.timers.remove(&(rings, Timer::Linger(slot)));
        }
        self.timers.insert((at, Timer::Linger(slot)));
    }

    pub(super) fn arm_expiry(&mut self, slot: SlotId) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        if entry.expiry_armed {
            return;
        }
        if let Some(deadline) = entry.queue.next_deadline() {
            entry.expiry_armed = true;
            self.timers.insert((deadline, Timer::Expiry(slot)));
        }
    }

    pub(super) fn expire(&mut self, slot: SlotId, now: Instant) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        entry.expiry_armed = false;
        let route = self.routes.get(entry.route);
        let leaderless = entry.is_leaderless.then(|| Error::new(Cause::Leaderless));
        let obstacle = route
            .and_then(|route| route.last_error.as_ref())
            .or(leaderless.as_ref())
            .or(self.writer_ids.last_error.as_ref());
        let timeout = self.limits.delivery_timeout;
        let expired = entry.queue.expire(now, timeout, obstacle);
        for (batch, error) in expired {
            self.finish(slot, batch.payload, Err(error));
        }
        self.arm_expiry(slot);
        self.attend(slot);
    }

    pub(super) fn want_route(&mut self, id: RouteId) {
        let Some(route) = self.routes.get_mut(id) else {
            return;
        };
        if !route.is_wanted && !route.is_resolving {
            route.is_wanted = true;
            self.wanted_routes.push_back(id);
        }
    }

    /// The next route to look up, if its pause is over.
    fn next_route(&mut self, now: Instant) -> Option<RouteId> {
        while let Some(id) = self.wanted_routes.pop_front() {
            let Some(route) = self
                .routes
                .get_mut(id)
                .filter(|route| route.is_wanted && !route.is_resolving)
            else {
                continue;
            };
            if let Some(not_before) = route.not_before.filter(|not_before| *not_before > now) {
                // `is_wanted` stays set until the timer fires, so that it is set once.
                self.timers.insert((not_before, Timer::Route(id)));
            } else {
                route.is_wanted = false;
                route.is_resolving = true;
                return Some(id);
            }
        }
        None
    }

    fn ask_for_writer_id(&mut self, now: Instant) -> Option<Vec<TableId>> {
        let ids = &mut self.writer_ids;
        if ids.waiting.is_empty()
            || ids.is_asking
            || ids.not_before.is_some_and(|not_before| not_before > now)
        {
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
}
