//! What the sender keeps of a batch, and how its rows are told of its end.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use fluss_metadata::TableBucket;

use super::copies::Copied;
use crate::engine::write::{Fill, Stamp};
use crate::error::{Error, Result};
use crate::write::completion::{Completion, Outcome, Written, WrittenOffset};
use crate::write::encoder::{Encoder, Sealed};
use crate::write::format::{BatchKind, WriteFormat};
use crate::write::member::Member;
use crate::write::memory::Credit;
use crate::write::rebucket::{BucketKeys, Loose};
use crate::write::slot::{BucketSlot, ClosedBatch};

/// What the engine keeps for the sender with each batch.
pub(super) struct Payload {
    pub(super) body: Body,
    pub(super) rows: u32,
    pub(super) credit: Credit,
    pub(super) format: Arc<WriteFormat>,
    pub(super) completion: Arc<Completion>,
    pub(super) members: Vec<Arc<Member>>,
    pub(super) since: Instant,
    pub(super) fill: Fill,
    /// What led to the bucket, row by row, if that cannot be told from the rows.
    pub(super) bucket_keys: BucketKeys,
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
        let is_log = self.format.kind == BatchKind::Log;
        let operation = if is_log { "append" } else { "upsert" };
        match result {
            Ok(offset) => {
                let offset = match offset {
                    Some(offset) if is_log => WrittenOffset::First(offset),
                    Some(offset) => WrittenOffset::End(offset),
                    None => WrittenOffset::Unknown,
                };
                // Memory first: whoever is woken may want to write at once.
                drop((self.body, self.sent, self.copied, self.credit));
                self.completion
                    .complete(Outcome::Written(Written { bucket, offset }));
            }
            Err(error) => {
                let error = error
                    .during(operation)
                    .of_table(self.format.info.table_path())
                    .of_bucket(bucket);
                fail(&self.members, &self.completion, error);
            }
        }
    }
}

impl ClosedBatch {
    /// The batch, for its rows to be moved. Fails them if they cannot be encoded.
    pub(super) fn loosen(self) -> Option<Loose> {
        let (sealed, builder) = match self.encoder.seal() {
            Ok(sealed) => sealed,
            Err(error) => {
                fail(&self.members, &self.completion, error);
                return None;
            }
        };
        self.format.keep(builder);
        Some(Loose {
            sealed,
            rows: self.rows,
            credit: self.credit,
            format: self.format,
            completion: self.completion,
            members: self.members,
            since: self.since,
            bucket_keys: self.bucket_keys,
        })
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
            Body::Here(sealed) => Ok(sealed),
            Body::Held(encoder) => encoder.seal().map(|(sealed, _)| sealed),
            Body::Away => Err(Error::usage("the bytes of the batch are being made")),
        };
        match sealed {
            Ok(sealed) => Some(Loose {
                sealed,
                rows: self.rows,
                credit: self.credit,
                format: self.format,
                completion: self.completion,
                members: self.members,
                since: self.since,
                bucket_keys: self.bucket_keys,
            }),
            Err(error) => {
                fail(&self.members, &self.completion, error);
                None
            }
        }
    }
}

/// Ends a batch with an error, `flush` first, which reads what the rows' futures only wake for.
pub(super) fn fail(members: &[Arc<Member>], completion: &Arc<Completion>, error: Error) {
    for member in members {
        member.on_failure(completion, &error, members.len() > 1);
    }
    completion.complete(Outcome::Failed(error));
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
        rows += u64::from(batch.rows);
        fail(&batch.members, &batch.completion, error.clone());
    }
    rows
}
