//! The data of the buckets.

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::TableBucket;

use super::catalog::Table;
use super::log::Log;
use super::snapshot::Snapshots;

/// The data of all buckets that were written to or read.
#[derive(Default)]
pub(crate) struct Buckets {
    by_id: BTreeMap<TableBucket, Bucket>,
}

impl Buckets {
    pub(crate) fn get_mut(&mut self, id: &TableBucket) -> Option<&mut Bucket> {
        self.by_id.get_mut(id)
    }

    /// The bucket with this id; an empty one if nothing was written to it yet.
    pub(super) fn get_or_create(&mut self, id: TableBucket) -> &mut Bucket {
        self.by_id.entry(id).or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TableBucket, &Bucket)> {
        self.by_id.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&TableBucket, &mut Bucket)> {
        self.by_id.iter_mut()
    }

    /// Drops the data of the buckets for which `keep` is false.
    pub(super) fn retain(&mut self, keep: impl Fn(&TableBucket) -> bool) {
        self.by_id.retain(|id, _| keep(id));
    }
}

/// The data of one bucket.
#[derive(Default)]
pub(crate) struct Bucket {
    pub(crate) log: Log,
    /// Rows by encoded key; empty for log tables.
    pub(crate) rows: BTreeMap<Bytes, Value>,
    pub(crate) numbers: Numbers,
    pub(crate) snapshots: Snapshots,
}

/// Values of an auto-increment column: a range that the bucket takes from its table when it needs the first one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    next: i64,
    left: i64,
}

impl Numbers {
    pub(crate) fn take(&mut self, table: &Table) -> i64 {
        if self.left == 0 {
            let size = table.descriptor.auto_increment_cache_size();
            self.left = size.unwrap_or(100_000).max(1);
            self.next = table.take_numbers(self.left);
        }
        self.left -= 1;
        self.next += 1;
        self.next - 1
    }
}

/// A row as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) schema_id: i32,
    pub(crate) row: Bytes,
}
