//! What was decoded of an answer, and its end.

use fluss_metadata::TableBucket;

use super::bucket::{Chunk, Phase};
use super::buffer::Pending;
use super::buffer::Ticket;
use super::state::ScanEngine;
use crate::error::{Error, Result};

impl<C: Chunk> ScanEngine<C> {
    /// Takes in one decoded batch of an answer. Returns whether there is something new for `poll`.
    pub(crate) fn on_decoded(&mut self, bucket: &TableBucket, ticket: Ticket, chunk: C) -> bool {
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        let Some(slot) = state.slots.iter_mut().find(|slot| slot.ticket == ticket) else {
            return false;
        };
        slot.decoded_to = slot.decoded_to.max(chunk.next_offset());
        let next_row = chunk.skipped_rows();
        let unpacked = chunk.unpacked_bytes();
        slot.unpacked_bytes += unpacked;
        state.unpacked_bytes += unpacked;
        self.buffered_bytes += unpacked;
        if next_row < chunk.row_count() {
            let (base, time) = (chunk.offset_after(0) - 1, chunk.timestamp());
            slot.chunks.push_back(Pending { chunk, next_row });
            // An end may have been given after the batch was admitted.
            state.end_before(base, time);
        }
        self.mark_ready(bucket)
    }

    /// Takes in that an answer is decoded to its end. Returns whether there is something new for `poll`.
    pub(crate) fn on_decode_end(
        &mut self,
        bucket: &TableBucket,
        ticket: Ticket,
        outcome: Result<()>,
    ) -> bool {
        let failure = outcome.err().map(|error| (error, None));
        self.end_slot(bucket, ticket, failure)
    }

    /// As [`on_decode_end`](Self::on_decode_end), of an answer that cannot be read on from the offset `at`.
    pub(crate) fn on_broken(
        &mut self,
        bucket: &TableBucket,
        ticket: Ticket,
        error: Error,
        at: i64,
    ) -> bool {
        self.end_slot(bucket, ticket, Some((error, Some(at))))
    }

    fn end_slot(
        &mut self,
        bucket: &TableBucket,
        ticket: Ticket,
        failure: Option<(Error, Option<i64>)>,
    ) -> bool {
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        let Some(index) = state.slots.iter().position(|slot| slot.ticket == ticket) else {
            return false;
        };
        let (mut freed, mut unpacked) = (0, 0);
        match failure {
            None => {
                if let Some(slot) = state.slots.get_mut(index) {
                    slot.done = true;
                }
            }
            Some((error, at)) => {
                // What was decoded before the failure is still returned; what follows it is not.
                while state.slots.len() > index + 1 {
                    if let Some(slot) = state.slots.pop_back() {
                        freed += slot.bytes;
                        unpacked += slot.unpacked_bytes;
                    }
                }
                if let Some(slot) = state.slots.get_mut(index) {
                    slot.done = true;
                    let at = at.unwrap_or(slot.decoded_to);
                    slot.end_offset = at;
                    self.watches.changed |= state.phase == Phase::Watched;
                    state.stop_with(error.of_bucket(*bucket), at);
                }
                state.buffered_bytes = state.buffered_bytes.saturating_sub(freed);
                state.unpacked_bytes = state.unpacked_bytes.saturating_sub(unpacked);
            }
        }
        freed += unpacked + state.drop_finished_slots();
        self.buffered_bytes = self.buffered_bytes.saturating_sub(freed);
        self.mark_ready(bucket)
    }
}
