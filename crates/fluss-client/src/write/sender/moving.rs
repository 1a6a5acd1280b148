//! A partition turned out to have another number of buckets than its rows were given buckets out of: they move.

use std::sync::Arc;

use super::Sender;
use crate::engine::write::{Resolution, RouteId, SlotId};
use crate::write::now;
use crate::write::rebucket::Rebucket;

impl Sender {
    /// Whether the rows of a bucket are about to move to others.
    pub(super) fn is_moving(&self, slot: SlotId) -> bool {
        let route = self.engine.route_of(slot);
        route
            .and_then(|route| self.route(route))
            .is_some_and(|route| route.is_moving)
    }

    /// Moves all that was written to a partition into as many buckets as it has.
    pub(super) fn move_rows(&mut self, id: RouteId, buckets: i32) {
        let Some(route) = self.route_mut(id) else {
            return;
        };
        let Some(partition) = route.group.partition.clone() else {
            return;
        };
        route.is_moving = true;
        let (table, old) = (Arc::clone(&route.table), Arc::clone(&route.group));
        let slots: Vec<_> = old
            .slots
            .iter()
            .filter_map(|slot| Some((slot.id()?, Arc::clone(slot))))
            .collect();
        let is_any_away = slots.iter().any(|(slot, _)| {
            let mut batches = self.engine.first_batches(*slot, usize::MAX);
            batches.any(|(_, payload)| payload.is_away())
        });
        if is_any_away {
            // In a moment all bytes that are being made will be there, and no more are begun.
            let not_yet = Resolution::NotYet(None);
            return self.engine.on_resolved(id, not_yet, now());
        }
        let new = table.other_buckets(&partition, buckets);
        let batch_size = self.config.writer_batch_size;
        let to = Arc::new(Rebucket::new(
            Arc::clone(&new),
            Arc::clone(&self.memory),
            batch_size,
        ));
        for (id, slot) in slots {
            // Rows that come meanwhile wait for the lock, and then follow.
            let mut state = slot.state();
            slot.close_open(&mut state);
            let closed = std::mem::take(&mut state.closed);
            for payload in self.engine.take_batches(id) {
                if let Some(batch) = payload.loosen() {
                    to.pour(batch);
                }
            }
            for batch in closed {
                if let Some(batch) = batch.loosen() {
                    to.pour(batch);
                }
            }
            state.moved = Some(Arc::clone(&to));
        }
        table.replace(&old, &new);
        self.engine.on_moved(id);
        if let Some(route) = self.route_mut(id) {
            route.is_over = true;
        }
    }
}
