//! Closed batches are sealed: small ones at once, large ones on threads that may be busy for milliseconds.
//!
//! Arrow batches of users are held without a copy until they are about to be sent: a queue of them takes no memory besides the user's
//! own, however far the writer is ahead of the server. Sealed ones are copies, which are bounded as well.

use tokio::task::spawn_blocking;

use super::pending::{Body, PendingBatch};
use super::state::{Event, Sender};
use crate::engine::write::{BatchId, BucketNumber};
use crate::error::{Error, Result};
use crate::write::batch::ClosedBatch;
use crate::write::encoder::{Encoder, Sealed};
use crate::write::metrics;

/// Batches up to this size are sealed by the sender itself: handing them to another thread would take longer.
const SEAL_HERE: usize = 32 * 1024;
/// Batches of a bucket that are sealed in advance, besides those that may be in flight.
pub(in crate::write) const READY: usize = 2;

impl Sender {
    pub(super) fn push(&mut self, bucket: BucketNumber, closed: ClosedBatch) {
        let ClosedBatch {
            batch,
            encoder,
            closed_by,
        } = closed;
        let id = self
            .engine
            .push(bucket, batch.format.format_id, batch.since);
        let is_small = batch.credit.bytes() <= SEAL_HERE;
        let (body, to_seal) = if self.is_moving(bucket) || encoder.is_view() && !is_small {
            (Body::Held(encoder), None)
        } else {
            (Body::Away, Some(encoder))
        };
        let pending = PendingBatch {
            batch,
            body,
            closed_by,
            copied: None,
            sent: None,
        };
        self.batches.insert(id, pending);
        match to_seal {
            Some(encoder) if is_small => self.on_sealed(bucket, id, encoder.seal()),
            Some(encoder) => self.to_seal.push_back((bucket, id, encoder)),
            None => self.seal_near(bucket),
        }
        self.seal_next();
    }

    /// Whether the rows of a bucket are about to move to other buckets.
    fn is_moving(&self, bucket: BucketNumber) -> bool {
        let partition = self.partition_of(bucket);
        partition.is_some_and(|(partition, _)| partition.is_moving)
    }

    /// Takes those batches of a bucket for sealing that are about to be sent.
    pub(super) fn seal_near(&mut self, bucket: BucketNumber) {
        if self.is_moving(bucket) {
            return;
        }
        let near = self.config.writer_max_inflight_requests_per_bucket + READY;
        let mut is_first = true;
        for id in self.engine.first_batches(bucket, near) {
            let Some(pending) = self.batches.get_mut(&id) else {
                continue;
            };
            if let Body::Held(_) = pending.body {
                pending.copied = self.copies.add(pending.batch.credit.bytes(), is_first);
                if pending.copied.is_none() {
                    self.copies.wait(bucket);
                    return;
                }
                if let Body::Held(encoder) = std::mem::replace(&mut pending.body, Body::Away) {
                    self.to_seal.push_back((bucket, id, encoder));
                }
            }
            is_first = false;
        }
    }

    /// Takes batches of buckets for sealing that have waited for room.
    pub(super) fn seal_waiting(&mut self) {
        for bucket in self.copies.take_waiting() {
            self.seal_near(bucket);
        }
    }

    pub(super) fn seal_next(&mut self) {
        while self.sealing < self.max_sealing
            && let Some((bucket, batch, encoder)) = self.to_seal.pop_front()
        {
            self.sealing += 1;
            let sealed = spawn_blocking(move || encoder.seal());
            self.events.push(Box::pin(async move {
                let result = sealed.await.unwrap_or_else(|error| {
                    // The runtime ends, or the encoder panicked.
                    Err(if error.is_cancelled() {
                        Error::closed("the connection")
                    } else {
                        Error::internal(format!("the rows of a batch cannot be encoded: {error}"))
                    })
                });
                Event::Sealed {
                    bucket,
                    batch,
                    result,
                }
            }));
        }
    }

    pub(super) fn on_sealed(
        &mut self,
        bucket: BucketNumber,
        id: BatchId,
        result: Result<(Sealed, Option<Encoder>)>,
    ) {
        match result {
            Ok((sealed, builder)) => {
                let bytes = sealed.len();
                if let Some(pending) = self.batches.get_mut(&id) {
                    let batch = &mut pending.batch;
                    batch.format.learn_ratio(sealed.uncompressed_bytes(), bytes);
                    batch.format.keep(builder);
                    batch.credit.set(bytes + batch.bucket_keys.size_bytes());
                    pending.body = Body::Here(sealed);
                    if let Some(copied) = &mut pending.copied {
                        copied.shrink(bytes);
                    }
                    metrics::on_batch(bytes, pending.batch.rows());
                    let closed_by = pending.closed_by;
                    if self.config.writer_dynamic_batch_size
                        && let Some((partition, _)) = self.partition_of(bucket)
                    {
                        let most = self.config.writer_batch_size;
                        partition.buckets.learn_batch_size(bytes, closed_by, most);
                    }
                }
                self.engine.on_sealed(bucket, id, bytes);
            }
            Err(error) => self.engine.on_seal_failed(bucket, id, error),
        }
        self.seal_waiting();
    }
}
