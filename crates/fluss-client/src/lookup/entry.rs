//! One lookup that waits for its answer.

use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::TableBucket;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::target::{LookupTarget, Values};
use crate::error::{Error, Result};

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
        // An error says that the caller has dropped the lookup.
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
