//! Reading a whole table: all its buckets, those of partitions that are created later included.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use fluss_metadata::{OffsetSpec, PartitionId, TableBucket, TableInfo};
use fluss_rpc::path_message;
use fluss_wire::message::ListPartitionInfosRequest;
use tracing::debug;

use super::scanner::Scanner;
use super::shared::Shared;
use crate::context::Context;
use crate::engine::scan::{EARLIEST_OFFSET, StartOffset};
use crate::error::{Error, Result};

/// The partitions that are read, with how many buckets each has.
type Partitions = BTreeMap<PartitionId, i32>;

impl Scanner {
    /// Reads every bucket from `start` on; those of partitions that are found later, from their beginning.
    pub(super) async fn subscribe_table(&self, start: OffsetSpec) -> Result<()> {
        self.end_discovery();
        let table = self.projection().table();
        if !table.is_partitioned() {
            return self.subscribe_from(
                (0..table.num_buckets()).map(|bucket| (None, bucket, Ok(start.into()))),
            );
        }
        let partitions = list(self.shared.context(), table)
            .await
            .map_err(|error| self.shared.error(error).during("subscribe_table"))?;
        {
            let mut engine = self.shared.engine();
            for bucket in buckets(&self.shared, &partitions) {
                engine.subscribe_of_table(bucket, start.into());
            }
            engine.set_discovering(true);
        }
        self.shared.work.notify_one();
        let task = discover(Arc::clone(&self.shared), partitions);
        let task = self.shared.context().drivers.handle().spawn(task);
        *self.discovery() = Some(task.abort_handle());
        Ok(())
    }

    /// Stops reading, and stops looking for partitions.
    pub(super) fn unsubscribe_all(&self) {
        self.end_discovery();
        let mut engine = self.shared.engine();
        let subscribed: Vec<_> = engine.subscribed().copied().collect();
        for bucket in subscribed {
            engine.unsubscribe(&bucket);
        }
        drop(engine);
        self.shared.work.notify_one();
        self.shared.data.notify_one();
    }

    /// Looks for no more partitions.
    pub(super) fn end_discovery(&self) {
        if let Some(task) = self.discovery().take() {
            task.abort();
        }
        self.shared.engine().set_discovering(false);
    }

    fn discovery(&self) -> std::sync::MutexGuard<'_, Option<tokio::task::AbortHandle>> {
        self.discovery
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for partitions until it is aborted. New ones are read from their beginning, and those that are gone no more.
async fn discover(shared: Arc<Shared>, mut known: Partitions) {
    let interval = shared.context().config.scanner_partition_discovery_interval;
    loop {
        tokio::time::sleep(interval).await;
        let found = match list(shared.context(), shared.projection().table()).await {
            Ok(found) => found,
            Err(error) => {
                // Should the table be gone, its buckets tell.
                debug!(%error, "partitions cannot be listed");
                continue;
            }
        };
        let (kept, gone): (Partitions, Partitions) = known
            .into_iter()
            .partition(|(partition, _)| found.contains_key(partition));
        let new: Partitions = found
            .iter()
            .filter(|(partition, _)| !kept.contains_key(partition))
            .map(|(partition, count)| (*partition, *count))
            .collect();
        known = found;
        if gone.is_empty() && new.is_empty() {
            continue;
        }
        debug!(new = new.len(), gone = gone.len(), "partitions changed");
        let mut engine = shared.engine();
        for bucket in buckets(&shared, &gone) {
            engine.close(&bucket);
        }
        for bucket in buckets(&shared, &new) {
            engine.subscribe_of_table(bucket, StartOffset::At(EARLIEST_OFFSET));
        }
        drop(engine);
        shared.work.notify_one();
        shared.data.notify_one();
    }
}

fn buckets(shared: &Shared, partitions: &Partitions) -> Vec<TableBucket> {
    buckets_of(shared.projection().table(), partitions)
}

fn buckets_of(table: &TableInfo, partitions: &Partitions) -> Vec<TableBucket> {
    let table = table.table_id();
    partitions
        .iter()
        .flat_map(|(partition, count)| {
            (0..*count)
                .map(|bucket| TableBucket::new_with_partition(table, Some(*partition), bucket))
        })
        .collect()
}

/// Every bucket that a table has now, those of a partition together.
pub(super) async fn all_buckets(context: &Context, table: &TableInfo) -> Result<Vec<TableBucket>> {
    if !table.is_partitioned() {
        let id = table.table_id();
        return Ok((0..table.num_buckets())
            .map(|bucket| TableBucket::new(id, bucket))
            .collect());
    }
    let mut buckets = buckets_of(table, &list(context, table).await?);
    buckets.sort_unstable();
    Ok(buckets)
}

/// The partitions that a table has now.
async fn list(context: &Context, table: &TableInfo) -> Result<Partitions> {
    let request = ListPartitionInfosRequest {
        table_path: path_message(table.table_path()),
        ..ListPartitionInfosRequest::default()
    };
    let response = context
        .cluster
        .call_any(&request)
        .await
        .map_err(Error::from)?;
    Ok(response
        .partitions_info
        .into_iter()
        .map(|partition| {
            let count = partition.bucket_count.unwrap_or(table.num_buckets());
            (partition.partition_id, count)
        })
        .collect())
}
