//! Closed batches get their final bytes: small ones at once, large ones on threads that may be busy for milliseconds.
//!
//! Arrow batches of users, which are held without a copy, wait until it is nearly their turn: a queue of them takes no memory beside
//! the user's own, however far the writer is ahead of the server.

use tokio::task::spawn_blocking;

use super::payload::{Body, Payload};
use super::{Event, Sender};
use crate::engine::write::{BatchId, Fill, SlotId};
use crate::error::{Error, Result};
use crate::write::encoder::{Encoder, Sealed};
use crate::write::metrics;
use crate::write::slot::ClosedBatch;

/// Batches up to this size are sealed by the sender itself: handing them to another thread would take longer.
const SEAL_HERE: usize = 32 * 1024;
/// Batches of a bucket that are made ready beyond those that may be on their way.
pub(in crate::write) const READY: usize = 2;

impl Sender {
    pub(super) fn push(&mut self, slot: SlotId, batch: ClosedBatch) {
        let ClosedBatch {
            encoder,
            rows,
            credit,
            format,
            completion,
            members,
            since,
            fill,
            bucket_keys,
        } = batch;
        let (group, is_small) = (format.number, credit.bytes() <= SEAL_HERE);
        let (body, to_seal) = if self.is_moving(slot) || encoder.is_view() && !is_small {
            (Body::Held(encoder), None)
        } else {
            (Body::Away, Some(encoder))
        };
        let payload = Payload {
            body,
            rows,
            credit,
            format,
            completion,
            members,
            since,
            fill,
            bucket_keys,
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
        for (batch, payload) in self.engine.first_batches(slot, near) {
            if let Body::Held(_) = payload.body
                && let Body::Held(encoder) = std::mem::replace(&mut payload.body, Body::Away)
            {
                self.to_seal.push_back((slot, batch, encoder));
            }
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
                    payload
                        .format
                        .learn_ratio(sealed.uncompressed_bytes(), bytes);
                    fill = payload.fill;
                    payload.body = Body::Here(sealed);
                    payload.format.keep(builder);
                    payload.credit.set(bytes + payload.bucket_keys.size_bytes());
                    metrics::on_batch(bytes, payload.rows);
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
    }
}
