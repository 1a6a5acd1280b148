//! Partitions that were dropped after the last row was written to them: their memory is released.
//!
//! A writer learns that a partition is gone from the failure of its next batch only, and a partition by time gets no next batch. So the
//! sender lists the partitions of tables with idle ones, with growing pauses while none is gone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fluss_metadata::{PartitionId, TableId, TableInfo};
use fluss_rpc::{Cluster, path_message};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::ListPartitionInfosRequest;
use futures::FutureExt;
use tracing::debug;

use super::state::{Event, Partition, Sender};
use crate::clock::now;
use crate::engine::write::{BucketNumber, PartitionNumber};
use crate::error::Error;

/// How long a partition is idle before the sender checks whether it still exists, and the first pause between two checks.
const IDLE: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(16 * 60);

impl Sender {
    /// A partition is written to for the first time.
    pub(super) fn expect_partitions(&mut self, now: Instant) {
        self.upkeep.pause = IDLE;
        let soon = now + IDLE;
        self.upkeep.due = Some(self.upkeep.due.map_or(soon, |due| due.min(soon)));
    }

    /// Looks for idle partitions, if it is time.
    pub(super) fn keep_up(&mut self) {
        let Some(due) = self.upkeep.due else { return };
        let now = now();
        if due > now {
            return;
        }
        for partition in std::mem::take(&mut self.upkeep.retired) {
            self.let_go(partition);
        }
        let over = |partition: &Partition| partition.is_over;
        self.retire(&self.idle(now, over));
        let idle = self.idle(now, |_| true);
        let tables: Vec<_> = idle
            .iter()
            .filter_map(|number| self.partitions.get(number))
            .map(|partition| partition.table.info().clone())
            .collect();
        for info in tables {
            if self.upkeep.asking.insert(info.table_id()) {
                let table = info.table_id();
                let listed = list(self.cluster.clone(), info);
                self.events.push(Box::pin(
                    listed.map(move |partitions| Event::Listed { table, partitions }),
                ));
            }
        }
        let is_needed =
            !self.upkeep.retired.is_empty() || self.partitions.values().any(may_be_forgotten);
        self.upkeep.due = is_needed.then(|| now + self.upkeep.pause);
        self.upkeep.pause = (self.upkeep.pause * 2).min(LONGEST);
    }

    pub(super) fn on_listed(&mut self, table: TableId, partitions: Option<&BTreeSet<PartitionId>>) {
        self.upkeep.asking.remove(&table);
        let Some(partitions) = partitions else { return };
        let idle = self.idle(now(), |partition| {
            partition.table.info().table_id() == table
        });
        let gone = |number: &PartitionNumber| {
            let id = self.engine.partition_id(*number);
            id.filter(|id| !partitions.contains(id))
        };
        let gone: Vec<_> = idle
            .into_iter()
            .filter_map(|number| Some((number, gone(&number)?)))
            .collect();
        if gone.is_empty() {
            return;
        }
        debug!(
            table,
            partitions = gone.len(),
            "forgets partitions that are gone"
        );
        let ids = gone.iter().map(|(_, id)| *id);
        self.cluster
            .forget_partitions(table, &ids.collect::<Vec<_>>());
        self.retire(&gone.into_iter().map(|(number, _)| number).collect());
    }

    /// The idle partitions among those that `picks` picks.
    fn idle(&self, now: Instant, picks: impl Fn(&Partition) -> bool) -> BTreeSet<PartitionNumber> {
        let is_idle = |number: PartitionNumber, partition: &Partition| {
            may_be_forgotten(partition)
                && picks(partition)
                && partition.last_used + IDLE <= now
                && self.engine.is_idle(number)
                && partition.buckets.are_empty()
        };
        let partitions = self.partitions.iter();
        partitions
            .filter(|(number, partition)| is_idle(**number, partition))
            .map(|(number, _)| *number)
            .collect()
    }

    /// Forgets partitions. Their next rows find or create them again.
    fn retire(&mut self, numbers: &BTreeSet<PartitionNumber>) {
        if numbers.is_empty() {
            return;
        }
        self.engine.remove_partitions(numbers);
        for number in numbers {
            if let Some(partition) = self.partitions.remove(number) {
                partition.table.forget(&partition.buckets);
                self.upkeep.retired.push(partition);
            }
        }
        self.expect_partitions(now());
    }

    /// Drops a partition that was forgotten a while ago. Appenders that still hold it get an error, because no row may wait where the sender
    /// does not look.
    fn let_go(&mut self, partition: Partition) {
        if partition.is_over {
            return;
        }
        let text = "the partition was dropped: write the row again";
        let gone = Error::from(ServerError::new(ErrorCode::PARTITION_NOT_EXISTS, text));
        if !partition.buckets.shut(&gone) {
            self.add_partition((partition.table, partition.buckets));
        }
    }

    /// Takes a partition in again that was forgotten just when new rows for it came.
    pub(super) fn revive(&mut self, number: BucketNumber) {
        let is_of = |partition: &Partition| partition.buckets.contains(number);
        let place = self.upkeep.retired.iter().position(is_of);
        if let Some(place) = place {
            let partition = self.upkeep.retired.swap_remove(place);
            self.add_partition((partition.table, partition.buckets));
        }
    }
}

/// Whether it is a partition, or a table to which nothing can be written anymore.
fn may_be_forgotten(partition: &Partition) -> bool {
    partition.buckets.partition.is_some() || partition.is_over
}

/// The partitions that a table has now; none of one that is gone.
async fn list(cluster: Cluster, info: TableInfo) -> Option<BTreeSet<PartitionId>> {
    let request = ListPartitionInfosRequest {
        table_path: path_message(info.table_path()),
        ..ListPartitionInfosRequest::default()
    };
    match cluster.call_any(&request).await.map_err(Error::from) {
        Ok(answer) => {
            let listed = answer.partitions_info.iter();
            Some(listed.map(|partition| partition.partition_id).collect())
        }
        Err(error) if error.server_code() == Some(ErrorCode::TABLE_NOT_EXIST.value()) => {
            Some(BTreeSet::new())
        }
        Err(error) => {
            debug!(table = %info.table_path(), %error, "partitions cannot be listed");
            None
        }
    }
}
