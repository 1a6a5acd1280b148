//! A table that is written to, shared by all its writers on a connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fluss_metadata::TableInfo;
use fluss_rpc::Cluster;

use super::buckets::{PartitionBuckets, PartitionName};
use super::doorbell::Doorbell;
use super::format::{self, BatchKind, WriteFormat};
use crate::error::{Error, Result};

/// A table that is written to.
#[derive(Debug)]
pub(crate) struct TableWrites {
    info: TableInfo,
    doorbell: Arc<Doorbell>,
    arrivals: Arc<Arrivals>,
    /// Knows how many buckets a partition has.
    cluster: Cluster,
    buckets: TableBuckets,
    /// How many buckets a partition gets that is created now, as far as known.
    bucket_count: AtomicI32,
    formats: Mutex<Vec<Arc<WriteFormat>>>,
    /// Why the table can no longer be written to.
    failed: OnceLock<Error>,
}

#[derive(Debug)]
enum TableBuckets {
    Whole(Arc<PartitionBuckets>),
    Partitioned(RwLock<Partitions>),
}

/// The partitions that are written to, by name.
type Partitions = HashMap<Arc<str>, Arc<PartitionBuckets>>;

/// Tables and partitions that are queued for the sender, which takes them before any of their rows. `None` once it
/// has ended.
#[derive(Debug)]
pub(super) struct Arrivals(Mutex<Option<Vec<Arrival>>>);

/// A table or partition that is written to for the first time.
pub(super) type Arrival = (Arc<TableWrites>, Arc<PartitionBuckets>);

impl Arrivals {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    fn add(&self, arrival: Arrival) {
        let mut arrivals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arrivals) = &mut *arrivals {
            arrivals.push(arrival);
        }
    }

    pub(super) fn take(&self) -> Vec<Arrival> {
        let mut arrivals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes what came last. What comes later is dropped.
    pub(super) fn end(&self) -> Vec<Arrival> {
        let mut arrivals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.take().unwrap_or_default()
    }
}

impl TableWrites {
    pub(super) fn new(
        info: TableInfo,
        doorbell: &Arc<Doorbell>,
        arrivals: &Arc<Arrivals>,
        cluster: Cluster,
    ) -> Arc<Self> {
        let buckets = if info.is_partitioned() {
            TableBuckets::Partitioned(RwLock::default())
        } else {
            let first = cluster.config().chance.draw() as u32;
            let count = info.num_buckets();
            let buckets = PartitionBuckets::new(&info, None, count, doorbell, first);
            TableBuckets::Whole(Arc::new(buckets))
        };
        let table = Arc::new(Self {
            bucket_count: AtomicI32::new(info.num_buckets()),
            info,
            doorbell: Arc::clone(doorbell),
            arrivals: Arc::clone(arrivals),
            cluster,
            buckets,
            formats: Mutex::default(),
            failed: OnceLock::new(),
        });
        if let Some(buckets) = table.whole() {
            table.announce(buckets);
        }
        table
    }

    pub(crate) fn info(&self) -> &TableInfo {
        &self.info
    }

    /// How rows become batches, for a writer that knows the table as `info`.
    pub(super) fn format(&self, info: &TableInfo, kind: BatchKind) -> Arc<WriteFormat> {
        format::shared(
            &mut self.formats.lock().unwrap_or_else(PoisonError::into_inner),
            info,
            kind,
        )
    }

    /// The buckets of a table without partitions.
    #[inline]
    pub(super) fn whole(&self) -> Option<&Arc<PartitionBuckets>> {
        match &self.buckets {
            TableBuckets::Whole(buckets) => Some(buckets),
            TableBuckets::Partitioned(_) => None,
        }
    }

    fn partitions(&self) -> Option<RwLockReadGuard<'_, Partitions>> {
        match &self.buckets {
            TableBuckets::Whole(_) => None,
            TableBuckets::Partitioned(partitions) => {
                Some(partitions.read().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    fn partitions_mut(&self) -> Option<RwLockWriteGuard<'_, Partitions>> {
        match &self.buckets {
            TableBuckets::Whole(_) => None,
            TableBuckets::Partitioned(partitions) => {
                Some(partitions.write().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// The buckets of a partition, if it was written to before.
    pub(super) fn partition(&self, name: &str) -> Option<Arc<PartitionBuckets>> {
        self.partitions()?.get(name).cloned()
    }

    /// Refuses new partitions from now on, with this error.
    pub(super) fn fail(&self, error: &Error) {
        // The first reason stays.
        let _ = self.failed.set(error.clone());
    }

    /// Whether the table can no longer be written to.
    pub(super) fn is_failed(&self) -> bool {
        self.failed.get().is_some()
    }

    /// The buckets of a partition. A partition that is new here is found or created in the background.
    pub(super) fn partition_or_new(
        self: &Arc<Self>,
        name: &str,
        values: impl FnOnce() -> Vec<String>,
    ) -> Result<Arc<PartitionBuckets>> {
        if let Some(error) = self.failed.get() {
            return Err(error.clone());
        }
        let Some(mut partitions) = self.partitions_mut() else {
            return Err(Error::usage("the table has no partitions"));
        };
        if let Some(buckets) = partitions.get(name) {
            return Ok(Arc::clone(buckets));
        }
        let view = self.cluster.view();
        let id = self.info.table_id();
        let known = view
            .partition_id(id, name)
            .and_then(|partition| view.bucket_count(id, Some(partition)));
        // A partition that is created for these rows gets as many buckets as the table has now.
        let count = known.unwrap_or_else(|| self.bucket_count.load(Ordering::Relaxed));
        let partition = PartitionName {
            name: name.into(),
            values: values(),
        };
        let mut buckets = self.new_partition(partition, count);
        if known.is_none() {
            buckets = buckets.tentative();
        }
        let buckets = Arc::new(buckets);
        // Before other threads see it: the sender must know a bucket before it is woken for its rows.
        self.announce(&buckets);
        partitions.insert(name.into(), Arc::clone(&buckets));
        Ok(buckets)
    }

    fn new_partition(&self, partition: PartitionName, count: i32) -> PartitionBuckets {
        let first = self.cluster.config().chance.draw() as u32;
        PartitionBuckets::new(&self.info, Some(partition), count, &self.doorbell, first)
    }

    fn announce(self: &Arc<Self>, buckets: &Arc<PartitionBuckets>) {
        self.arrivals.add((Arc::clone(self), Arc::clone(buckets)));
        self.doorbell.ring();
    }

    /// The buckets that a partition turned out to have. Rows go there once they [replace](Self::replace) the others.
    pub(super) fn other_buckets(
        self: &Arc<Self>,
        partition: PartitionName,
        count: i32,
    ) -> Arc<PartitionBuckets> {
        // The next partition that is created will have as many.
        self.bucket_count.store(count, Ordering::Relaxed);
        let buckets = Arc::new(self.new_partition(partition, count));
        self.announce(&buckets);
        buckets
    }

    /// Directs rows to other buckets of the same partition from now on.
    pub(super) fn replace(&self, old: &Arc<PartitionBuckets>, new: &Arc<PartitionBuckets>) {
        if let (Some(mut partitions), Some(partition)) = (self.partitions_mut(), &old.partition)
            && let Some(current) = partitions.get_mut(&partition.name)
            && Arc::ptr_eq(current, old)
        {
            *current = Arc::clone(new);
        }
    }

    /// Forgets a partition that could not be found or created, so that its next row tries again.
    pub(super) fn forget(&self, buckets: &Arc<PartitionBuckets>) {
        if let (Some(mut partitions), Some(partition)) = (self.partitions_mut(), &buckets.partition)
        {
            let current = partitions.get(&partition.name);
            if current.is_some_and(|current| Arc::ptr_eq(current, buckets)) {
                partitions.remove(&partition.name);
            }
        }
    }
}
