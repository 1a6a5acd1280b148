//! One subscribed bucket: where it reads on, what it has buffered, and when it may be asked for again.

use std::collections::VecDeque;
use std::time::Instant;

use super::buffer::Slot;
use super::remote::RemoteCursor;
use super::start::{EARLIEST_OFFSET, StartOffset};
use super::tail::Warmth;
use crate::error::Error;

/// A decoded batch, as the buffer needs to know it.
pub(crate) trait Chunk: Clone {
    /// Rows in it, those before the wanted offset included.
    fn row_count(&self) -> usize;
    /// When the server took it in, in milliseconds since the epoch.
    fn timestamp(&self) -> i64;
    /// Rows at its front that lie before the wanted offset.
    fn skipped_rows(&self) -> usize;
    /// Offset after the given row.
    fn offset_after(&self, row: usize) -> i64;
    /// Offset after the whole batch, which may have no rows.
    fn next_offset(&self) -> i64;
    /// Bytes that it takes beyond those that were received: what was compressed becomes larger when it is decoded.
    fn unpacked_bytes(&self) -> usize {
        0
    }
    /// Whether the given row is the old half of an update, which is not handed out without its new half.
    fn is_update_before(&self, row: usize) -> bool;
}

/// What the next request for a bucket is.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A fetch from the leader.
    Log,
    /// A read of segments that were moved to remote storage.
    Remote(RemoteCursor),
    /// A question for an offset.
    Resolve(StartOffset),
}

/// Whether a bucket may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    InFlight,
    Until(Instant),
    /// At its end, and asked for with others that are.
    Watched,
    /// After an error that does not pass.
    Stopped,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own, and they combine freely"
)]
pub(super) struct Bucket<C> {
    /// Which subscription this is: responses to an older one are discarded.
    pub(super) generation: u64,
    /// Next offset to ask for; `EARLIEST_OFFSET` until the server has returned it.
    pub(super) fetch_offset: i64,
    /// Offset after the last row handed out; what [`fetch_offset`](Self::fetch_offset) was at the start.
    pub(super) consumed: i64,
    /// What it was when a poll last reported it.
    pub(super) told: i64,
    /// Offset before which reading ends.
    pub(super) stop: Option<i64>,
    /// Timestamp of the first batch that is no longer read, if there is one before [`stop`](Self::stop).
    pub(super) until: Option<i64>,
    /// Time of the first batch that is read: older ones are passed over.
    pub(super) since: Option<i64>,
    /// What the server answered for that time, until the first batch is found.
    pub(super) entry: Option<i64>,
    /// Whether it is read because the whole table is, so that it is passed by once it is gone.
    pub(super) of_table: bool,
    /// Whether it is gone: nothing more is asked for, and it is forgotten once everything is handed out.
    pub(super) closing: bool,
    pub(super) high_watermark: Option<i64>,
    /// Whether the last answer said that there is nothing more at present.
    pub(super) at_end: bool,
    pub(super) source: Source,
    pub(super) phase: Phase,
    pub(super) slots: VecDeque<Slot<C>>,
    pub(super) buffered_bytes: usize,
    /// Bytes that decoding added to them.
    pub(super) unpacked_bytes: usize,
    /// Bytes that the request in flight may return.
    pub(super) reserved_bytes: usize,
    /// Largest batch of the last answer, in bytes.
    pub(super) largest_batch: usize,
    /// Whether this bucket shares requests with others.
    pub(super) alone: bool,
    /// Whether the request in flight was for this bucket only.
    pub(super) asked_alone: bool,
    /// Whether its batches are older than the projected columns.
    pub(super) unprojected: bool,
    /// Consecutive empty responses although the log continues.
    pub(super) stuck: u32,
    /// Answers in a row that held nothing of it as they were full of others.
    pub(super) passed_over: u32,
    /// Failures in a row that pass by themselves.
    pub(super) failures: u32,
    /// Since when it has failed without any success, and the latest reason.
    pub(super) failing: Option<Failing>,
    pub(super) failure: Option<Failure>,
    /// Whether it stands in the ring of buckets that have something to hand out.
    pub(super) in_ready: bool,
    /// Whether it stands among the buckets that are planned for one by one.
    pub(super) in_order: bool,
    /// When it last had news, once it was at its end.
    pub(super) warmth: Option<Warmth>,
}

#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// Offset of the first row that it keeps back.
    pub(super) at: i64,
    pub(super) reported: bool,
}

/// Failures that pass by themselves, but have not yet.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    pub(super) since: Instant,
    /// When it was last reported though other buckets had rows.
    pub(super) reported: Option<Instant>,
    pub(super) error: Error,
}

impl<C: Chunk> Bucket<C> {
    pub(super) fn new(generation: u64, start: StartOffset) -> Self {
        let (fetch_offset, source) = match start {
            StartOffset::At(offset) => (offset, Source::Log),
            other => (EARLIEST_OFFSET, Source::Resolve(other)),
        };
        Self {
            generation,
            fetch_offset,
            consumed: fetch_offset,
            told: fetch_offset,
            stop: None,
            until: None,
            since: None,
            entry: None,
            of_table: false,
            closing: false,
            high_watermark: None,
            at_end: false,
            source,
            phase: Phase::Idle,
            slots: VecDeque::new(),
            buffered_bytes: 0,
            unpacked_bytes: 0,
            reserved_bytes: 0,
            largest_batch: 0,
            alone: false,
            asked_alone: false,
            unprojected: false,
            stuck: 0,
            passed_over: 0,
            failures: 0,
            failing: None,
            failure: None,
            in_ready: false,
            in_order: true,
            warmth: None,
        }
    }

    /// Bytes to ask for: about one batch when batches are large, as what is cut off comes a second time.
    pub(super) fn wanted_bytes(&self, configured: usize) -> usize {
        if self.largest_batch > configured / 4 {
            self.largest_batch
        } else {
            configured
        }
    }

    /// Whether it goes into a request of its own: behind another bucket, a batch above the limit comes cut and useless.
    pub(super) fn wants_own_request(&self, configured: usize) -> bool {
        self.alone || self.unprojected || self.largest_batch > configured / 2
    }

    /// Requests nothing until `until`, after a transient failure.
    pub(super) fn rest(&mut self, until: Instant, error: Error, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Until(until);
        let before = self.failing.take();
        self.failing = Some(Failing {
            since: before.as_ref().map_or(now, |failing| failing.since),
            reported: before.and_then(|failing| failing.reported),
            error,
        });
    }

    /// Asks for nothing more, for a reason that does not pass and keeps the rows from the offset `at` on back.
    pub(super) fn stop_with(&mut self, error: Error, at: i64) {
        self.phase = Phase::Stopped;
        let is_earlier = |failure: &Failure| !failure.reported && failure.at <= at;
        if !self.failure.as_ref().is_some_and(is_earlier) {
            self.failure = Some(Failure {
                error,
                at,
                reported: false,
            });
        }
    }

    /// Whether there is nothing more to ask for, ever.
    pub(super) fn is_ended(&self) -> bool {
        self.closing
            || self
                .stop
                .is_some_and(|stop| self.fetch_offset >= stop || stop <= 0)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        if self.is_ended() {
            return false;
        }
        match self.phase {
            Phase::Idle => true,
            Phase::Until(until) => until <= now,
            Phase::InFlight | Phase::Watched | Phase::Stopped => false,
        }
    }

    /// Whether the front has rows to hand out.
    pub(super) fn has_rows(&self) -> bool {
        self.slots
            .front()
            .is_some_and(|slot| !slot.chunks.is_empty())
    }

    /// Its failure, unless that is after the end of the subscription, where nothing will be read.
    pub(super) fn failure(&self) -> Option<&Failure> {
        let is_before_end = |failure: &&Failure| self.stop.is_none_or(|stop| failure.at < stop);
        self.failure.as_ref().filter(is_before_end)
    }

    /// Whether its failure is next in line.
    pub(super) fn failure_is_due(&self) -> bool {
        self.failure().is_some() && self.slots.is_empty()
    }

    /// Whether everything that it will ever have was handed out: its rows, and its failure if it has one.
    pub(super) fn is_handed_out(&self) -> bool {
        self.slots.is_empty()
            && match self.failure() {
                Some(failure) => failure.reported,
                // What a request in flight returns for a removed bucket is still delivered.
                None => self.is_ended() && !(self.closing && self.phase == Phase::InFlight),
            }
    }

    /// Removes finished slots from the front. Returns the bytes that became free.
    pub(super) fn drop_finished_slots(&mut self) -> usize {
        let (mut freed, mut unpacked) = (0, 0);
        while let Some(front) = self.slots.front() {
            if !(front.done && front.chunks.is_empty()) {
                break;
            }
            freed += front.bytes;
            unpacked += front.unpacked_bytes;
            self.consumed = self.stop.map_or(front.end_offset, |stop| {
                stop.max(self.consumed).min(front.end_offset)
            });
            self.slots.pop_front();
        }
        self.buffered_bytes = self.buffered_bytes.saturating_sub(freed);
        self.unpacked_bytes = self.unpacked_bytes.saturating_sub(unpacked);
        freed + unpacked
    }
}
