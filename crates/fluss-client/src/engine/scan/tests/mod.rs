//! Tests of the scanner's decisions, with batches that are only counted.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod failures;
mod planning;
mod segments;
mod taking;
mod watching;

use std::time::{Duration, Instant};

use fluss_metadata::TableBucket;
use fluss_wire::error_code::ErrorCode;

use super::start::EARLIEST_OFFSET;
use super::*;
use crate::engine::scan::OffsetReset;
use crate::error::{Error, ErrorKind};

/// A batch with `rows` rows from `base` on, of which the first `skipped` are not wanted; even rows are old halves of updates in a
/// changelog.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    pub(super) base: i64,
    pub(super) rows: usize,
    pub(super) skipped: usize,
    pub(super) changelog: bool,
    pub(super) time: i64,
    pub(super) unpacked_bytes: usize,
}

impl Chunk for Batch {
    fn row_count(&self) -> usize {
        self.rows
    }
    fn timestamp(&self) -> i64 {
        self.time
    }
    fn skipped_rows(&self) -> usize {
        self.skipped
    }
    fn offset_after(&self, row: usize) -> i64 {
        self.base + row as i64 + 1
    }
    fn next_offset(&self) -> i64 {
        self.base + self.rows as i64
    }
    fn unpacked_bytes(&self) -> usize {
        self.unpacked_bytes
    }
    fn is_update_before(&self, row: usize) -> bool {
        self.changelog && row.is_multiple_of(2)
    }
}

pub(super) fn batch(base: i64, rows: usize) -> Batch {
    Batch {
        base,
        rows,
        skipped: 0,
        changelog: false,
        time: 0,
        unpacked_bytes: 0,
    }
}

/// A batch that the server took in at `time`.
pub(super) fn batch_at(time: i64, base: i64, rows: usize) -> Batch {
    Batch {
        time,
        ..batch(base, rows)
    }
}

/// A batch that grows by this many bytes when it is decoded.
pub(super) fn unpacked(batch: &Batch, unpacked_bytes: usize) -> Batch {
    Batch {
        unpacked_bytes,
        ..batch.clone()
    }
}

const LIMITS: Limits = Limits {
    fetch_max_bytes: 16_000,
    bucket_max_bytes: 1_000,
    remote_max_bytes: 1_000,
    prefetch_max_bytes: 8_000,
    max_poll_records: 10,
    tail: Tail {
        latency: Duration::from_millis(8),
        wait_max: WAIT_MAX,
        always_held: false,
        replicated: true,
    },
};

const WAIT_MAX: Duration = Duration::from_millis(500);

pub(super) struct Scan {
    pub(super) engine: ScanEngine<Batch>,
    now: Instant,
}

pub(super) fn bucket(id: i32) -> TableBucket {
    TableBucket::new(7, id)
}

impl Scan {
    pub(super) fn of(buckets: i32) -> Self {
        let mut engine = ScanEngine::new(LIMITS);
        for id in 0..buckets {
            engine.subscribe(bucket(id), StartOffset::At(0));
        }
        Self {
            engine,
            now: Instant::now(),
        }
    }

    pub(super) fn plan(&mut self) -> Plan {
        self.engine.plan(self.now, 0, |_| Some(1))
    }

    /// Plans and returns the buckets of each fetch, in ascending order, with its kind.
    fn fetches(&mut self) -> Vec<(FetchKind, Vec<i32>)> {
        let mut fetches: Vec<_> = self
            .plan()
            .fetches
            .iter()
            .map(|fetch| (fetch.kind, sorted(fetch)))
            .collect();
        fetches.sort_by(|a, b| a.1.cmp(&b.1));
        fetches
    }

    pub(super) fn answer(&mut self, fetch: &FetchBucket, answer: Answer) -> Option<Ticket> {
        self.engine
            .on_answer(&fetch.bucket, fetch.generation, answer, self.now)
    }

    /// Answers a fetch with one batch after its offset.
    pub(super) fn feed(&mut self, fetch: &FetchBucket, batch: Batch, bytes: usize, mark: i64) {
        let next = batch.offset_after(batch.rows - 1);
        let ticket = self
            .answer(fetch, records(bytes, Some(next), mark))
            .unwrap();
        self.engine.on_decoded(&fetch.bucket, ticket, batch);
        self.engine.on_decode_end(&fetch.bucket, ticket, Ok(()));
    }

    pub(super) fn take(&mut self) -> Vec<(i32, i64, usize)> {
        match self.engine.take() {
            Take::Rows(taken) => taken
                .iter()
                .map(|t| {
                    (
                        t.bucket.bucket_id(),
                        t.chunk.base + t.rows.start as i64,
                        t.rows.len(),
                    )
                })
                .collect(),
            Take::Nothing => Vec::new(),
            Take::Failed(error) => panic!("{error}"),
        }
    }
}

fn sorted(fetch: &FetchPlan) -> Vec<i32> {
    let mut ids: Vec<_> = fetch
        .buckets
        .iter()
        .map(|bucket| bucket.bucket.bucket_id())
        .collect();
    ids.sort_unstable();
    ids
}

pub(super) fn records(bytes: usize, next_offset: Option<i64>, mark: i64) -> Answer {
    Answer::Records {
        bytes,
        next_offset,
        largest_batch: bytes.min(100),
        high_watermark: Some(mark),
        filtered_end: None,
        current_schema: true,
    }
}
