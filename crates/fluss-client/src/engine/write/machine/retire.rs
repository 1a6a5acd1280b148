//! Partitions that are no longer used: their memory is released.

use std::collections::BTreeSet;

use fluss_metadata::PartitionId;

use super::{BucketNumber, Engine, PartitionNumber, Timer};

impl Engine {
    /// The id of a partition, if it is known.
    pub(crate) fn partition_id(&self, number: PartitionNumber) -> Option<PartitionId> {
        self.partitions.get(&number)?.id
    }

    /// Whether a partition has no batches and is not being looked up.
    pub(crate) fn is_idle(&self, number: PartitionNumber) -> bool {
        let Some(partition) = self.partitions.get(&number) else {
            return false;
        };
        let is_idle = |number: BucketNumber| {
            self.buckets.get(&number).is_some_and(|bucket| {
                bucket.open.is_none()
                    && bucket.queue.is_empty()
                    && !bucket.has_attention
                    && !bucket.is_sendable
            })
        };
        !partition.is_wanted && !partition.is_resolving && partition.buckets.clone().all(is_idle)
    }

    /// Forgets partitions that are [idle](Self::is_idle), and their buckets.
    pub(crate) fn remove_partitions(&mut self, numbers: &BTreeSet<PartitionNumber>) {
        let removed = numbers
            .iter()
            .filter_map(|number| self.partitions.remove(number))
            .flat_map(|partition| partition.buckets);
        let removed: BTreeSet<BucketNumber> = removed.collect();
        for bucket in &removed {
            self.buckets.remove(bucket);
            self.open.remove(bucket);
            self.writer_ids.waiting.remove(bucket);
        }
        for connection in self.connections.values_mut() {
            connection
                .blocked
                .retain(|bucket| !removed.contains(bucket));
        }
        self.wanted_partitions
            .retain(|number| !numbers.contains(number));
        self.timers.retain(|(_, timer)| match timer {
            Timer::Linger(bucket) | Timer::Resume(bucket) | Timer::Expiry(bucket) => {
                !removed.contains(bucket)
            }
            Timer::Partition(number) => !numbers.contains(number),
            Timer::WriterId => true,
        });
    }
}
