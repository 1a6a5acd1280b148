//! Routes that are not used any more: what they take is given back, and their numbers are used again.

use std::collections::BTreeSet;

use fluss_metadata::PartitionId;

use super::super::bucket::BucketQueue;
use super::{Engine, RouteId, SlotId, Timer};

impl<P> Engine<P> {
    /// The partition of a route, if it is known.
    pub(crate) fn partition_of(&self, id: RouteId) -> Option<PartitionId> {
        self.routes.get(id)?.partition
    }

    /// Whether nothing of a route is open, waits, is on its way or being looked up.
    pub(crate) fn is_idle(&self, id: RouteId) -> bool {
        let Some(route) = self.routes.get(id) else {
            return false;
        };
        let is_idle = |slot: &SlotId| {
            self.slots.get(*slot).is_some_and(|slot| {
                slot.open.is_none()
                    && slot.queue.is_empty()
                    && !slot.has_attention
                    && !slot.is_sendable
            })
        };
        !route.is_wanted && !route.is_resolving && route.slots.iter().all(is_idle)
    }

    /// Forgets routes that are [idle](Self::is_idle), and their buckets. Their numbers are given to the next ones. Returns the buckets'.
    pub(crate) fn remove_routes(&mut self, ids: &BTreeSet<RouteId>) -> Vec<SlotId> {
        let mut removed = Vec::new();
        for id in ids {
            if let Some(route) = self.routes.get_mut(*id) {
                removed.append(&mut route.slots);
                route.partition = None;
                route.is_known = false;
                route.last_error = None;
                self.free_routes.push(*id);
            }
        }
        let slots: BTreeSet<SlotId> = removed.iter().copied().collect();
        for slot in &slots {
            if let Some(slot) = self.slots.get_mut(*slot) {
                slot.queue = BucketQueue::default();
            }
            self.open.remove(slot);
            self.writer_ids.waiting.remove(slot);
        }
        for lane in self.lanes.values_mut() {
            lane.blocked.retain(|slot| !slots.contains(slot));
        }
        self.wanted_routes.retain(|route| !ids.contains(route));
        self.timers.retain(|(_, timer)| match timer {
            Timer::Linger(slot) | Timer::Resume(slot) | Timer::Expiry(slot) => {
                !slots.contains(slot)
            }
            Timer::Route(route) => !ids.contains(route),
            Timer::WriterId => true,
        });
        self.free_slots.extend(&slots);
        removed
    }
}
