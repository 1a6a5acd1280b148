//! What `poll` takes: rows of one bucket after the other, and failures after the rows that precede them.

use std::ops::Range;
use std::time::{Duration, Instant};

use fluss_metadata::TableBucket;

use super::bucket::{Bucket, Chunk};
use super::state::ScanEngine;
use crate::error::Error;

/// Rows of one batch that `poll` hands out.
#[derive(Debug)]
pub(crate) struct Taken<C> {
    pub(crate) bucket: TableBucket,
    pub(crate) chunk: C,
    pub(crate) rows: Range<usize>,
}

/// What `poll` finds.
#[derive(Debug)]
pub(crate) enum Take<C> {
    Rows(Vec<Taken<C>>),
    Failed(Error),
    Nothing,
}

impl<C: Chunk> ScanEngine<C> {
    /// Puts a bucket into the ring if it has something at its front. Returns whether it was not there before.
    pub(super) fn mark_ready(&mut self, bucket: &TableBucket) -> bool {
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        let is_new = state.failure().is_some_and(|failure| !failure.reported);
        let due = state.has_rows() || (is_new && state.failure_is_due());
        if !due || state.in_ready {
            return false;
        }
        state.in_ready = true;
        self.ready.push_back(*bucket);
        true
    }

    /// Takes rows for `poll`: of one bucket after the other, at most the configured number, but never half an update.
    pub(crate) fn take(&mut self) -> Take<C> {
        let mut taken = Vec::new();
        let mut left = self.limits.max_poll_records;
        while left > 0 {
            let Some(bucket) = self.ready.front().copied() else {
                break;
            };
            let Some(state) = self.buckets.get_mut(&bucket) else {
                self.ready.pop_front();
                continue;
            };
            if state.failure_is_due() {
                if !taken.is_empty() {
                    break;
                }
                self.ready.pop_front();
                state.in_ready = false;
                if let Some(failure) = &mut state.failure {
                    failure.reported = true;
                    return Take::Failed(failure.error.clone());
                }
                continue;
            }
            let freed = take_rows(state, bucket, &mut left, &mut taken);
            self.buffered_bytes = self.buffered_bytes.saturating_sub(freed);
            self.plan_is_due |= freed > 0;
            // A bucket with more rows goes to the back once a poll is full, so that the next one begins with another
            // bucket.
            if left == 0 || !(state.has_rows() || state.failure_is_due()) {
                self.ready.pop_front();
                state.in_ready = false;
                self.mark_ready(&bucket);
            }
        }
        if taken.is_empty() {
            Take::Nothing
        } else {
            Take::Rows(taken)
        }
    }

    /// Why waiting on is in vain: the error of a bucket that stopped, which a poll reported before, or that of one
    /// which has failed for passing reasons since `failing_before`.
    pub(crate) fn standing_failure(&self, failing_before: Instant) -> Option<Error> {
        let stopped = |state: &Bucket<C>| {
            state
                .failure()
                .filter(|_| state.failure_is_due())
                .map(|failure| failure.error.clone())
        };
        self.buckets
            .values()
            .find_map(stopped)
            .or_else(|| self.passing_failure(failing_before))
    }

    /// The error of a bucket that has failed for passing reasons for longer than `patience`, where other buckets have
    /// rows; once in every such time.
    pub(crate) fn overdue_failure(&mut self, now: Instant, patience: Duration) -> Option<Error> {
        // Without rows, a poll waits first: the failure may be over by then.
        if self.ready.is_empty() || self.failures_due.is_some_and(|due| now < due) {
            return None;
        }
        let mut next = now + patience;
        let mut overdue = None;
        for (bucket, state) in &mut self.buckets {
            let Some(failing) = &mut state.failing else {
                continue;
            };
            let due = failing.reported.unwrap_or(failing.since) + patience;
            if due > now {
                next = next.min(due);
            } else if overdue.is_none() {
                failing.reported = Some(now);
                let error = failing.error.clone().of_bucket(*bucket);
                overdue = Some(error.after_attempts(state.failures));
            } else {
                next = now;
            }
        }
        self.failures_due = Some(next);
        overdue
    }

    /// Since when a bucket has failed for passing reasons, the first of several.
    pub(crate) fn failing_since(&self) -> Option<Instant> {
        let failing = self
            .buckets
            .values()
            .filter_map(|state| state.failing.as_ref());
        failing.map(|failing| failing.since).min()
    }

    /// The error of a bucket that has failed for passing reasons since `failing_before`.
    pub(crate) fn passing_failure(&self, failing_before: Instant) -> Option<Error> {
        self.buckets.iter().find_map(|(bucket, state)| {
            let failing = state
                .failing
                .as_ref()
                .filter(|failing| failing.since <= failing_before)?;
            Some(
                failing
                    .error
                    .clone()
                    .of_bucket(*bucket)
                    .after_attempts(state.failures),
            )
        })
    }
}

/// Moves rows of a bucket out, as many as are `left`. Returns the bytes that became free.
fn take_rows<C: Chunk>(
    state: &mut Bucket<C>,
    bucket: TableBucket,
    left: &mut usize,
    taken: &mut Vec<Taken<C>>,
) -> usize {
    let mut freed = state.drop_finished_slots();
    while *left > 0 {
        let Some(chunks) = state.slots.front_mut().map(|slot| &mut slot.chunks) else {
            break;
        };
        let Some(pending) = chunks.front_mut() else {
            break;
        };
        let count = state.stop.map_or_else(
            || pending.chunk.row_count(),
            |stop| rows_before(&pending.chunk, stop),
        );
        let start = pending.next_row;
        if start >= count {
            // The rest of it is after the end of the subscription.
            chunks.pop_front();
            freed += state.drop_finished_slots();
            continue;
        }
        let mut end = count.min(start.saturating_add(*left));
        if end < count && pending.chunk.is_update_before(end.saturating_sub(1)) {
            end += 1;
        }
        *left = left.saturating_sub(end - start);
        state.consumed = pending.chunk.offset_after(end.saturating_sub(1));
        if end < count {
            pending.next_row = end;
            taken.push(Taken {
                bucket,
                chunk: pending.chunk.clone(),
                rows: start..end,
            });
        } else if let Some(pending) = chunks.pop_front() {
            taken.push(Taken {
                bucket,
                chunk: pending.chunk,
                rows: start..end,
            });
            freed += state.drop_finished_slots();
        }
    }
    freed
}

/// How many rows of a batch lie before an offset.
fn rows_before<C: Chunk>(chunk: &C, stop: i64) -> usize {
    let base = chunk.offset_after(0).saturating_sub(1);
    usize::try_from(stop.saturating_sub(base))
        .unwrap_or(0)
        .min(chunk.row_count())
}
