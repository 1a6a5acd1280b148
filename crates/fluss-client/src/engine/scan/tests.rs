//! Tests of the scanner's decisions, with batches that are only counted.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

use std::time::{Duration, Instant};

use fluss_metadata::TableBucket;
use fluss_wire::error_code::ErrorCode;

use super::state::EARLIEST_OFFSET;
use super::*;
use crate::error::{Error, ErrorKind};
use crate::table::OffsetReset;

/// A batch with `rows` rows from `base` on, of which the first `skipped` are not wanted; even rows are old halves of updates in a
/// changelog.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    base: i64,
    rows: usize,
    skipped: usize,
    changelog: bool,
}

impl Chunk for Batch {
    fn row_count(&self) -> usize {
        self.rows
    }
    fn skipped_rows(&self) -> usize {
        self.skipped
    }
    fn offset_after(&self, row: usize) -> i64 {
        self.base + row as i64 + 1
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
    }
}

const LIMITS: Limits = Limits {
    fetch_max_bytes: 16_000,
    bucket_max_bytes: 1_000,
    remote_max_bytes: 1_000,
    prefetch_max_bytes: 8_000,
    max_poll_records: 10,
};

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
        self.engine.plan(self.now, |_| Some(1))
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

#[test]
fn a_bucket_at_its_end_waits_in_a_request_of_its_own() {
    let mut scan = Scan::of(3);
    let plan = scan.plan();
    assert_eq!(plan.fetches.len(), 3);
    for fetch in plan.fetches.clone() {
        let id = fetch.buckets[0].bucket.bucket_id();
        let mark = if id == 0 { 5 } else { 1_000 };
        scan.engine.on_fetch_end(&fetch);
        scan.feed(&fetch.buckets[0], batch(0, 5), 100, mark);
    }
    let expected = vec![
        (FetchKind::Held, vec![0]),
        (FetchKind::Immediate, vec![1]),
        (FetchKind::Immediate, vec![2]),
    ];
    assert_eq!(scan.fetches(), expected);
    assert!(
        scan.fetches().is_empty(),
        "one request at a time for a bucket"
    );
}

#[test]
fn many_buckets_share_requests_and_a_cut_batch_leads_to_a_request_of_its_own() {
    let mut scan = Scan::of(16);
    scan.engine.limits.prefetch_max_bytes = 100_000;
    let plan = scan.plan();
    assert_eq!(
        plan.fetches
            .iter()
            .map(|fetch| fetch.buckets.len())
            .collect::<Vec<_>>(),
        vec![4; 4]
    );
    let cut = plan.fetches[0].buckets[3];
    assert!(
        scan.answer(
            &cut,
            Answer::Records {
                bytes: 900,
                next_offset: None,
                largest_batch: 2_500,
                high_watermark: Some(9),
                filtered_end: None,
                current_schema: false
            }
        )
        .is_none()
    );
    let again = scan.plan();
    assert_eq!(again.fetches.len(), 1);
    assert_eq!(
        again.fetches[0].buckets,
        vec![FetchBucket {
            max_bytes: 2_500,
            ..cut
        }]
    );
    assert_eq!(again.fetches[0].max_bytes, 2_500);
}

#[test]
fn the_order_of_asking_rotates() {
    let mut scan = Scan::of(8);
    scan.engine.limits.prefetch_max_bytes = 2_000;
    let mut asked = Vec::new();
    for _ in 0..4 {
        let plan = scan.plan();
        for fetch in plan.fetches.iter().flat_map(|fetch| &fetch.buckets) {
            asked.push(fetch.bucket.bucket_id());
            scan.feed(fetch, batch(fetch.offset, 5), 100, 1_000);
        }
        while !scan.take().is_empty() {}
    }
    asked.sort_unstable();
    asked.dedup();
    assert!(asked.len() >= 5, "only {asked:?} were asked");
}

#[test]
fn buffered_and_expected_bytes_stay_within_the_bound() {
    let mut scan = Scan::of(20);
    let asked: usize = scan
        .plan()
        .fetches
        .iter()
        .map(|fetch| fetch.buckets.len())
        .sum();
    assert_eq!(asked, 8);
    assert!(scan.plan().fetches.is_empty());
}

#[test]
fn a_batch_larger_than_the_bound_is_still_fetched() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.feed(&fetch, batch(0, 5), 50_000, 100);
    assert!(
        scan.plan().fetches.is_empty(),
        "nothing more while it is buffered"
    );
    assert_eq!(scan.take().len(), 1);
    assert!(scan.engine.plan_is_due());
    assert_eq!(scan.plan().fetches.len(), 1);
}

#[test]
fn rows_come_in_order_whatever_is_decoded_first() {
    let mut scan = Scan::of(1);
    let first = scan.plan().fetches[0].buckets[0];
    let one = scan.answer(&first, records(100, Some(5), 100)).unwrap();
    let second = scan.plan().fetches[0].buckets[0];
    assert_eq!(second.offset, 5);
    let two = scan.answer(&second, records(100, Some(10), 100)).unwrap();
    assert!(!scan.engine.on_decoded(&bucket(0), two, batch(5, 5)));
    scan.engine.on_decode_end(&bucket(0), two, Ok(()));
    assert!(scan.take().is_empty());
    assert!(scan.engine.on_decoded(&bucket(0), one, batch(0, 5)));
    scan.engine.on_decode_end(&bucket(0), one, Ok(()));
    assert_eq!(scan.take(), vec![(0, 0, 5), (0, 5, 5)]);
    assert_eq!(scan.engine.position(&bucket(0)), Some(10));
}

#[test]
fn a_poll_takes_no_more_than_its_number_but_no_half_update() {
    let cases = [(false, vec![10, 10, 5]), (true, vec![10, 10, 5])];
    for (changelog, expected) in cases {
        let mut scan = Scan::of(1);
        let fetch = scan.plan().fetches[0].buckets[0];
        scan.feed(
            &fetch,
            Batch {
                changelog,
                ..batch(0, 25)
            },
            100,
            100,
        );
        let taken: Vec<usize> = (0..3)
            .map(|_| scan.take().iter().map(|(_, _, rows)| rows).sum())
            .collect();
        assert_eq!(taken, expected);
    }
    let mut scan = Scan::of(1);
    scan.engine.limits.max_poll_records = 5;
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.feed(
        &fetch,
        Batch {
            changelog: true,
            ..batch(0, 8)
        },
        100,
        100,
    );
    assert_eq!(scan.take(), vec![(0, 0, 6)]);
    assert_eq!(scan.take(), vec![(0, 6, 2)]);
}

#[test]
fn buckets_take_turns_when_a_poll_is_full() {
    let mut scan = Scan::of(2);
    for fetch in scan.plan().fetches {
        scan.feed(&fetch.buckets[0], batch(0, 25), 100, 100);
    }
    let first = scan.take()[0].0;
    let second = scan.take()[0].0;
    assert_ne!(first, second);
}

#[test]
fn empty_batches_move_the_position() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    let ticket = scan.answer(&fetch, records(48, Some(3), 3)).unwrap();
    assert!(!scan.engine.on_decode_end(&bucket(0), ticket, Ok(())));
    assert_eq!(scan.engine.position(&bucket(0)), Some(3));
    assert_eq!(scan.plan().fetches[0].buckets[0].offset, 3);
}

#[test]
fn rows_before_the_wanted_offset_are_left_out() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.feed(
        &fetch,
        Batch {
            skipped: 3,
            ..batch(0, 5)
        },
        100,
        100,
    );
    assert_eq!(scan.take(), vec![(0, 3, 2)]);
}

#[test]
fn an_answer_to_an_older_subscription_is_thrown_away() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.engine.subscribe(bucket(0), StartOffset::At(50));
    assert!(scan.answer(&fetch, records(100, Some(5), 100)).is_none());
    let fetch = scan.plan().fetches[0].buckets[0];
    assert_eq!(fetch.offset, 50);
    let ticket = scan.answer(&fetch, records(100, Some(55), 100)).unwrap();
    scan.engine.unsubscribe(&bucket(0));
    assert!(!scan.engine.on_decoded(&bucket(0), ticket, batch(50, 5)));
    assert_eq!(
        (scan.engine.buffered_bytes, scan.engine.reserved_bytes),
        (0, 0)
    );
}

#[test]
fn a_failure_comes_after_the_rows_before_it_and_is_not_silent_afterwards() {
    let mut scan = Scan::of(2);
    let plan = scan.plan();
    let (bad, good) = (plan.fetches[0].buckets[0], plan.fetches[1].buckets[0]);
    let ticket = scan.answer(&bad, records(100, Some(10), 100)).unwrap();
    scan.engine.on_decoded(&bad.bucket, ticket, batch(0, 5));
    scan.engine
        .on_decode_end(&bad.bucket, ticket, Err(Error::corrupt("crc")));
    assert_eq!(scan.take(), vec![(bad.bucket.bucket_id(), 0, 5)]);
    let Take::Failed(error) = scan.engine.take() else {
        panic!("no failure")
    };
    assert_eq!(
        (error.kind(), error.bucket()),
        (ErrorKind::Corrupt, Some(bad.bucket))
    );
    assert_eq!(
        scan.engine.position(&bad.bucket),
        Some(5),
        "nothing is skipped"
    );
    scan.feed(&good, batch(0, 5), 100, 5);
    assert_eq!(
        scan.take(),
        vec![(good.bucket.bucket_id(), 0, 5)],
        "the other bucket goes on"
    );
    assert!(scan.take().is_empty());
    assert!(scan.engine.standing_failure(scan.now).is_some());
    assert!(
        scan.plan()
            .fetches
            .iter()
            .all(|fetch| fetch.buckets.iter().all(|b| b.bucket != bad.bucket))
    );
    scan.engine.subscribe(bad.bucket, StartOffset::At(10));
    assert!(scan.engine.standing_failure(scan.now).is_none());
}

#[test]
fn an_offset_that_only_the_lake_has_ends_in_an_error() {
    let mut scan = Scan::of(1);
    let mut answers = 0;
    let error = loop {
        let plan = scan.plan();
        if let Some(fetch) = plan.fetches.first() {
            answers += 1;
            assert!(answers < 20, "asked for ever");
            scan.engine.on_fetch_end(fetch);
            scan.answer(&fetch.buckets[0], records(0, None, 100));
        }
        if let Take::Failed(error) = scan.engine.take() {
            break error;
        }
        scan.now += Duration::from_secs(1);
    };
    assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange);
    assert!(error.to_string().contains("offset 0"), "{error}");
}

#[test]
fn an_earliest_offset_that_brings_nothing_is_asked_for() {
    let mut scan = Scan::of(0);
    scan.engine
        .subscribe(bucket(0), StartOffset::At(EARLIEST_OFFSET));
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.answer(&fetch, records(0, None, 70));
    let resolve = scan.plan().resolve[0];
    assert_eq!(resolve.start, StartOffset::EarliestResolved);
    scan.engine.on_answer(
        &resolve.bucket,
        resolve.generation,
        Answer::Resolved(70),
        scan.now,
    );
    assert_eq!(scan.plan().fetches[0].buckets[0].offset, 70);
    assert_eq!(scan.engine.position(&bucket(0)), Some(70));
}

#[test]
fn a_passing_failure_pauses_one_bucket_only() {
    let mut scan = Scan::of(2);
    let plan = scan.plan();
    let (bad, good) = (plan.fetches[0].buckets[0], plan.fetches[1].buckets[0]);
    let until = scan.now + Duration::from_millis(50);
    scan.answer(
        &bad,
        Answer::Retry {
            until,
            error: Error::corrupt("passing"),
        },
    );
    scan.feed(&good, batch(0, 5), 100, 100);
    let plan = scan.plan();
    assert_eq!(plan.fetches.len(), 1);
    assert_eq!(plan.wake_at, Some(until));
    assert_eq!(scan.engine.failures(&bad.bucket), 1);
    assert!(scan.engine.standing_failure(scan.now).is_some());
    assert!(
        scan.engine
            .standing_failure(scan.now.checked_sub(Duration::from_millis(1)).unwrap())
            .is_none(),
        "not for long enough"
    );
    scan.now = until;
    assert_eq!(scan.plan().fetches[0].buckets[0].bucket, bad.bucket);
}

#[test]
fn a_refused_projection_leads_to_a_fetch_without_until_the_batches_are_new_enough() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.answer(&fetch, Answer::Unproject);
    for (current, expected) in [(false, true), (true, false)] {
        let plan = scan.plan();
        assert!(plan.fetches[0].unprojected);
        let fetch = plan.fetches[0].buckets[0];
        let next = fetch.offset + 5;
        let ticket = scan
            .answer(
                &fetch,
                Answer::Records {
                    bytes: 10,
                    next_offset: Some(next),
                    largest_batch: 10,
                    high_watermark: Some(99),
                    filtered_end: None,
                    current_schema: current,
                },
            )
            .unwrap();
        scan.engine.on_decode_end(&bucket(0), ticket, Ok(()));
        assert_eq!(scan.engine.buckets[&bucket(0)].unprojected, expected);
    }
}

#[test]
fn remote_segments_are_read_one_after_the_other_and_then_the_log() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    let segment = |start: i64, end: i64| RemoteSegment {
        id: format!("s{start}"),
        start_offset: start,
        end_offset: end,
        size: 1_000,
    };
    let cursor = RemoteCursor {
        dir: "/remote".into(),
        segments: [segment(0, 10), segment(10, 20)].into(),
        position: 200,
    };
    scan.answer(&fetch, Answer::Remote(cursor));
    for (position, bytes, next, after) in [
        (200, 500, 5, Some((700, "s0"))),
        (700, 300, 10, Some((0, "s10"))),
        (0, 1_000, 20, None),
    ] {
        let read = scan.plan().remote.remove(0);
        assert_eq!(read.cursor.position, position);
        let cursor = read.cursor.advance(bytes);
        assert_eq!(
            cursor
                .as_ref()
                .ok()
                .map(|c| (c.position, c.segments[0].id.as_str())),
            after
        );
        let answer = Answer::RemoteRead {
            bytes: bytes as usize,
            next_offset: Some(next),
            cursor,
        };
        let ticket = scan
            .engine
            .on_answer(&read.bucket, read.generation, answer, scan.now)
            .unwrap();
        scan.engine.on_decode_end(&read.bucket, ticket, Ok(()));
    }
    let plan = scan.plan();
    assert!(plan.remote.is_empty());
    assert_eq!(plan.fetches[0].buckets[0].offset, 20);
}

#[test]
fn a_failed_read_of_a_segment_asks_the_server_again() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    let cursor = RemoteCursor {
        dir: "/gone".into(),
        segments: [RemoteSegment {
            id: "s".into(),
            start_offset: 0,
            end_offset: 9,
            size: 10,
        }]
        .into(),
        position: 0,
    };
    scan.answer(&fetch, Answer::Remote(cursor));
    let read = scan.plan().remote.remove(0);
    scan.engine.on_answer(
        &read.bucket,
        read.generation,
        Answer::Retry {
            until: scan.now,
            error: Error::corrupt("gone"),
        },
        scan.now,
    );
    assert_eq!(scan.plan().fetches[0].buckets[0].offset, 0);
}

#[test]
fn no_more_than_a_few_requests_are_held_by_one_server() {
    let mut scan = Scan::of(0);
    for id in 0..20 {
        scan.engine.subscribe(bucket(id), StartOffset::At(0));
        for fetch in scan.plan().fetches {
            if fetch.kind == FetchKind::Immediate {
                scan.answer(&fetch.buckets[0], records(0, None, 0));
            }
        }
        scan.plan();
    }
    assert_eq!(scan.engine.held_fetches[&1], 8);
}

#[test]
fn bucket_errors_lead_to_what_the_table_says() {
    use FetchFault::{Fail, RefreshAndRetry, Reset, Retry, Unproject};
    let error = OffsetReset::Error;
    let cases = [
        (
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            true,
            error,
            RefreshAndRetry,
        ),
        (
            ErrorCode::LOG_STORAGE_EXCEPTION,
            true,
            error,
            RefreshAndRetry,
        ),
        (
            ErrorCode::KV_STORAGE_EXCEPTION,
            true,
            error,
            RefreshAndRetry,
        ),
        (ErrorCode::STORAGE_EXCEPTION, true, error, RefreshAndRetry),
        (
            ErrorCode::FENCED_LEADER_EPOCH_EXCEPTION,
            true,
            error,
            RefreshAndRetry,
        ),
        (
            ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
            true,
            error,
            RefreshAndRetry,
        ),
        (ErrorCode::UNKNOWN_SERVER_ERROR, true, error, Retry),
        (ErrorCode::CORRUPT_MESSAGE, true, error, Fail),
        (ErrorCode::AUTHORIZATION_EXCEPTION, true, error, Fail),
        (ErrorCode::INVALID_COLUMN_PROJECTION, true, error, Unproject),
        (ErrorCode::INVALID_COLUMN_PROJECTION, false, error, Fail),
        (
            ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
            true,
            error,
            Fail,
        ),
        (
            ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
            true,
            OffsetReset::Latest,
            Reset(OffsetReset::Latest),
        ),
        (ErrorCode::TABLE_NOT_EXIST, true, error, Fail),
    ];
    for (code, projected, reset, expected) in cases {
        assert_eq!(judge(code, projected, reset), expected, "{code:?}");
    }
}

#[test]
fn pauses_grow_to_a_second() {
    let full = |failures| retry_delay(failures, u32::MAX).as_millis();
    assert_eq!(
        [1, 2, 3, 4, 5, 6, 100].map(full),
        [50, 100, 200, 400, 800, 1_000, 1_000]
    );
    assert_eq!(retry_delay(1, 0).as_millis(), 25);
}
