//! What the sender keeps of a batch, and how its rows are told of its end.

use bytes::Bytes;
use fluss_metadata::TableBucket;

use super::copies::Copied;
use crate::engine::write::{Fill, Stamp};
use crate::error::{Error, Result};
use crate::write::batch::{Batch, Loose};
use crate::write::completion::{Outcome, Written, WrittenOffset};
use crate::write::encoder::{Encoder, Sealed};
use crate::write::format::BatchKind;
use crate::write::slot::BucketSlot;

/// What the engine keeps for the sender with each batch.
pub(super) struct Payload {
    pub(super) batch: Batch,
    pub(super) body: Body,
    pub(super) fill: Fill,
    /// Counts its bytes, if they are a copy of a batch of the user's.
    pub(super) copied: Option<Copied>,
    /// What it was last sent with, so that the same bytes serve a repetition.
    pub(super) sent: Option<(Stamp, Bytes)>,
}

pub(super) enum Body {
    /// Far from its turn: its rows lie where the user had them.
    Held(Encoder),
    /// Being sealed elsewhere.
    Away,
    Here(Sealed),
}

impl Payload {
    /// The bytes to send; those of the last time if they carry the same already.
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

    pub(super) fn finish(self, bucket: TableBucket, result: Result<Option<i64>>) {
        let is_log = self.batch.format.kind == BatchKind::Log;
        let operation = if is_log { "append" } else { "upsert" };
        match result {
            Ok(offset) => {
                let offset = match offset {
                    Some(offset) if is_log => WrittenOffset::First(offset),
                    Some(offset) => WrittenOffset::End(offset),
                    None => WrittenOffset::Unknown,
                };
                // Memory first: whoever is woken may want to write at once.
                drop((self.body, self.sent, self.copied, self.batch.credit));
                self.batch
                    .completion
                    .complete(Outcome::Written(Written { bucket, offset }));
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
}

impl Payload {
    /// Whether its bytes are being made, so that its rows cannot be moved now.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.body, Body::Away)
    }

    /// The batch, for its rows to be moved. Fails them if they cannot be encoded.
    pub(super) fn loosen(self) -> Option<Loose> {
        let sealed = match self.body {
            Body::Here(sealed) => Ok((sealed, None)),
            Body::Held(encoder) => encoder.seal(),
            Body::Away => Err(Error::usage("the bytes of the batch are being made")),
        };
        self.batch.loosen(sealed)
    }
}

/// Fails what a slot holds, and all that is written to it from now on. Returns the number of rows.
pub(super) fn fail_slot(slot: &BucketSlot, error: &Error) -> u64 {
    slot.state().failed = Some(error.clone());
    fail_batches(slot, error)
}

/// Fails what a slot holds. Returns the number of rows.
pub(super) fn fail_batches(slot: &BucketSlot, error: &Error) -> u64 {
    let mut state = slot.state();
    slot.close_open(&mut state);
    let closed = std::mem::take(&mut state.closed);
    drop(state);
    let mut rows = 0;
    for batch in closed {
        rows += u64::from(batch.batch.rows());
        batch.batch.fail(error.clone());
    }
    rows
}
