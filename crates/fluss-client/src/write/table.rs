//! The buckets of a table that is written to, shared by all its writers on a connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use fluss_metadata::TableInfo;
use fluss_rpc::Cluster;

use super::format::{self, BatchKind, WriteFormat};
use super::inbox::Inbox;
use super::slot::{BucketGroup, PartitionName};
use crate::error::{Error, Result};

/// A table that is written to.
#[derive(Debug)]
pub(crate) struct TableWrites {
    info: TableInfo,
    inbox: Arc<Inbox>,
    /// Tells how many buckets a partition has.
    cluster: Cluster,
    groups: Groups,
    /// How many buckets partitions have that are made now, as far as is known.
    buckets: AtomicI32,
    formats: Mutex<Vec<Arc<WriteFormat>>>,
    /// Why nothing can be written to the table any more.
    failed: OnceLock<Error>,
}

#[derive(Debug)]
enum Groups {
    Whole(Arc<BucketGroup>),
    Partitioned(RwLock<HashMap<Arc<str>, Arc<BucketGroup>>>),
}

impl TableWrites {
    pub(super) fn new(info: TableInfo, inbox: Arc<Inbox>, cluster: Cluster) -> Arc<Self> {
        let groups = if info.is_partitioned() {
            Groups::Partitioned(RwLock::default())
        } else {
            Groups::Whole(new_group(
                &info,
                None,
                info.num_buckets(),
                &inbox,
                cluster.config().chance.draw() as u32,
                false,
            ))
        };
        let table = Arc::new(Self {
            buckets: AtomicI32::new(info.num_buckets()),
            info,
            inbox,
            cluster,
            groups,
            formats: Mutex::default(),
            failed: OnceLock::new(),
        });
        if let Groups::Whole(group) = &table.groups {
            table.inbox.add_group(Arc::clone(&table), Arc::clone(group));
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
    pub(super) fn whole(&self) -> Option<&Arc<BucketGroup>> {
        match &self.groups {
            Groups::Whole(group) => Some(group),
            Groups::Partitioned(_) => None,
        }
    }

    /// The buckets of a partition, if it was written to before.
    pub(super) fn partition(&self, name: &str) -> Option<Arc<BucketGroup>> {
        match &self.groups {
            Groups::Whole(_) => None,
            Groups::Partitioned(groups) => groups
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(name)
                .cloned(),
        }
    }

    /// Nothing can be written to the table any more.
    pub(super) fn fail(&self, error: &Error) {
        // One reason is enough.
        let _ = self.failed.set(error.clone());
    }

    /// Whether nothing can be written any more.
    pub(super) fn is_failed(&self) -> bool {
        self.failed.get().is_some()
    }

    /// The buckets of a partition, which is found or made in the background if it is new here.
    pub(super) fn partition_or_new(
        self: &Arc<Self>,
        name: &str,
        values: impl FnOnce() -> Vec<String>,
    ) -> Result<Arc<BucketGroup>> {
        if let Some(error) = self.failed.get() {
            return Err(error.clone());
        }
        let Groups::Partitioned(groups) = &self.groups else {
            return Err(Error::usage("the table has no partitions"));
        };
        let mut groups = groups.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get(name) {
            return Ok(Arc::clone(group));
        }
        let view = self.cluster.view();
        let id = self.info.table_id();
        let told = view
            .partition_id(id, name)
            .and_then(|partition| view.bucket_count(id, Some(partition)));
        // One that is made for these rows gets as many buckets as the table has now.
        let buckets = told.unwrap_or_else(|| self.buckets.load(Ordering::Relaxed));
        let partition = PartitionName {
            name: name.into(),
            values: values(),
        };
        let group = self.new_partition(partition, buckets, told.is_none());
        groups.insert(name.into(), Arc::clone(&group));
        drop(groups);
        self.inbox.add_group(Arc::clone(self), Arc::clone(&group));
        Ok(group)
    }

    fn new_partition(
        &self,
        partition: PartitionName,
        buckets: i32,
        is_tentative: bool,
    ) -> Arc<BucketGroup> {
        new_group(
            &self.info,
            Some(partition),
            buckets,
            &self.inbox,
            self.cluster.config().chance.draw() as u32,
            is_tentative,
        )
    }

    /// The buckets that a partition turned out to have. Rows go there once they [replace](Self::replace) the others.
    pub(super) fn other_buckets(
        self: &Arc<Self>,
        partition: &PartitionName,
        buckets: i32,
    ) -> Arc<BucketGroup> {
        // The next partition that is made will have as many.
        self.buckets.store(buckets, Ordering::Relaxed);
        let group = self.new_partition(partition.clone(), buckets, false);
        self.inbox.add_group(Arc::clone(self), Arc::clone(&group));
        group
    }

    /// Lets rows go to other buckets of the same partition from now on.
    pub(super) fn replace(&self, old: &Arc<BucketGroup>, new: &Arc<BucketGroup>) {
        if let (Groups::Partitioned(groups), Some(partition)) = (&self.groups, &old.partition) {
            let mut groups = groups.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(current) = groups.get_mut(&partition.name)
                && Arc::ptr_eq(current, old)
            {
                *current = Arc::clone(new);
            }
        }
    }

    /// Forgets a partition that could not be found or made, so that the next row of it tries anew.
    pub(super) fn forget(&self, group: &Arc<BucketGroup>) {
        if let (Groups::Partitioned(groups), Some(partition)) = (&self.groups, &group.partition) {
            let mut groups = groups.write().unwrap_or_else(PoisonError::into_inner);
            if groups
                .get(&partition.name)
                .is_some_and(|current| Arc::ptr_eq(current, group))
            {
                groups.remove(&partition.name);
            }
        }
    }
}

/// The `first` bucket is random, so that many clients with few rows do not all write to the same one.
fn new_group(
    info: &TableInfo,
    partition: Option<PartitionName>,
    buckets: i32,
    inbox: &Arc<Inbox>,
    first: u32,
    is_tentative: bool,
) -> Arc<BucketGroup> {
    let buckets = u32::try_from(buckets).unwrap_or(1);
    BucketGroup::new(
        info.table_path().clone(),
        info.table_id(),
        partition,
        buckets,
        inbox,
        first,
        is_tentative,
    )
}
