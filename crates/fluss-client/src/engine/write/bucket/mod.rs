//! The batches of one bucket, in order: which one may be sent, with which sequence, and what an answer does.
//!
//! The server accepts the batches of a writer in a bucket only in the order of their sequences and recognizes the last five. Nearly
//! everything here follows from that (`05-log-batches` of the protocol notes, the server's `WriterAppendInfo.java`):
//!
//! - A batch gets its sequence when it is first sent and keeps it. Batches leave the queue when they end, in any order.
//! - A batch that has to be retried goes alone, and only as the first of the queue.
//! - When a sequence can no longer be used or its fate is unknown, the bucket waits until nothing is in flight, then takes a new writer id
//!   and counts from 0.
//!
//! DIFFERS: Java gives up the writer id of the whole client in that case; here other buckets keep theirs, so a stale answer of one bucket
//! never disturbs another. Java also closes a gap that a failed batch leaves by decrementing the sequences after it, which takes a later
//! batch for a duplicate if the failed one was appended after all; here the bucket takes a new writer id. And a first batch that is
//! refused as out of order, having certainly not been written, is sent again under a new writer id, where Java fails it.

mod batch;
#[cfg(test)]
mod tests;

pub(super) use batch::Batch;
pub(crate) use batch::{BatchId, Stamp};

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fluss_rpc::{Chance, RetryPolicy};

use super::answer::Answer;
use super::limits::Limits;
use crate::error::Error;
use batch::State;

/// What an answer did to its batch.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is written, at this offset if the server returned one.
    Done(Option<i64>),
    /// It failed permanently.
    Failed(Error),
    /// It will be sent again.
    Again,
}

/// The next batch that may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) id: BatchId,
    pub(super) format_id: u64,
    pub(super) bytes: usize,
    /// Whether it needs a writer id that the bucket does not have yet.
    pub(super) needs_writer_id: bool,
}

#[derive(Debug, Default)]
pub(super) struct BucketQueue {
    batches: VecDeque<Batch>,
    in_flight: usize,
    writer_id: Option<i64>,
    next_sequence: i32,
    last_acknowledged: Option<i32>,
    /// The sequences are unusable: a new writer id is taken as soon as nothing is in flight.
    resetting: bool,
    /// A writer id that must no longer be used in this bucket.
    spent_writer_id: Option<i64>,
    /// The pause before a retry.
    paused_until: Option<Instant>,
    /// The pause that the newest answer asked for because the storage of the bucket is under load.
    rests_until: Option<Instant>,
    /// The storage refused a batch and still reports load: one batch at a time.
    is_strained: bool,
}

impl BucketQueue {
    pub(super) fn push(&mut self, batch: Batch) {
        self.batches.push_back(batch);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Batches that are not in flight.
    pub(super) fn waiting(&self) -> usize {
        self.batches.len() - self.in_flight
    }

    /// Whether the open batch of the bucket would be sent at once if it were closed now. Where sequences are unusable, a batch that comes
    /// into an empty queue makes the bucket take a new writer id.
    pub(super) fn has_room(&self, now: Instant, limits: &Limits) -> bool {
        self.waiting() == 0
            && self.in_flight < self.max_in_flight(limits)
            && (!self.resetting || self.batches.is_empty())
            && !self.is_paused(now)
    }

    /// Batches that may be in flight at once.
    fn max_in_flight(&self, limits: &Limits) -> usize {
        if self.is_strained {
            1
        } else {
            limits.max_in_flight_per_bucket
        }
    }

    fn pause_until(&mut self, until: Instant) {
        self.paused_until = Some(
            self.paused_until
                .map_or(until, |earlier| earlier.max(until)),
        );
    }

    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.paused_until.max(self.rests_until)
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.paused_until().is_some_and(|until| until > now)
    }

    /// The storage of the bucket took a batch and reported its load. This replaces what earlier answers reported: the pauses of several
    /// batches in flight must not add up.
    fn on_pressure(&mut self, pressure: f32, now: Instant, limits: &Limits) {
        if pressure > 0.0 {
            self.rests_until = Some(now + limits.max_throttle.mul_f32(pressure.min(1.0).powi(2)));
        } else {
            self.rests_until = None;
            self.is_strained = false;
        }
    }

    pub(super) fn get_mut(&mut self, id: BatchId) -> Option<&mut Batch> {
        // Queues are short.
        self.batches.iter_mut().find(|batch| batch.id == id)
    }

    pub(super) fn first(&self, count: usize) -> Vec<BatchId> {
        let first = self.batches.iter().take(count);
        first.map(|batch| batch.id).collect()
    }

    pub(super) fn sealed(&mut self, id: BatchId, bytes: usize) {
        if let Some(batch) = self.get_mut(id) {
            batch.bytes = bytes;
            batch.state = State::Ready;
        }
    }

    /// Removes a batch that could not be sealed. False if there is no such batch.
    pub(super) fn remove_unsent(&mut self, id: BatchId) -> bool {
        let count = self.batches.len();
        self.batches
            .retain(|batch| batch.id != id || batch.state != State::Sealing);
        self.batches.len() < count
    }

    /// The batch that may be sent now, if there is one.
    pub(super) fn candidate(&mut self, now: Instant, limits: &Limits) -> Option<Candidate> {
        if self.is_paused(now) || self.in_flight >= self.max_in_flight(limits) {
            return None;
        }
        if self.resetting && self.in_flight == 0 && !self.has_open_question() {
            self.forget_writer_id();
        }
        let index = self
            .batches
            .iter()
            .position(|batch| batch.state != State::InFlight)?;
        let repeated_before = self
            .batches
            .iter()
            .take(index)
            .any(|batch| batch.attempts > 1);
        let batch = self.batches.get(index)?;
        let repeats = batch.attempts > 0;
        let out_of_turn = repeated_before
            || (repeats && index > 0)
            || (self.resetting && (index > 0 || !batch.may_be_written));
        if batch.state != State::Ready || out_of_turn {
            return None;
        }
        Some(Candidate {
            id: batch.id,
            format_id: batch.format_id,
            bytes: batch.bytes,
            needs_writer_id: limits.idempotence && self.writer_id.is_none(),
        })
    }

    /// Whether a batch that was sent may be written or not: only its old sequence can tell.
    fn has_open_question(&mut self) -> bool {
        let mut certain = false;
        for batch in self
            .batches
            .iter_mut()
            .filter(|batch| batch.sequence.is_some())
        {
            // The server appends in order: after one that is certainly not written, none is.
            certain |= !batch.may_be_written;
            batch.may_be_written &= !certain;
        }
        self.batches
            .front()
            .is_some_and(|batch| batch.sequence.is_some() && batch.may_be_written)
    }

    /// Gives the bucket its writer id, unless it is the one that this bucket has just given up. True if it has one now.
    pub(super) fn adopt_writer_id(&mut self, writer_id: i64) -> bool {
        if self.writer_id.is_none() && self.spent_writer_id != Some(writer_id) {
            self.writer_id = Some(writer_id);
            self.spent_writer_id = None;
        }
        self.writer_id.is_some()
    }

    /// The writer id that this bucket can no longer use.
    pub(super) fn spent_writer_id(&self) -> Option<i64> {
        self.spent_writer_id
    }

    /// Marks the batch as in flight and returns what its header carries.
    pub(super) fn send(&mut self, id: BatchId, limits: &Limits) -> Stamp {
        let writer_id = self.writer_id;
        let next = self.next_sequence;
        let Some(batch) = self.get_mut(id) else {
            return Stamp::NONE;
        };
        batch.state = State::InFlight;
        batch.attempts = batch.attempts.saturating_add(1);
        let stamp = match writer_id {
            Some(writer_id) if limits.idempotence => {
                let sequence = *batch.sequence.get_or_insert(next);
                if sequence == next {
                    self.next_sequence = after(next);
                }
                Stamp {
                    writer_id,
                    sequence,
                }
            }
            _ => Stamp::NONE,
        };
        self.in_flight += 1;
        stamp
    }

    /// What the answer to a batch means. `None` if the batch is not in flight.
    pub(super) fn on_answer(
        &mut self,
        id: BatchId,
        answer: Answer,
        now: Instant,
        limits: &Limits,
        chance: &Chance,
    ) -> Option<Verdict> {
        let index = self
            .batches
            .iter()
            .position(|batch| batch.id == id && batch.state == State::InFlight)?;
        let batch = self.batches.get_mut(index)?;
        self.in_flight -= 1;
        batch.state = State::Ready;
        let (sequence, attempts) = (batch.sequence, batch.attempts);
        let may_retry = attempts <= limits.retries && now < batch.deadline;

        if let Answer::Written { offset, pressure } = answer {
            // Servers leave it out once there is none.
            self.on_pressure(pressure.unwrap_or(0.0), now, limits);
            return self.done(index, offset);
        }
        if answer.is_duplicate() {
            return self.done(index, None);
        }
        if answer.is_back_pressure() {
            self.rests_until = Some(now + limits.max_throttle);
            self.is_strained = true;
        }
        if answer.is_sequence_refusal() && sequence.is_some() {
            return self.on_sequence_refusal(index, answer, may_retry);
        }
        if let Some(batch) = self.batches.get_mut(index) {
            batch.may_be_written |= answer.may_be_written();
        }
        if !answer.is_retriable() || attempts > limits.retries {
            return self.fail(index, answer.into_error());
        }
        if !may_retry {
            let error = Error::undelivered(limits.delivery_timeout, Some(answer.into_error()));
            return self.fail(index, error);
        }
        self.pause_until(now + RetryPolicy::BATCH.random_pause(attempts, chance));
        Some(self.again(index, answer))
    }

    /// The server expected another sequence, or does not know the writer. Nothing was appended by this attempt.
    fn on_sequence_refusal(
        &mut self,
        index: usize,
        answer: Answer,
        may_retry: bool,
    ) -> Option<Verdict> {
        let batch = self.batches.get(index)?;
        let acknowledged = match (batch.sequence, self.last_acknowledged) {
            (Some(sequence), Some(last)) => is_at_or_before(sequence, last),
            _ => false,
        };
        if acknowledged {
            // The answer to an earlier attempt was lost, and five later batches were written since: the server forgot this one.
            return self.done(index, None);
        }
        if !may_retry || (index == 0 && batch.may_be_written) {
            // Out of order although it is the first: there is no way left to find out whether an earlier attempt was written.
            return self.fail(index, answer.into_error());
        }
        if index == 0 {
            self.resetting = true;
            // The server appends in order: what was sent after this one was not appended either.
            for batch in &mut self.batches {
                batch.may_be_written = false;
            }
        }
        Some(self.again(index, answer))
    }

    fn again(&mut self, index: usize, answer: Answer) -> Verdict {
        if let Some(batch) = self.batches.get_mut(index) {
            batch.last_error = Some(answer.into_error());
        }
        Verdict::Again
    }

    /// Fails the batches whose time is over; `obstacle` is why those that were never sent were not. Batches in flight end with their request.
    pub(super) fn expire(
        &mut self,
        now: Instant,
        timeout: Duration,
        obstacle: Option<&Error>,
    ) -> Vec<(BatchId, Error)> {
        let mut expired = Vec::new();
        let is_over = |batch: &Batch| batch.state != State::InFlight && batch.deadline <= now;
        while let Some(index) = self.batches.iter().position(is_over) {
            let Some(batch) = self.batches.get(index) else {
                break;
            };
            let (id, last) = (batch.id, batch.last_error.as_ref().or(obstacle));
            let error = Error::undelivered(timeout, last.cloned());
            if let Some(Verdict::Failed(error)) = self.fail(index, error) {
                expired.push((id, error));
            }
        }
        expired
    }

    /// When the next batch runs out of time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.batches
            .iter()
            .find(|batch| batch.state != State::InFlight)
            .map(|batch| batch.deadline)
    }

    /// Removes all batches. Answers that still come for them are ignored, so later batches use another writer id: the server may know the
    /// sequences of this one.
    pub(super) fn take_all(&mut self) -> Vec<BatchId> {
        let spent_writer_id = self.writer_id.or(self.spent_writer_id);
        let taken = std::mem::replace(
            self,
            Self {
                spent_writer_id,
                ..Self::default()
            },
        );
        taken.batches.iter().map(|batch| batch.id).collect()
    }

    /// The bucket is now another one, of a partition re-created under the same name: what was written to the old one is gone.
    pub(super) fn rebind(&mut self) {
        self.forget_writer_id();
        self.spent_writer_id = None;
        for batch in &mut self.batches {
            batch.may_be_written = false;
        }
    }

    fn done(&mut self, index: usize, offset: Option<i64>) -> Option<Verdict> {
        let batch = self.batches.remove(index)?;
        if let Some(sequence) = batch.sequence
            && self
                .last_acknowledged
                .is_none_or(|last| !is_at_or_before(sequence, last))
        {
            self.last_acknowledged = Some(sequence);
        }
        Some(Verdict::Done(offset))
    }

    fn fail(&mut self, index: usize, error: Error) -> Option<Verdict> {
        let batch = self.batches.remove(index)?;
        if let Some(sequence) = batch.sequence {
            let was_last = after(sequence) == self.next_sequence;
            if was_last && !batch.may_be_written {
                self.next_sequence = sequence;
            } else {
                self.resetting = true;
            }
        }
        let error = if batch.attempts > 1 {
            error.after_attempts(batch.attempts)
        } else {
            error
        };
        Some(Verdict::Failed(error))
    }

    fn forget_writer_id(&mut self) {
        self.spent_writer_id = self.writer_id.take();
        self.next_sequence = 0;
        self.last_acknowledged = None;
        self.resetting = false;
        for batch in &mut self.batches {
            batch.sequence = None;
        }
    }
}

/// The sequence after another one. Source: `DefaultLogRecordBatch.java: incrementSequence`.
fn after(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

/// Whether `sequence` is `last` or shortly before it, with wraparound at the largest number.
fn is_at_or_before(sequence: i32, last: i32) -> bool {
    const HALF: i32 = 1 << 30;
    (last.wrapping_sub(sequence) & i32::MAX) < HALF
}
