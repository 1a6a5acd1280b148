//! A partition turned out to have another number of buckets than its rows were distributed over: they move.

use std::sync::Arc;

use super::pending::PendingBatch;
use super::state::Sender;
use crate::clock::now;
use crate::engine::write::{PartitionNumber, Resolution};
use crate::write::batch::ClosedBatch;
use crate::write::rebucket::reroute;

impl Sender {
    /// Moves all that was written to a partition into as many buckets as it has.
    pub(super) fn move_rows(&mut self, number: PartitionNumber, count: i32) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        let Some(name) = partition.buckets.partition.clone() else {
            return;
        };
        partition.is_moving = true;
        let (table, old) = (Arc::clone(&partition.table), Arc::clone(&partition.buckets));
        let is_away = |bucket: usize| {
            let batches = self.engine.first_batches(number + bucket, usize::MAX);
            let mut batches = batches.iter().filter_map(|id| self.batches.get(id));
            batches.any(PendingBatch::is_away)
        };
        if (0..old.count() as usize).any(is_away) {
            // Batches that are being sealed will be ready soon, and no others are started.
            let not_yet = Resolution::NotYet(None);
            return self.engine.on_resolved(number, not_yet, now());
        }
        let new = table.other_buckets(name, count);
        let most = self.config.writer_batch_size;
        for (index, mut bucket) in old.lock_each().enumerate() {
            // Rows that come in the meantime wait for the lock, and then follow.
            bucket.close_open();
            let taken = self.engine.take_batches(number + index);
            let pending = taken.iter().filter_map(|id| self.batches.remove(id));
            let pending: Vec<_> = pending.filter_map(PendingBatch::reroute).collect();
            let closed = bucket.take_closed().into_iter();
            let closed = closed.filter_map(ClosedBatch::reroute);
            for batch in pending.into_iter().chain(closed) {
                reroute(batch, &new, &self.memory, most);
            }
            bucket.set_moved(&new);
        }
        table.replace(&old, &new);
        self.engine.on_rerouted(number);
        if let Some(partition) = self.partitions.get_mut(&number) {
            partition.is_over = true;
        }
    }
}
