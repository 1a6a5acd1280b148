//! Reading between bounds: from a time, to an offset or a time, or until a bucket is gone.

use fluss_metadata::TableBucket;

use super::bucket::{Bucket, Chunk, Phase};
use super::start::StartOffset;
use super::state::ScanEngine;
use crate::error::Error;

/// What the header of a batch says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    /// When the server took it in, in milliseconds since the epoch.
    pub(crate) commit_time: i64,
}

impl<C: Chunk> ScanEngine<C> {
    /// Reads a bucket to just before `stop`, and no further.
    pub(crate) fn stop_at(&mut self, bucket: &TableBucket, stop: i64) {
        self.give_end(bucket, stop, None);
    }

    /// Reads a bucket to just before its first batch that was written at or after `time`, or to `latest` if there is
    /// none before.
    pub(crate) fn stop_at_time(&mut self, bucket: &TableBucket, latest: i64, time: i64) {
        self.give_end(bucket, latest, Some(time));
    }

    fn give_end(&mut self, bucket: &TableBucket, stop: i64, until: Option<i64>) {
        let Some(state) = self.buckets.get(bucket) else {
            return;
        };
        let thrown_away = state
            .stop
            .is_some_and(|old| stop > old && state.fetch_offset > old);
        let told = state.failure().is_some_and(|failure| failure.reported);
        if thrown_away && !told && !state.closing {
            self.read_again(bucket);
        }
        let Some(state) = self.buckets.get_mut(bucket) else {
            return;
        };
        state.stop = Some(stop);
        state.until = until;
        state.find_end();
        self.watches.changed = true;
        self.plan_is_due = true;
    }

    /// Continues fetching after what was returned: what was fetched after the previous end was discarded, and now
    /// there is a later end.
    fn read_again(&mut self, bucket: &TableBucket) {
        let generation = self.next_id();
        let Some(old) = self.buckets.get(bucket) else {
            return;
        };
        let again = Bucket {
            told: old.told,
            since: old.since,
            of_table: old.of_table,
            ..Bucket::new(generation, StartOffset::At(old.consumed))
        };
        self.unsubscribe(bucket);
        self.buckets.insert(*bucket, again);
        self.order.push_back(*bucket);
    }

    /// Picks the batches of an answer that are to be read, by their headers: none that is older than the time from
    /// which on a bucket is read, and none at or after its end. `from` is the requested offset. Returns the offset
    /// from which rows are needed.
    pub(crate) fn admit<B>(
        &mut self,
        bucket: &TableBucket,
        from: i64,
        batches: &mut Vec<B>,
        header: impl Fn(&B) -> BatchHeader,
    ) -> i64 {
        let Some(state) = self.buckets.get_mut(bucket) else {
            batches.clear();
            return from;
        };
        if state.since.is_none() && state.stop.is_none() {
            return from;
        }
        let entry = state.entry;
        batches.retain(|batch| state.admits(header(batch)));
        if entry == Some(from)
            && state.entry.is_none()
            && let Some(first) = batches.first()
        {
            // The answer to the question for a time may lie inside the batch.
            return header(first).base_offset;
        }
        from
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
            self.closing = true;
            self.watches.changed = true;
            self.plan_is_due = true;
        }
    }

    /// Takes in that a bucket is gone. Who reads the whole table reads what there is of it; who named the bucket is
    /// told, once.
    pub(crate) fn give_up(&mut self, bucket: &TableBucket, error: Error) {
        let discovering = self.is_discovering();
        match self.buckets.get(bucket) {
            Some(state) if state.of_table || discovering => self.close(bucket),
            Some(state) if state.failure.is_none() => self.fail(bucket, error),
            _ => {}
        }
    }

    /// Forgets the buckets that are gone and handed out.
    pub(super) fn forget_closed(&mut self) {
        if !self.closing {
            return;
        }
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
        self.closing = self.buckets.values().any(|state| state.closing);
    }

    /// Whether everything up to the end of every bucket was handed out, the errors of those that stopped before it
    /// included.
    pub(crate) fn is_finished(&self) -> bool {
        self.bounded && self.buckets.values().all(Bucket::is_handed_out)
    }

    /// Whether nothing more can arrive: every bucket was read to its end, or stopped with an error that was returned.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_discovering() && self.buckets.values().all(Bucket::is_handed_out)
    }
}

impl<C: Chunk> Bucket<C> {
    /// Whether a batch is to be read.
    fn admits(&mut self, header: BatchHeader) -> bool {
        let (base, time) = (header.base_offset, header.commit_time);
        if self.since.is_some_and(|since| time < since) {
            return false;
        }
        self.end_before(base, time);
        if self.stop.is_some_and(|stop| base >= stop) {
            return false;
        }
        if let Some(entry) = self.entry.take()
            && self.consumed == entry
        {
            // Now it is known exactly.
            self.consumed = base;
            self.told = self.told.min(base);
        }
        true
    }

    /// Ends before a batch if it is the first one that is too new.
    pub(super) fn end_before(&mut self, base_offset: i64, time: i64) {
        if self.until.is_some_and(|until| until <= time) {
            self.stop = self.stop.map(|stop| stop.min(base_offset));
        }
    }

    /// Looks for the end in what is decoded already.
    fn find_end(&mut self) {
        let Some(until) = self.until else {
            return;
        };
        let mut chunks = self.slots.iter().flat_map(|slot| &slot.chunks);
        let found = chunks.find(|pending| pending.chunk.timestamp() >= until);
        if let Some(pending) = found {
            let base = pending.chunk.offset_after(0) - 1;
            self.stop = self.stop.map(|stop| stop.min(base));
        }
    }
}
