//! Closed batches get their final bytes: small ones at once, large ones on threads that may be busy for milliseconds.
//!
//! Arrow batches of users, which are held without a copy, wait until it is nearly their turn: a queue of them takes no memory beside
//! the user's own, however far the writer is ahead of the server. Those made ready are copies, for which there is a bound, too.

use tokio::task::spawn_blocking;

use super::payload::{Body, Payload};
use super::{Event, Sender};
use crate::engine::write::{BatchId, Fill, SlotId};
use crate::error::{Error, Result};
use crate::write::batch::ClosedBatch;
use crate::write::encoder::{Encoder, Sealed};
use crate::write::metrics;

/// Batches up to this size are sealed by the sender itself: handing them to another thread would take longer.
const SEAL_HERE: usize = 32 * 1024;
/// Batches of a bucket that are made ready beyond those that may be on their way.
pub(in crate::write) const READY: usize = 2;

/// Part of the write buffer that there has to be for each batch that is sealed at the same time: a codec takes some MiB while it works.
const BUFFER_PER_SEALING: usize = 8 * 1024 * 1024;

/// How many batches may be sealed at once: one on each processor, if the write buffer is large enough.
pub(super) fn max_sealing(processors: usize, buffer: usize) -> usize {
    processors.min(buffer / BUFFER_PER_SEALING).max(1)
}

impl Sender {
    pub(super) fn push(&mut self, slot: SlotId, closed: ClosedBatch) {
        let ClosedBatch {
            batch,
            encoder,
            fill,
        } = closed;
        let (group, since) = (batch.format.number, batch.since);
        let is_small = batch.credit.bytes() <= SEAL_HERE;
        let (body, to_seal) = if self.is_moving(slot) || encoder.is_view() && !is_small {
            (Body::Held(encoder), None)
        } else {
            (Body::Away, Some(encoder))
        };
        let payload = Payload {
            batch,
            body,
            fill,
            copied: None,
            sent: None,
        };
        let id = self.engine.push(slot, payload, group, since);
        match to_seal {
            Some(encoder) if is_small => self.on_sealed(slot, id, encoder.seal()),
            Some(encoder) => self.to_seal.push_back((slot, id, encoder)),
            None => self.seal_near(slot),
        }
        self.seal_next();
    }

    /// Takes those batches of a bucket for sealing whose turn is near.
    pub(super) fn seal_near(&mut self, slot: SlotId) {
        if self.is_moving(slot) {
            return;
        }
        let near = self.config.writer_max_inflight_requests_per_bucket + READY;
        let mut is_first = true;
        for (batch, payload) in self.engine.first_batches(slot, near) {
            if let Body::Held(_) = payload.body {
                payload.copied = self.copies.add(payload.batch.credit.bytes(), is_first);
                if payload.copied.is_none() {
                    self.copies.wait(slot);
                    return;
                }
                if let Body::Held(encoder) = std::mem::replace(&mut payload.body, Body::Away) {
                    self.to_seal.push_back((slot, batch, encoder));
                }
            }
            is_first = false;
        }
    }

    /// Takes batches of buckets for sealing that have waited for room.
    pub(super) fn seal_waiting(&mut self) {
        for slot in self.copies.take_waiting() {
            self.seal_near(slot);
        }
    }

    pub(super) fn seal_next(&mut self) {
        while self.sealing < self.max_sealing
            && let Some((slot, batch, encoder)) = self.to_seal.pop_front()
        {
            self.sealing += 1;
            let sealed = spawn_blocking(move || encoder.seal());
            self.events.push(Box::pin(async move {
                let result = sealed.await.unwrap_or_else(|error| {
                    Err(Error::usage(format!(
                        "the rows of a batch cannot be encoded: {error}"
                    )))
                });
                Event::Sealed {
                    slot,
                    batch,
                    result,
                }
            }));
        }
    }

    pub(super) fn on_sealed(
        &mut self,
        slot: SlotId,
        batch: BatchId,
        result: Result<(Sealed, Option<Encoder>)>,
    ) {
        match result {
            Ok((sealed, builder)) => {
                let bytes = sealed.len();
                let mut fill = Fill::Hurried;
                if let Some(payload) = self.engine.payload_mut(slot, batch) {
                    let batch = &mut payload.batch;
                    batch.format.learn_ratio(sealed.uncompressed_bytes(), bytes);
                    fill = payload.fill;
                    payload.body = Body::Here(sealed);
                    batch.format.keep(builder);
                    batch.credit.set(bytes + batch.bucket_keys.size_bytes());
                    if let Some(copied) = &mut payload.copied {
                        copied.shrink(bytes);
                    }
                    metrics::on_batch(bytes, batch.rows());
                }
                let most = self.config.writer_batch_size;
                let group = self.slot(slot).and_then(|slot| slot.group());
                if let Some(group) = group.filter(|_| self.config.writer_dynamic_batch_size) {
                    group.learn_batch_size(bytes, fill, most);
                }
                self.engine.on_sealed(slot, batch, bytes);
            }
            Err(error) => self.engine.on_seal_failed(slot, batch, error),
        }
        self.seal_waiting();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_batches_are_sealed_at_once_as_processor_and_buffer_allow() {
        const MIB: usize = 1 << 20;
        for (processors, buffer, expected) in [
            (2, 64 * MIB, 2),
            (64, 64 * MIB, 8),
            (64, 1024 * MIB, 64),
            (4, 1000, 1),
        ] {
            assert_eq!(max_sealing(processors, buffer), expected);
        }
    }
}
