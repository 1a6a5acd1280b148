//! What is looked up: the table and the kind of lookup, keys with their bucket, and values.

use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::{TableBucket, TableId, TablePath};

/// What the lookups of one lookuper have in common.
#[derive(Debug)]
pub(super) struct LookupTarget {
    pub(super) path: TablePath,
    pub(super) table_id: TableId,
    pub(super) kind: LookupKind,
    /// The bucket count that keys were hashed with, which a server may ask for.
    pub(super) bucket_count: i32,
}

/// Targets are equal if their lookups may share a request.
impl PartialEq for LookupTarget {
    fn eq(&self, other: &Self) -> bool {
        self.table_id == other.table_id && self.kind == other.kind
    }
}

/// Which request a lookup travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookupKind {
    /// By the whole primary key: at most one row.
    Point,
    /// By the bucket key: all rows that share it.
    Prefix,
    /// By the whole primary key, inserting a row with only the key if there is none.
    InsertIfNotExists,
}

/// The values found: each a schema id and a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    One(Option<Bytes>),
    Many(Vec<Bytes>),
}

impl LookupKind {
    /// The result of a lookup that finds no row.
    pub(super) fn nothing(self) -> Values {
        match self {
            Self::Point | Self::InsertIfNotExists => Values::One(None),
            Self::Prefix => Values::Many(Vec::new()),
        }
    }
}

/// A key with its bucket.
#[derive(Debug)]
pub(super) struct RoutedKey {
    pub(super) bucket: TableBucket,
    /// Name of the bucket's partition, if it has one.
    pub(super) partition: Option<Arc<str>>,
    pub(super) key: Bytes,
}
