//! A batch of rows: what belongs to it from its first row to the answer of the server.

use std::sync::Arc;
use std::time::Instant;

use super::completion::{Completion, Outcome};
use super::encoder::{Encoder, Sealed};
use super::format::WriteFormat;
use super::memory::{Credit, Memory};
use super::writer_state::WriterState;
use crate::engine::write::ClosedBy;
use crate::error::{Error, Result};

/// What stays with a batch while its rows are collected, sealed, sent, or written again to other buckets.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) format: Arc<WriteFormat>,
    pub(super) completion: Arc<Completion>,
    /// Its part of the write buffer.
    pub(super) credit: Credit,
    /// The writers that have rows in it.
    pub(super) writers: Vec<Arc<WriterState>>,
    /// When the first row came.
    pub(super) since: Instant,
    /// The bucket keys of its rows, if they cannot be computed from the rows.
    pub(super) bucket_keys: BucketKeys,
}

/// A batch that takes rows.
#[derive(Debug)]
pub(super) struct OpenBatch {
    pub(super) batch: Batch,
    pub(super) encoder: Encoder,
    /// Bytes of rows so far.
    pub(super) bytes: usize,
    /// Bytes at which it is full.
    pub(super) full_at: usize,
}

/// A batch that no longer takes rows.
#[derive(Debug)]
pub(super) struct ClosedBatch {
    pub(super) batch: Batch,
    pub(super) encoder: Encoder,
    pub(super) closed_by: ClosedBy,
}

/// A sealed batch whose rows are to be written again, to other buckets.
#[derive(Debug)]
pub(super) struct Rerouted {
    pub(super) batch: Batch,
    pub(super) sealed: Sealed,
}

impl Batch {
    pub(super) fn new(
        format: &Arc<WriteFormat>,
        completion: Completion,
        credit: Credit,
        since: Instant,
    ) -> Self {
        Self {
            format: Arc::clone(format),
            completion: Arc::new(completion),
            credit,
            writers: Vec::with_capacity(1),
            since,
            bucket_keys: BucketKeys::default(),
        }
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> u32 {
        self.completion.rows()
    }

    /// Adds a writer that has rows in the batch.
    #[cold]
    pub(super) fn join(&mut self, writer: &Arc<WriterState>) {
        if !self.writers.iter().any(|other| Arc::ptr_eq(other, writer)) {
            self.writers.push(Arc::clone(writer));
            writer.join(&self.completion);
        }
    }

    /// Fails the rows. The writers get the error first, because `flush` reads it from them; the futures of the rows only wake it.
    pub(super) fn fail(self, error: Error) {
        for writer in &self.writers {
            writer.on_failure(&self.completion, &error, self.writers.len() > 1);
        }
        self.completion.complete(Outcome::Failed(error));
    }

    /// The sealed batch, for its rows to be written again. If it cannot be sealed, the rows fail.
    pub(super) fn reroute(self, sealed: Result<(Sealed, Option<Encoder>)>) -> Option<Rerouted> {
        match sealed {
            Ok((sealed, builder)) => {
                self.format.keep(builder);
                Some(Rerouted {
                    batch: self,
                    sealed,
                })
            }
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }
}

impl OpenBatch {
    /// An empty batch. `max_size` is the size at which batches are full, before compression is taken into account.
    pub(super) fn new(batch: Batch, max_size: usize, memory: &Memory) -> Result<Self> {
        Ok(Self {
            encoder: batch.format.encoder()?,
            bytes: 0,
            full_at: batch.format.full_at(max_size, memory.capacity()),
            batch,
        })
    }

    /// Counts rows that the encoder took as `bytes`. Returns the index of the first one.
    #[inline]
    pub(super) fn add(&mut self, rows: u32, bytes: usize) -> u32 {
        self.bytes += bytes;
        if self.bytes > self.batch.credit.bytes() {
            self.batch.credit.set(self.bytes);
        }
        self.batch.completion.add_rows(rows)
    }

    pub(super) fn close(self) -> ClosedBatch {
        let closed_by = if self.bytes >= self.full_at {
            ClosedBy::Size
        } else {
            ClosedBy::Urgency
        };
        ClosedBatch {
            batch: self.batch,
            encoder: self.encoder,
            closed_by,
        }
    }
}

impl ClosedBatch {
    /// See [`Batch::reroute`].
    pub(super) fn reroute(self) -> Option<Rerouted> {
        self.batch.reroute(self.encoder.seal())
    }
}

/// The bucket keys of the rows of a batch, concatenated.
#[derive(Debug, Default)]
pub(super) struct BucketKeys {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl BucketKeys {
    pub(super) fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len() as u32);
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.ends)
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.bytes.get(start..*self.ends.get(index)? as usize)
    }
}
