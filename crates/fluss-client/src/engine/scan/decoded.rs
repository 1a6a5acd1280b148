//! What was decoded of an answer, and its end.

use fluss_metadata::TableBucket;

use super::bucket::{Chunk, Failure, Phase, Ticket};
use super::buffer::Pending;
use super::state::ScanEngine;
use crate::error::Result;

impl<C: Chunk> ScanEngine<C> {
    /// Takes in one decoded batch of an answer. Returns whether there is something new for `poll`.
    pub(crate) fn on_decoded(&mut self, bucket: &TableBucket, ticket: Ticket, chunk: C) -> bool {
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        let Some(slot) = state.slots.iter_mut().find(|slot| slot.ticket == ticket) else {
            return false;
        };
        let next_row = chunk.skipped_rows();
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
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        let Some(index) = state.slots.iter().position(|slot| slot.ticket == ticket) else {
            return false;
        };
        let mut freed = 0;
        match outcome {
            Ok(()) => {
                if let Some(slot) = state.slots.get_mut(index) {
                    slot.done = true;
                }
            }
            Err(error) => {
                // What was decoded before the failure is still handed out; what lies behind it is not.
                while state.slots.len() > index + 1 {
                    freed += state.slots.pop_back().map_or(0, |slot| slot.bytes);
                }
                if let Some(slot) = state.slots.get_mut(index) {
                    slot.done = true;
                    slot.end_offset = slot.chunks.back().map_or(state.consumed, |pending| {
                        pending
                            .chunk
                            .offset_after(pending.chunk.row_count().saturating_sub(1))
                    });
                }
                state.buffered_bytes = state.buffered_bytes.saturating_sub(freed);
                state.phase = Phase::Stopped;
                state.failure = Some(Failure {
                    error: error.of_bucket(*bucket),
                    reported: false,
                });
            }
        }
        freed += state.drop_finished_slots();
        self.buffered_bytes = self.buffered_bytes.saturating_sub(freed);
        self.mark_ready(bucket)
    }
}
