//! A batch from its closing to its answer.

use bytes::Bytes;
use fluss_metadata::TableBucket;
use tracing::debug;

use super::copies::Copied;
use crate::engine::write::{ClosedBy, Stamp};
use crate::error::{Error, Result};
use crate::write::batch::{Batch, Rerouted};
use crate::write::completion::{Outcome, Written, WrittenOffset};
use crate::write::encoder::{Encoder, Sealed};
use crate::write::format::BatchKind;

/// A batch that the engine decides about.
pub(super) struct PendingBatch {
    pub(super) batch: Batch,
    pub(super) body: Body,
    pub(super) closed_by: ClosedBy,
    /// Counts its bytes, if they are a copy of an Arrow batch of the user.
    pub(super) copied: Option<Copied>,
    /// What it was last sent with, so that a retry uses the same bytes.
    pub(super) sent: Option<(Stamp, Bytes)>,
}

pub(super) enum Body {
    /// It will not be sent soon: its rows are held where the user had them.
    Held(Encoder),
    /// It is being sealed.
    Away,
    Here(Sealed),
}

impl PendingBatch {
    /// The bytes to send; those of the last attempt if they carry the same stamp.
    pub(super) fn stamp(&mut self, stamp: Stamp) -> Option<Bytes> {
        if let Some((_, bytes)) = self.sent.as_ref().filter(|(sent, _)| *sent == stamp) {
            return Some(bytes.clone());
        }
        self.sent = None;
        let Body::Here(sealed) = &mut self.body else {
            return None;
        };
        let bytes = sealed.stamp(stamp);
        self.sent = Some((stamp, bytes.clone()));
        Some(bytes)
    }

    /// Passes the answer on to the rows.
    pub(super) fn finish(self, bucket: TableBucket, result: Result<Option<i64>>) {
        let is_log = self.batch.format.kind == BatchKind::Log;
        let operation = if is_log { "append" } else { "upsert" };
        match result {
            Ok(offset) => {
                self.log_written(bucket, offset);
                let offset = match offset {
                    Some(offset) if is_log => WrittenOffset::First(offset),
                    Some(offset) => WrittenOffset::End(offset),
                    None => WrittenOffset::Unknown,
                };
                let Batch {
                    completion, credit, ..
                } = self.batch;
                // Memory first: a woken caller may want to write at once.
                drop((self.body, self.sent, self.copied, credit));
                completion.complete(Outcome::Written(Written { bucket, offset }));
            }
            Err(error) => {
                let error = error
                    .during(operation)
                    .of_table(self.batch.format.info.table_path())
                    .of_bucket(bucket);
                self.batch.fail(error);
            }
        }
    }

    /// What a reader of logs wants to know of each batch that was acknowledged.
    fn log_written(&self, bucket: TableBucket, offset: Option<i64>) {
        debug!(
            table = %self.batch.format.info.table_path(),
            %bucket,
            rows = self.batch.rows(),
            bytes = self.sent.as_ref().map(|(_, bytes)| bytes.len()),
            offset,
            "batch written"
        );
    }

    /// Whether it is being sealed, so that its rows cannot be moved now.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.body, Body::Away)
    }

    /// See [`Batch::reroute`].
    pub(super) fn reroute(self) -> Option<Rerouted> {
        let sealed = match self.body {
            Body::Here(sealed) => Ok((sealed, None)),
            Body::Held(encoder) => encoder.seal(),
            Body::Away => Err(Error::internal("the batch is being sealed")),
        };
        self.batch.reroute(sealed)
    }
}
