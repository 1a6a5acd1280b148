//! What the engine wants done next: which open batches are closed, which leaders are looked up, and when to look again.

use std::collections::BTreeSet;
use std::time::Instant;

use fluss_metadata::{TableBucket, TableId};

use crate::error::{Cause, Error};

use super::{Action, BucketNumber, Engine, PartitionNumber, ServerId, Timer, Urgency};

impl Engine {
    /// The next thing to do. `leader` returns the server that leads a bucket now.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        leader: &mut impl FnMut(BucketNumber, &TableBucket) -> Option<ServerId>,
    ) -> Option<Action> {
        self.fire_timers(now);
        while let Some(number) = self.attention.pop_front() {
            if let Some(bucket) = self.buckets.get_mut(&number) {
                bucket.has_attention = false;
            }
            if self.attend_to(number, now, leader) {
                // It is looked at again when the batch is sealed.
                return Some(Action::Close(number));
            }
        }
        if let Some(partition) = self.next_partition(now) {
            return Some(Action::Resolve(partition));
        }
        if self.outbox.is_empty() && !self.sendable.is_empty() {
            self.fill_outbox(now, leader);
        }
        if let Some(tables) = self.ask_for_writer_id(now) {
            return Some(Action::InitWriter(tables));
        }
        self.outbox.pop_front().map(Action::Send)
    }

    /// When [`poll`](Self::poll) may have something to do again without anything else happening.
    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    pub(super) fn attend(&mut self, number: BucketNumber) {
        if let Some(bucket) = self.buckets.get_mut(&number)
            && !bucket.has_attention
        {
            bucket.has_attention = true;
            self.attention.push_back(number);
        }
    }

    /// Looks at a bucket: whether its open batch is to be closed now (true), and whether it has something to send.
    fn attend_to(
        &mut self,
        number: BucketNumber,
        now: Instant,
        leader: &mut impl FnMut(BucketNumber, &TableBucket) -> Option<ServerId>,
    ) -> bool {
        let Some(table_bucket) = self.table_bucket(number) else {
            return false;
        };
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return false;
        };
        let has_work = bucket.open.is_some() || !bucket.queue.is_empty();
        let partition = bucket.partition;
        let is_known = self
            .partitions
            .get(&partition)
            .is_some_and(|partition| partition.is_known);
        let is_led = is_known && leader(number, &table_bucket).is_some();
        bucket.is_leaderless = is_known && !is_led;
        if !is_led {
            if has_work {
                self.want_partition(partition);
            }
            return self.is_overdue(number, now);
        }
        if let Some(until) = bucket.queue.paused_until().filter(|until| *until > now) {
            self.timers.insert((until, Timer::Resume(number)));
        } else if bucket.queue.waiting() > 0 && !bucket.is_sendable {
            bucket.is_sendable = true;
            self.sendable.push(number);
        }
        self.is_closable(number, now) || self.is_overdue(number, now)
    }

    fn is_closable(&self, number: BucketNumber, now: Instant) -> bool {
        let Some(bucket) = self.buckets.get(&number) else {
            return false;
        };
        let Some(open) = bucket.open else {
            return false;
        };
        let is_due = match open.urgency {
            Urgency::Flush => true,
            Urgency::Urgent => {
                bucket.queue.in_flight() == 0 || open.since + self.limits.linger <= now
            }
            Urgency::Linger => open.since + self.limits.linger <= now,
        };
        is_due && bucket.queue.has_room(now, &self.limits)
    }

    /// Whether the time of the open batch is over although it could not be sent.
    fn is_overdue(&self, number: BucketNumber, now: Instant) -> bool {
        self.buckets
            .get(&number)
            .and_then(|bucket| bucket.open)
            .is_some_and(|open| open.since + self.limits.delivery_timeout <= now)
    }

    fn fire_timers(&mut self, now: Instant) {
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Linger(bucket) => self.on_linger(bucket, now),
                Timer::Resume(bucket) => self.attend(bucket),
                Timer::Expiry(bucket) => self.expire(bucket, now),
                Timer::Partition(number) => {
                    let partition = self.partitions.get_mut(&number);
                    if let Some(partition) = partition.filter(|found| !found.is_resolving) {
                        partition.is_wanted = false;
                    }
                    for bucket in self.buckets_of(number) {
                        self.attend(bucket);
                    }
                }
                Timer::WriterId => {
                    for bucket in std::mem::take(&mut self.writer_ids.waiting) {
                        self.attend(bucket);
                    }
                }
            }
        }
    }

    /// The linger of the batch that was open when the timer was set is over. Another batch may be open now.
    fn on_linger(&mut self, number: BucketNumber, now: Instant) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        bucket.linger_due = None;
        let Some(open) = bucket.open else { return };
        let linger_ends = open.since + self.limits.linger;
        let delivery_ends = open.since + self.limits.delivery_timeout;
        // After the linger comes the delivery timeout, for a batch that could not be sent.
        let next = if linger_ends > now {
            linger_ends.min(delivery_ends)
        } else {
            delivery_ends
        };
        if next > now {
            self.arm_linger(number, next);
        }
        if linger_ends <= now || delivery_ends <= now {
            self.attend(number);
        }
    }

    /// Sets the linger timer to `at`, unless it fires earlier: that of an earlier batch may be set to a much later time.
    pub(super) fn arm_linger(&mut self, number: BucketNumber, at: Instant) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        if bucket.linger_due.is_some_and(|due| due <= at) {
            return;
        }
        if let Some(due) = bucket.linger_due.replace(at) {
            self.timers.remove(&(due, Timer::Linger(number)));
        }
        self.timers.insert((at, Timer::Linger(number)));
    }

    pub(super) fn arm_expiry(&mut self, number: BucketNumber) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        if bucket.expiry_armed {
            return;
        }
        if let Some(deadline) = bucket.queue.next_deadline() {
            bucket.expiry_armed = true;
            self.timers.insert((deadline, Timer::Expiry(number)));
        }
    }

    pub(super) fn expire(&mut self, number: BucketNumber, now: Instant) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        bucket.expiry_armed = false;
        let partition = self.partitions.get(&bucket.partition);
        let leaderless = bucket.is_leaderless.then(|| Error::new(Cause::Leaderless));
        let obstacle = partition
            .and_then(|partition| partition.last_error.as_ref())
            .or(leaderless.as_ref())
            .or(self.writer_ids.last_error.as_ref());
        let timeout = self.limits.delivery_timeout;
        let expired = bucket.queue.expire(now, timeout, obstacle);
        for (batch, error) in expired {
            self.finish(number, batch, Err(error));
        }
        self.arm_expiry(number);
        self.attend(number);
    }

    pub(super) fn want_partition(&mut self, number: PartitionNumber) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        if !partition.is_wanted && !partition.is_resolving {
            partition.is_wanted = true;
            self.wanted_partitions.push_back(number);
        }
    }

    /// The next partition to look up, if its pause is over.
    fn next_partition(&mut self, now: Instant) -> Option<PartitionNumber> {
        while let Some(number) = self.wanted_partitions.pop_front() {
            let partition = self.partitions.get_mut(&number);
            let wanted = partition.filter(|found| found.is_wanted && !found.is_resolving);
            let Some(partition) = wanted else { continue };
            if let Some(not_before) = partition.not_before.filter(|at| *at > now) {
                // `is_wanted` stays set until the timer fires, so that it is set once.
                self.timers.insert((not_before, Timer::Partition(number)));
            } else {
                partition.is_wanted = false;
                partition.is_resolving = true;
                return Some(number);
            }
        }
        None
    }

    fn ask_for_writer_id(&mut self, now: Instant) -> Option<Vec<TableId>> {
        let ids = &mut self.writer_ids;
        if ids.waiting.is_empty()
            || ids.is_asking
            || ids.not_before.is_some_and(|not_before| not_before > now)
        {
            return None;
        }
        ids.is_asking = true;
        let tables: BTreeSet<TableId> = ids
            .waiting
            .iter()
            .filter_map(|number| self.buckets.get(number))
            .filter_map(|bucket| self.partitions.get(&bucket.partition))
            .map(|partition| partition.table)
            .collect();
        Some(tables.into_iter().collect())
    }
}
