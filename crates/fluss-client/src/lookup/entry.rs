//! One lookup on its way.

use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::{TableBucket, TableId, TablePath};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::routes::Routes;
use crate::error::{Error, Result};

/// What lookups of one lookuper have in common.
#[derive(Debug)]
pub(crate) struct LookupTarget {
    pub(crate) path: TablePath,
    pub(crate) table_id: TableId,
    pub(crate) kind: LookupKind,
    /// The bucket count that keys were hashed with, which a server may ask to know.
    pub(crate) bucket_count: i32,
    pub(crate) routes: Routes,
}

/// Targets are equal whose lookups may share a request.
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
    /// By the whole primary key, inserting a row with the key alone where there is none.
    InsertIfNotExists,
}

/// The values found: schema id and row each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Values {
    One(Option<Bytes>),
    Many(Vec<Bytes>),
}

impl LookupKind {
    /// What a lookup finds where there is nothing.
    pub(crate) fn nothing(self) -> Values {
        match self {
            Self::Point | Self::InsertIfNotExists => Values::One(None),
            Self::Prefix => Values::Many(Vec::new()),
        }
    }
}

/// A key with its bucket.
#[derive(Debug)]
pub(crate) struct RoutedKey {
    pub(crate) bucket: TableBucket,
    /// Name of the bucket's partition, if it has one.
    pub(crate) partition: Option<Arc<str>>,
    pub(crate) key: Bytes,
}

/// One lookup on its way.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) target: Arc<LookupTarget>,
    pub(super) bucket: TableBucket,
    /// Name of the bucket's partition, if it has one.
    pub(super) partition: Option<Arc<str>>,
    /// Generation of the view of the cluster by which it was routed.
    pub(super) seen: u64,
    pub(super) key: Bytes,
    pub(super) deadline: Instant,
    pub(super) attempts: u32,
    /// Why the last attempt failed.
    pub(super) last_error: Option<Box<Error>>,
    /// Whether its bucket may be the one that stalls a lane.
    pub(super) is_suspect: bool,
    /// Whether it counts as waiting to be sent.
    pub(super) holds_room: bool,
    pub(super) reply: oneshot::Sender<Result<Values>>,
}

impl Entry {
    pub(super) fn answer(self, values: Values) {
        // Nobody waits any more if the lookup was dropped.
        let _ = self.reply.send(Ok(values));
    }

    pub(super) fn fail(self, error: Error) {
        let error = error
            .during("lookup")
            .of_table(&self.target.path)
            .of_bucket(self.bucket);
        let _ = self.reply.send(Err(error));
    }
}
