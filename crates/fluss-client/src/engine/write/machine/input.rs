//! What the engine learns: open batches, sealed ones, answers, leaders, writer ids.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use fluss_metadata::TableBucket;
use fluss_rpc::RetryPolicy;

use super::super::answer::{Answer, is_passing};
use super::super::bucket::{Batch, BatchId, Verdict};
use super::{
    BucketNumber, Engine, Open, Part, PartitionNumber, RequestId, Resolution, StaleLeader, Timer,
    Urgency,
};
use crate::error::Error;

impl Engine {
    /// The bucket has an open batch, whose first row was appended at `since`.
    pub(crate) fn on_opened(&mut self, number: BucketNumber, since: Instant) {
        let linger_ends = since + self.limits.linger.min(self.limits.delivery_timeout);
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        bucket.open.get_or_insert(Open {
            since,
            urgency: Urgency::Linger,
        });
        self.arm_linger(number, linger_ends);
        self.open.insert(number);
        if self.limits.linger.is_zero() {
            self.attend(number);
        }
    }

    /// The open batch of the bucket is wanted.
    pub(crate) fn on_urgency(&mut self, number: BucketNumber, urgency: Urgency, now: Instant) {
        self.on_opened(number, now);
        let bucket = self.buckets.get_mut(&number);
        if let Some(open) = bucket.and_then(|bucket| bucket.open.as_mut()) {
            open.urgency = open.urgency.max(urgency);
        }
        self.attend(number);
    }

    /// The bucket has no open batch.
    pub(crate) fn on_none_open(&mut self, number: BucketNumber) {
        if let Some(bucket) = self.buckets.get_mut(&number) {
            bucket.open = None;
            self.open.remove(&number);
        }
    }

    /// Writers wait for memory. Open batches are then sent, unless something else is about to free some: a request in flight, or a batch
    /// that is being sealed.
    pub(crate) fn on_memory_wanted(&mut self, is_sealing: bool) {
        if !is_sealing && self.in_flight == 0 {
            for number in self.open.clone() {
                let bucket = self.buckets.get_mut(&number);
                if let Some(open) = bucket.and_then(|bucket| bucket.open.as_mut()) {
                    open.urgency = Urgency::Flush;
                }
                self.attend(number);
            }
        }
    }

    /// A batch was closed, and is not sealed yet. Batches of different formats never share a request.
    pub(crate) fn push(
        &mut self,
        number: BucketNumber,
        format_id: u64,
        created: Instant,
    ) -> BatchId {
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let deadline = created + self.limits.delivery_timeout;
        if let Some(bucket) = self.buckets.get_mut(&number) {
            bucket.queue.push(Batch::new(id, format_id, deadline));
            self.arm_expiry(number);
        }
        id
    }

    /// A batch is sealed and has this size.
    pub(crate) fn on_sealed(&mut self, number: BucketNumber, batch: BatchId, bytes: usize) {
        if let Some(bucket) = self.buckets.get_mut(&number) {
            bucket.queue.sealed(batch, bytes);
            self.attend(number);
        }
    }

    /// A batch cannot be sealed.
    pub(crate) fn on_seal_failed(&mut self, number: BucketNumber, batch: BatchId, error: Error) {
        let bucket = self.buckets.get_mut(&number);
        if bucket.is_some_and(|bucket| bucket.queue.remove_unsent(batch)) {
            self.finish(number, batch, Err(error));
        }
        self.attend(number);
    }

    /// The search for a partition's leaders ended.
    pub(crate) fn on_resolved(
        &mut self,
        number: PartitionNumber,
        resolution: Resolution,
        now: Instant,
    ) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        partition.is_resolving = false;
        partition.failures = partition.failures.saturating_add(1);
        partition.not_before =
            Some(now + RetryPolicy::BATCH.random_pause(partition.failures, &self.chance));
        match resolution {
            Resolution::Known(id) => {
                let is_another = partition.id.is_some() && partition.id != id;
                partition.id = id;
                partition.is_known = true;
                partition.last_error = None;
                for bucket in self.buckets_of(number) {
                    if is_another && let Some(bucket) = self.buckets.get_mut(&bucket) {
                        bucket.queue.rebind();
                    }
                    self.attend(bucket);
                }
            }
            Resolution::NotYet(error) => {
                partition.last_error = error;
                self.want_partition(number);
            }
            Resolution::Gone(error) => self.fail_partition(number, &error),
        }
    }

    /// The search for a partition's leaders ended: its rows moved to other buckets, and no others will come.
    pub(crate) fn on_rerouted(&mut self, number: PartitionNumber) {
        if let Some(partition) = self.partitions.get_mut(&number) {
            partition.is_resolving = false;
        }
    }

    /// Removes all batches of a bucket, the open one included. Answers that still come for them are ignored.
    pub(crate) fn take_batches(&mut self, number: BucketNumber) -> Vec<BatchId> {
        self.on_none_open(number);
        let bucket = self.buckets.get_mut(&number);
        bucket.map_or_else(Vec::new, |bucket| bucket.queue.take_all())
    }

    /// The request for a writer id ended.
    pub(crate) fn on_writer_id(&mut self, result: Result<i64, Error>, now: Instant) {
        let ids = &mut self.writer_ids;
        ids.is_asking = false;
        match result {
            Ok(id) => {
                ids.current = Some(id);
                ids.failures = 0;
                ids.not_before = None;
                ids.last_error = None;
                for bucket in std::mem::take(&mut ids.waiting) {
                    self.attend(bucket);
                }
            }
            Err(error) if is_passing(&error) => {
                ids.failures = ids.failures.saturating_add(1);
                let not_before = now + RetryPolicy::BATCH.random_pause(ids.failures, &self.chance);
                ids.not_before = Some(not_before);
                ids.last_error = Some(error);
                self.timers.insert((not_before, Timer::WriterId));
            }
            Err(error) => {
                for bucket in std::mem::take(&mut ids.waiting) {
                    self.fail_bucket(bucket, &error);
                }
            }
        }
    }

    /// The answers of a request: one for each of its batches that the server mentioned, `otherwise` for the rest. Returns the buckets
    /// whose leader must be looked up again.
    pub(crate) fn on_answers(
        &mut self,
        request: RequestId,
        mut answers: HashMap<TableBucket, Answer>,
        otherwise: &Answer,
        now: Instant,
    ) -> Vec<StaleLeader> {
        let mut stale = Vec::new();
        let Some((connection, parts)) = self.requests.remove(&request) else {
            return stale;
        };
        self.in_flight = self.in_flight.saturating_sub(1);
        let mut blocked = BTreeSet::new();
        if let Some(state) = self.connections.get_mut(&connection) {
            state.in_flight = state.in_flight.saturating_sub(1);
            state.is_proven = !matches!(otherwise, Answer::Lost { .. }) || !answers.is_empty();
            blocked = std::mem::take(&mut state.blocked);
            if state.in_flight == 0 && !state.is_proven {
                self.connections.remove(&connection);
            }
        }
        for part in parts {
            let answer = answers
                .remove(&part.table_bucket)
                .unwrap_or_else(|| otherwise.clone());
            if answer.invalidates_leader() {
                stale.push(StaleLeader {
                    bucket: part.table_bucket,
                    is_unknown: answer.says_unknown_bucket(),
                });
            }
            self.on_answer(part, answer, now);
        }
        for bucket in blocked {
            self.attend(bucket);
        }
        stale
    }

    fn on_answer(&mut self, part: Part, answer: Answer, now: Instant) {
        let Part {
            bucket: number,
            batch,
            ..
        } = part;
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        let verdict = bucket
            .queue
            .on_answer(batch, answer, now, &self.limits, &self.chance);
        match verdict {
            Some(Verdict::Done(offset)) => {
                if let Some(partition) = self.partitions.get_mut(&bucket.partition) {
                    partition.failures = 0;
                    partition.not_before = None;
                }
                self.finish(number, batch, Ok(offset));
            }
            Some(Verdict::Failed(error)) => self.finish(number, batch, Err(error)),
            Some(Verdict::Again) | None => {}
        }
        self.attend(number);
        self.arm_expiry(number);
    }

    /// Fails all batches of a table or partition.
    pub(crate) fn fail_partition(&mut self, number: PartitionNumber, error: &Error) {
        for bucket in self.buckets_of(number) {
            self.fail_bucket(bucket, error);
        }
    }

    /// Fails everything, at the end of the connection.
    pub(crate) fn fail_all(&mut self, error: &Error) {
        for number in self.partitions.keys().copied().collect::<Vec<_>>() {
            self.fail_partition(number, error);
        }
    }
}
