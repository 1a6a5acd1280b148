//! Reading to an end: at an offset, or because a bucket is gone.

use fluss_metadata::TableBucket;

use super::bucket::{Chunk, Phase};
use super::state::ScanEngine;

impl<C: Chunk> ScanEngine<C> {
    /// Reads a bucket to just before `stop`, and no further. What was fetched from there on is thrown away.
    pub(crate) fn stop_at(&mut self, bucket: &TableBucket, stop: i64) {
        if let Some(state) = self.buckets.get_mut(bucket) {
            state.stop = Some(stop);
            self.plan_is_due = true;
        }
    }

    /// Takes in that every bucket was given an end, so that the scan as a whole has one.
    pub(crate) fn set_bounded(&mut self) {
        self.bounded = true;
    }

    /// Asks for nothing more of a bucket that is gone, and forgets it once what was fetched is handed out.
    pub(crate) fn close(&mut self, bucket: &TableBucket) {
        if let Some(state) = self.buckets.get_mut(bucket) {
            state.closing = true;
            state.failure = None;
            self.plan_is_due = true;
        }
    }

    /// Forgets the buckets that are gone and handed out.
    pub(super) fn forget_closed(&mut self) {
        let gone: Vec<_> = self
            .buckets
            .iter()
            .filter(|(_, state)| {
                state.closing && state.slots.is_empty() && state.phase != Phase::InFlight
            })
            .map(|(bucket, _)| *bucket)
            .collect();
        for bucket in gone {
            self.unsubscribe(&bucket);
        }
    }

    /// Whether everything up to the end of every bucket was handed out.
    pub(crate) fn is_finished(&self) -> bool {
        self.bounded
            && self
                .buckets
                .values()
                .all(|state| state.is_ended() && state.slots.is_empty())
    }

    /// Whether nothing can come any more: every bucket was read to its end, or stopped with an error that was told.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_discovering()
            && self.buckets.values().all(|state| {
                state.slots.is_empty()
                    && (state.is_ended()
                        || state
                            .failure
                            .as_ref()
                            .is_some_and(|failure| failure.reported))
            })
    }
}
