//! Tests of scanners against a server in memory, in paused time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fluss_metadata::{DataTypes, Schema, TableDescriptor};
use fluss_row::GenericRow;
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    FetchLogRequest, FetchLogResponse, PbFetchLogRespForBucket, PbFetchLogRespForTable,
};
use tokio::time::Instant;

use super::testing::{MemoryServer, TABLE_ID, batch_of, ok, open_table};
use crate::config::Config;
use crate::error::ErrorKind;
use crate::table::{
    EARLIEST_OFFSET, FlussTable, LATEST_OFFSET, LogScanner, OffsetReset, ScanRecords,
};

fn descriptor(buckets: i32) -> TableDescriptor {
    let schema = Schema::builder()
        .column("n", DataTypes::bigint())
        .column("text", DataTypes::string())
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(buckets)
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap()
}

/// A batch of rows numbered from `from` on.
fn batch(descriptor: &TableDescriptor, from: i64, rows: i64) -> Bytes {
    batch_of(
        descriptor,
        (from..from + rows).map(|n| {
            let mut row = GenericRow::new(2);
            row.set_field(0, n);
            row.set_field(1, format!("text {n}"));
            row
        }),
    )
}

struct Bench {
    server: Arc<MemoryServer>,
    table: FlussTable,
}

impl Bench {
    async fn new(buckets: i32) -> Self {
        Self::with(buckets, |_| ()).await
    }

    async fn with(buckets: i32, change: impl FnOnce(&mut Config)) -> Self {
        let server = MemoryServer::new(descriptor(buckets));
        let table = open_table(&server, change).await;
        Self { server, table }
    }

    /// Appends a batch of rows numbered as their offsets.
    fn append(&self, bucket: i32, rows: i64) {
        let from = self.server.with_log(bucket, |log| log.end_offset());
        let batch = batch(&self.server.descriptor, from, rows);
        self.server.with_log(bucket, |log| log.append(rows, &batch));
    }

    async fn scanner(&self, offsets: &[(i32, i64)]) -> LogScanner {
        let scanner = self.table.new_scan().create_log_scanner().unwrap();
        for (bucket, offset) in offsets {
            scanner.subscribe(*bucket, *offset).await.unwrap();
        }
        scanner
    }
}

const LONG: Duration = Duration::from_secs(5);
const MS: Duration = Duration::from_millis(1);

/// The numbers of the rows, each of which is its offset.
fn offsets(records: &ScanRecords, bucket: i32) -> Vec<i64> {
    let bucket = fluss_metadata::TableBucket::new(TABLE_ID, bucket);
    records
        .records(&bucket)
        .iter()
        .map(|record| {
            assert_eq!(record.row().get_long(0), record.offset());
            assert_eq!(
                record.row().get_string(1),
                format!("text {}", record.offset())
            );
            record.offset()
        })
        .collect()
}

/// Polls until a bucket gave so many rows.
async fn read(scanner: &LogScanner, bucket: i32, rows: usize) -> Vec<i64> {
    let mut all = Vec::new();
    while all.len() < rows {
        let records = scanner.poll(LONG).await.unwrap();
        assert!(
            !records.is_empty(),
            "only {} of {rows} rows came",
            all.len()
        );
        all.extend(offsets(&records, bucket));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn rows_come_in_order_with_their_offsets_though_answers_are_cut() {
    let bench = Bench::with(1, |config| config.scanner_fetch_max_bytes_for_bucket = 700).await;
    for rows in [3, 40, 1, 7, 100, 2] {
        bench.append(0, rows);
    }
    let scanner = bench.scanner(&[(0, EARLIEST_OFFSET)]).await;
    assert_eq!(read(&scanner, 0, 153).await, (0..153).collect::<Vec<_>>());
    assert_eq!(scanner.position(0), Some(153));
}

#[tokio::test(start_paused = true)]
async fn a_scan_from_an_offset_begins_there() {
    let bench = Bench::new(1).await;
    bench.append(0, 10);
    bench.append(0, 10);
    let scanner = bench.scanner(&[(0, 7)]).await;
    assert_eq!(read(&scanner, 0, 13).await, (7..20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_at_its_end_does_not_hold_back_another_one() {
    let bench = Bench::new(2).await;
    bench.append(0, 1);
    for _ in 0..50 {
        bench.append(1, 100);
    }
    let scanner = bench
        .scanner(&[(0, EARLIEST_OFFSET), (1, EARLIEST_OFFSET)])
        .await;
    let started = Instant::now();
    let mut rows = 0;
    while rows < 5001 {
        rows += scanner.poll(LONG).await.unwrap().count();
    }
    assert!(
        started.elapsed() < Duration::from_millis(100),
        "it took {:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_written_while_the_server_holds_the_fetch_comes_at_once() {
    let bench = Bench::with(1, |config| {
        config.scanner_tail_latency = config.scanner_fetch_wait_max_time;
    })
    .await;
    let scanner = bench.scanner(&[(0, EARLIEST_OFFSET)]).await;
    assert!(
        scanner
            .poll(Duration::from_millis(200))
            .await
            .unwrap()
            .is_empty()
    );
    bench.append(0, 1);
    let started = Instant::now();
    assert_eq!(read(&scanner, 0, 1).await, vec![0]);
    assert!(
        started.elapsed() < Duration::from_millis(5),
        "it took {:?}",
        started.elapsed()
    );
    let fetches = bench.server.count(ApiKey::FetchLog);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let held = bench.server.count(ApiKey::FetchLog) - fetches;
    assert!(
        (15..=25).contains(&held),
        "{held} fetches in 10 s of nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_row_is_asked_for_soon_and_silence_costs_little() {
    let bench = Bench::new(2).await;
    let scanner = bench
        .scanner(&[(0, EARLIEST_OFFSET), (1, EARLIEST_OFFSET)])
        .await;
    for row in 0..40 {
        assert!(scanner.poll(50 * MS).await.unwrap().is_empty());
        bench.append(0, 1);
        let written = Instant::now();
        assert_eq!(read(&scanner, 0, 1).await, vec![row]);
        assert!(written.elapsed() <= 10 * MS, "{:?}", written.elapsed());
    }
    assert!(scanner.poll(60_000 * MS).await.unwrap().is_empty());
    let fetches = bench.server.count(ApiKey::FetchLog);
    assert!(scanner.poll(10_000 * MS).await.unwrap().is_empty());
    let fetches = bench.server.count(ApiKey::FetchLog) - fetches;
    assert!((100..=115).contains(&fetches), "{fetches} fetches in 10 s");
    bench.append(1, 1);
    let written = Instant::now();
    assert_eq!(read(&scanner, 1, 1).await, vec![0]);
    assert!(written.elapsed() <= 100 * MS, "{:?}", written.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_poll_loses_nothing() {
    let bench = Bench::new(1).await;
    let scanner = bench.scanner(&[(0, EARLIEST_OFFSET)]).await;
    let mut all = Vec::new();
    for step in 0..40_u64 {
        if step % 4 == 0 {
            bench.append(0, 5);
        }
        let poll = scanner.poll(LONG);
        if let Ok(records) = tokio::time::timeout(Duration::from_micros(step * 50), poll).await {
            all.extend(offsets(&records.unwrap(), 0));
        }
    }
    let rest = 50 - all.len();
    all.extend(read(&scanner, 0, rest).await);
    assert_eq!(all, (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_poll_gives_at_most_the_configured_number_of_rows() {
    let bench = Bench::with(1, |config| config.scanner_max_poll_records = 30).await;
    bench.append(0, 100);
    let scanner = bench.scanner(&[(0, EARLIEST_OFFSET)]).await;
    let mut counts = Vec::new();
    for _ in 0..4 {
        let records = scanner.poll(LONG).await.unwrap();
        counts.push(records.count());
        let bucket = fluss_metadata::TableBucket::new(TABLE_ID, 0);
        assert_eq!(records.consumed_up_to(&bucket), scanner.position(0));
    }
    assert_eq!(counts, vec![30, 30, 30, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_batch_is_an_error_that_names_the_place_after_the_rows_before_it() {
    let bench = Bench::new(2).await;
    bench.append(0, 5);
    bench.append(0, 5);
    bench
        .server
        .with_log(0, super::testing::BucketLog::corrupt_last);
    let scanner = bench.scanner(&[(0, EARLIEST_OFFSET)]).await;
    assert_eq!(read(&scanner, 0, 5).await, vec![0, 1, 2, 3, 4]);
    let error = scanner.poll(LONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error.to_string().contains("bucket 0") && error.to_string().contains("offset 5"),
        "{error}"
    );
    assert_eq!(scanner.position(0), Some(5));
    let fetches = bench.server.count(ApiKey::FetchLog);
    let started = Instant::now();
    assert_eq!(
        scanner.poll(LONG).await.unwrap_err().kind(),
        ErrorKind::Corrupt,
        "the bucket stays refused"
    );
    assert_eq!(
        started.elapsed().as_secs(),
        LONG.as_secs(),
        "and that is no busy loop"
    );
    assert_eq!(bench.server.count(ApiKey::FetchLog), fetches);
    scanner.subscribe(1, EARLIEST_OFFSET).await.unwrap();
    bench.append(1, 2);
    assert_eq!(
        read(&scanner, 1, 2).await,
        vec![0, 1],
        "another bucket goes on"
    );
}

#[tokio::test(start_paused = true)]
async fn an_offset_out_of_range_is_an_error_or_a_new_start_as_chosen() {
    let bench = Bench::new(1).await;
    bench.append(0, 5);
    bench.append(0, 5);
    bench.server.with_log(0, |log| log.start = 5);
    let scanner = bench.scanner(&[(0, 2)]).await;
    let error = scanner.poll(LONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange);
    assert!(
        error.to_string().contains("bucket 0") && error.to_string().contains("offset 2"),
        "{error}"
    );
    for (reset, first) in [(OffsetReset::Earliest, 5), (OffsetReset::Latest, 10)] {
        let scanner = bench
            .table
            .new_scan()
            .offset_reset(reset)
            .create_log_scanner()
            .unwrap();
        scanner.subscribe(0, 2).await.unwrap();
        scanner.poll(Duration::from_millis(300)).await.unwrap();
        bench.append(0, 1);
        assert_eq!(
            scanner.position(0).map(|position| position >= first),
            Some(true),
            "{reset:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_at_the_latest_offset_sees_what_comes_after() {
    let bench = Bench::new(1).await;
    bench.append(0, 5);
    let scanner = bench.scanner(&[(0, LATEST_OFFSET)]).await;
    assert!(
        scanner
            .poll(Duration::from_millis(100))
            .await
            .unwrap()
            .is_empty()
    );
    bench.append(0, 2);
    assert_eq!(read(&scanner, 0, 2).await, vec![5, 6]);
}

/// A fetch answer with one error for its one bucket.
fn bucket_error(code: i32) -> FetchLogResponse {
    let bucket = PbFetchLogRespForBucket {
        bucket_id: 0,
        error_code: Some(code),
        ..PbFetchLogRespForBucket::default()
    };
    FetchLogResponse {
        tables_resp: vec![PbFetchLogRespForTable {
            table_id: TABLE_ID,
            buckets_resp: vec![bucket].into(),
        }]
        .into(),
    }
}

#[tokio::test(start_paused = true)]
async fn passing_errors_are_recovered_from_silently() {
    for code in [12, 10, 21, 26, -1] {
        let bench = Bench::new(1).await;
        bench.append(0, 3);
        let left = AtomicUsize::new(3);
        bench.server.script(move |request| {
            let fail = request.api == ApiKey::FetchLog
                && left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                    .is_ok();
            let request = request.clone();
            fail.then_some(async move { ok(&request, &bucket_error(code)) })
        });
        let scanner = bench.scanner(&[(0, EARLIEST_OFFSET)]).await;
        assert_eq!(read(&scanner, 0, 3).await, vec![0, 1, 2], "code {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_that_do_not_pass_are_told() {
    for (code, kind) in [
        (48, ErrorKind::Authorization),
        (3, ErrorKind::Corrupt),
        (19, ErrorKind::OffsetOutOfRange),
    ] {
        let bench = Bench::new(1).await;
        bench.server.script(move |request| {
            let request = request.clone();
            (request.api == ApiKey::FetchLog)
                .then_some(async move { ok(&request, &bucket_error(code)) })
        });
        let scanner = bench.scanner(&[(0, 0)]).await;
        assert_eq!(
            scanner.poll(LONG).await.unwrap_err().kind(),
            kind,
            "code {code}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_an_error_in_the_end_and_not_before() {
    let bench = Bench::with(1, |config| {
        config.request_timeout = Duration::from_secs(2);
        config.call_timeout = Duration::from_secs(10);
    })
    .await;
    bench
        .server
        .script(|request| (request.api == ApiKey::FetchLog).then_some(std::future::pending()));
    let scanner = bench.scanner(&[(0, 0)]).await;
    assert!(scanner.poll(LONG).await.unwrap().is_empty());
    let error = scanner.poll(Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    bench.append(0, 2);
    bench.server.no_script();
    assert_eq!(read(&scanner, 0, 2).await, vec![0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_new_subscription_throws_away_what_was_on_its_way() {
    let bench = Bench::new(1).await;
    bench.append(0, 10);
    bench.append(0, 10);
    bench.server.script(|request| {
        let request = request.clone();
        // The answer to the first subscription comes late.
        let from_start = request.api == ApiKey::FetchLog
            && request
                .message::<FetchLogRequest>()
                .tables_req
                .first()
                .unwrap()
                .buckets_req
                .first()
                .unwrap()
                .fetch_offset
                == 0;
        from_start.then_some(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            ok(&request, &bucket_error(48))
        })
    });
    let scanner = bench.scanner(&[(0, 0)]).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    scanner.subscribe(0, 15).await.unwrap();
    assert_eq!(read(&scanner, 0, 5).await, (15..20).collect::<Vec<_>>());
    tokio::time::sleep(Duration::from_millis(100)).await;
    bench.append(0, 1);
    assert_eq!(read(&scanner, 0, 1).await, vec![20]);
}

#[tokio::test(start_paused = true)]
async fn wakeup_ends_a_waiting_poll() {
    let bench = Bench::new(1).await;
    let scanner = Arc::new(bench.scanner(&[(0, 0)]).await);
    let waker = Arc::clone(&scanner);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        waker.wakeup();
    });
    let started = Instant::now();
    assert!(scanner.poll(LONG).await.unwrap().is_empty());
    assert_eq!(started.elapsed().as_millis(), 20);
}

#[tokio::test(start_paused = true)]
async fn misuse_is_refused() {
    let bench = Bench::new(2).await;
    let scanner = bench.scanner(&[]).await;
    assert_eq!(
        scanner.poll(LONG).await.unwrap_err().kind(),
        ErrorKind::Usage
    );
    for (bucket, offset) in [(2, 0), (-1, 0), (0, -3)] {
        assert_eq!(
            scanner.subscribe(bucket, offset).await.unwrap_err().kind(),
            ErrorKind::Usage,
            "{bucket} {offset}"
        );
    }
    assert_eq!(
        scanner
            .subscribe_partition(1, 0, 0)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Usage
    );
    let scan = bench.table.new_scan();
    assert!(scan.clone().project(&[2]).is_err() && scan.clone().project(&[0, 0]).is_err());
    assert!(scan.clone().project_by_name(&["nothing"]).is_err() && scan.clone().limit(0).is_err());
    assert!(scan.clone().limit(5).unwrap().create_log_scanner().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_fetched_ahead_stays_within_the_bound() {
    let bench = Bench::with(4, |config| {
        config.scanner_prefetch_max_bytes = 20_000;
        config.scanner_fetch_max_bytes_for_bucket = 4_000;
    })
    .await;
    for bucket in 0..4 {
        for _ in 0..100 {
            bench.append(bucket, 50);
        }
    }
    let scanner = bench.scanner(&[(0, 0), (1, 0), (2, 0), (3, 0)]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(
        bench.server.count(ApiKey::FetchLog) <= 8,
        "{} fetches before the first poll",
        bench.server.count(ApiKey::FetchLog)
    );
    let mut rows = 0;
    while rows < 4 * 100 * 50 {
        rows += scanner.poll(LONG).await.unwrap().count();
    }
}

#[tokio::test(start_paused = true)]
async fn batches_come_whole_with_their_offsets() {
    let bench = Bench::new(1).await;
    bench.append(0, 700);
    bench.append(0, 3);
    let scanner = bench
        .table
        .new_scan()
        .project(&[1])
        .unwrap()
        .create_record_batch_log_scanner()
        .unwrap();
    scanner.subscribe(0, 699).await.unwrap();
    let mut batches = Vec::new();
    while batches.len() < 2 {
        batches.extend(scanner.poll(LONG).await.unwrap());
    }
    let shape: Vec<_> = batches
        .iter()
        .map(|batch| {
            (
                batch.base_offset(),
                batch.last_offset(),
                batch.batch().num_columns(),
            )
        })
        .collect();
    assert_eq!(shape, vec![(699, 699, 1), (700, 702, 1)]);
    assert_eq!(batches[0].batch().schema(), scanner.schema());
}
