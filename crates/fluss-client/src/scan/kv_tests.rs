//! Tests of scans of all rows of a primary-key table, against a server that is scripted, in paused time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::future::{Future, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use bytes::Bytes;
use fluss_metadata::{DataTypes, Schema, TableBucket, TableDescriptor};
use fluss_row::kv::ValueBatchBuilder;
use fluss_row::{GenericRow, RowEncoder, RowFormat};
use fluss_wire::api::ApiKey;
use fluss_wire::message::{ScanKvRequest, ScanKvResponse};
use tokio::time::{sleep, timeout};

use super::testing::{MemoryServer, Reply, Request, TABLE_ID, ok, open_table};
use crate::error::ErrorKind;
use crate::table::{BucketBatchScanner, FlussTable, ScanBatch};

fn descriptor() -> TableDescriptor {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .primary_key(vec!["id"])
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(2)
        .build()
        .unwrap()
}

fn values(ids: std::ops::Range<i32>) -> Bytes {
    let row_type = descriptor().schema().row_type().clone();
    let encoder = RowEncoder::new(RowFormat::Compacted, &row_type).unwrap();
    let mut batch = ValueBatchBuilder::new();
    for id in ids {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, format!("name {id}"));
        let mut bytes = Vec::new();
        encoder.encode(&row, &mut bytes).unwrap();
        batch.append(1, &bytes).unwrap();
    }
    batch.build()
}

/// What a server keeps of a scan: which call comes next, and what is left.
struct Session {
    bucket: i32,
    next_call: i32,
    next_row: i32,
}

/// A server that has `rows` rows in each of its two buckets and sends `page` of them at once, as strict as a real one.
#[derive(Default)]
struct Scans {
    open: Mutex<Vec<(Bytes, Session)>>,
    opened: Mutex<i32>,
    rows: i32,
    page: i32,
}

impl Scans {
    fn answer(&self, asked: &ScanKvRequest) -> ScanKvResponse {
        let refused = |code| ScanKvResponse {
            error_code: Some(code),
            ..ScanKvResponse::default()
        };
        let mut open = self.open.lock().unwrap();
        if asked.close_scanner == Some(true) {
            assert!(asked.bucket_scan_req.is_none());
            open.retain(|(id, _)| Some(id) != asked.scanner_id.as_ref());
            return ScanKvResponse::default();
        }
        assert!(asked.batch_size_bytes.unwrap() > 0);
        if let Some(bucket) = &asked.bucket_scan_req {
            assert!(asked.scanner_id.is_none());
            assert_eq!(bucket.table_id, TABLE_ID);
            assert_eq!(bucket.routing_bucket_count, Some(2));
            if self.rows == 0 {
                return ScanKvResponse {
                    log_offset: Some(40),
                    has_more_results: Some(false),
                    ..ScanKvResponse::default()
                };
            }
            let mut opened = self.opened.lock().unwrap();
            *opened += 1;
            let session = Session {
                bucket: bucket.bucket_id,
                next_call: 0,
                next_row: 0,
            };
            open.push((Bytes::from(format!("scan {opened}")), session));
        }
        let found = match &asked.scanner_id {
            Some(id) => open.iter_mut().find(|(open, _)| open == id),
            None => open.last_mut(),
        };
        let Some((id, session)) = found else {
            return refused(67);
        };
        if asked.call_seq_id != Some(session.next_call) {
            return refused(68);
        }
        let (from, to) = (
            session.next_row,
            (session.next_row + self.page).min(self.rows),
        );
        let base = session.bucket * 1000;
        let answer = ScanKvResponse {
            scanner_id: Some(id.clone()),
            has_more_results: Some(to < self.rows),
            records: Some(values(base + from..base + to)),
            log_offset: (session.next_call == 0).then_some(40),
            ..ScanKvResponse::default()
        };
        session.next_call += 1;
        session.next_row = to;
        if to == self.rows {
            let id = id.clone();
            open.retain(|(open, _)| *open != id);
        }
        answer
    }

    fn open(&self) -> usize {
        self.open.lock().unwrap().len()
    }
}

/// A table on a server of release 1.0, and the scans that the server keeps. `before` may answer first.
async fn bench<F>(
    rows: i32,
    page: i32,
    before: impl Fn(&Request, &ScanKvRequest) -> Option<F> + Send + Sync + 'static,
) -> (Arc<MemoryServer>, Arc<Scans>, FlussTable)
where
    F: Future<Output = Reply> + Send + 'static,
{
    let server = MemoryServer::new(descriptor());
    server.become_newer();
    let scans = Arc::new(Scans {
        rows,
        page,
        ..Scans::default()
    });
    let serving = Arc::clone(&scans);
    server.script(move |request| {
        if request.api != ApiKey::ScanKv {
            return None;
        }
        let asked: ScanKvRequest = request.message();
        let first = before(request, &asked);
        let reply = match first {
            Some(_) => None,
            None => ok(request, &serving.answer(&asked)),
        };
        Some(async move {
            match first {
                Some(first) => first.await,
                None => reply,
            }
        })
    });
    let table = open_table(&server, |_| ()).await;
    (server, scans, table)
}

fn nothing_before(_: &Request, _: &ScanKvRequest) -> Option<std::future::Ready<Reply>> {
    None
}

fn scanner(table: &FlussTable, bucket: i32) -> BucketBatchScanner {
    let bucket = TableBucket::new(TABLE_ID, bucket);
    table
        .new_scan()
        .create_bucket_batch_scanner(bucket)
        .unwrap()
}

fn ids(batches: &[ScanBatch], column: usize) -> Vec<i32> {
    batches
        .iter()
        .flat_map(|batch| {
            batch
                .batch()
                .column(column)
                .as_primitive::<Int32Type>()
                .values()
                .to_vec()
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_read_page_by_page_and_the_server_keeps_nothing() {
    let (server, scans, table) = bench(25, 10, nothing_before).await;
    let scanner = scanner(&table, 1);
    assert_eq!(scanner.log_offset(), None);
    let batches = scanner.collect_all_batches().await.unwrap();
    assert_eq!(batches.len(), 3);
    assert_eq!(ids(&batches, 0), (1000..1025).collect::<Vec<_>>());
    assert_eq!(scanner.log_offset(), Some(40));
    assert_eq!(scanner.next_batch().await.unwrap().map(|_| ()), None);
    assert_eq!(server.count(ApiKey::ScanKv), 3, "nothing is to be closed");
    assert_eq!(scans.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_whole_table_is_read_bucket_by_bucket_with_the_columns_wanted() {
    let (_server, scans, table) = bench(7, 3, nothing_before).await;
    let scan = table.new_scan().project_by_name(&["name", "id"]).unwrap();
    let batches = scan
        .create_batch_scanner()
        .unwrap()
        .collect_all_batches()
        .await
        .unwrap();
    let expected: Vec<i32> = (0..7).chain(1000..1007).collect();
    assert_eq!(ids(&batches, 1), expected);
    assert_eq!(
        batches[0].batch().column(0).as_string::<i32>().value(2),
        "name 2"
    );
    assert_eq!(scans.open(), 0);

    let (_server, _scans, table) = bench(0, 3, nothing_before).await;
    let empty = scanner(&table, 0);
    assert!(empty.collect_all_batches().await.unwrap().is_empty());
    assert_eq!(empty.log_offset(), Some(40));
}

#[tokio::test(start_paused = true)]
async fn one_page_is_read_ahead_and_a_scan_that_is_dropped_is_closed() {
    let (server, scans, table) = bench(100, 10, nothing_before).await;
    let scanner = scanner(&table, 0);
    scanner.next_batch().await.unwrap().unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(server.count(ApiKey::ScanKv), 2, "read, and read ahead");
    assert_eq!(scans.open(), 1);
    drop(scanner);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((server.count(ApiKey::ScanKv), scans.open()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_is_dropped_before_the_server_answered_is_closed_too() {
    let slow = |request: &Request, asked: &ScanKvRequest| {
        asked.bucket_scan_req.is_some().then(|| {
            let answer = ScanKvResponse {
                scanner_id: Some(Bytes::from_static(b"late")),
                has_more_results: Some(true),
                records: Some(values(0..1)),
                ..ScanKvResponse::default()
            };
            let reply = ok(request, &answer);
            async move {
                sleep(Duration::from_secs(2)).await;
                reply
            }
        })
    };
    let (server, _scans, table) = bench(1, 1, slow).await;
    let scanner = scanner(&table, 0);
    assert!(
        timeout(Duration::from_secs(1), scanner.next_batch())
            .await
            .is_err()
    );
    drop(scanner);
    sleep(Duration::from_secs(3)).await;
    let seen = server.seen.lock().unwrap();
    let last: ScanKvRequest = seen.last().unwrap().message();
    assert_eq!(last.scanner_id.as_deref(), Some(&b"late"[..]));
    assert_eq!(last.close_scanner, Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_loses_no_rows() {
    let (_server, _scans, table) = bench(50, 10, nothing_before).await;
    let scanner = scanner(&table, 0);
    let mut batches = Vec::new();
    loop {
        match timeout(Duration::from_nanos(1), scanner.next_batch()).await {
            Ok(Ok(Some(batch))) => batches.push(batch),
            Ok(Ok(None)) => break,
            Ok(Err(error)) => panic!("{error}"),
            Err(_) => tokio::task::yield_now().await,
        }
    }
    assert_eq!(ids(&batches, 0), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_server_with_too_many_scans_is_asked_again_and_a_lost_scan_is_not() {
    let refusals = Mutex::new(vec![69, 12, 69]);
    let refused = move |request: &Request, asked: &ScanKvRequest| {
        let code = if asked.bucket_scan_req.is_some() {
            refusals.lock().unwrap().pop()
        } else {
            (asked.call_seq_id == Some(2)).then_some(66)
        };
        code.map(|code| {
            let answer = ScanKvResponse {
                error_code: Some(code),
                ..ScanKvResponse::default()
            };
            ready(ok(request, &answer))
        })
    };
    let (server, _scans, table) = bench(50, 10, refused).await;
    let scanner = scanner(&table, 0);
    for _ in 0..2 {
        scanner.next_batch().await.unwrap().unwrap();
    }
    for _ in 0..2 {
        let error = scanner.next_batch().await.unwrap_err();
        assert_eq!(error.server_code(), Some(66), "{error}");
        assert!(error.to_string().contains("scan_kv"), "{error}");
    }
    assert_eq!(server.count(ApiKey::ScanKv), 4 + 2, "the snapshot is gone");
}

#[tokio::test(start_paused = true)]
async fn an_old_server_is_not_asked_and_a_log_table_needs_a_limit() {
    let server = MemoryServer::new(descriptor());
    let table = open_table(&server, |_| ()).await;
    let error = scanner(&table, 0).next_batch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let whole = table.new_scan().create_batch_scanner().unwrap();
    let error = whole.next_batch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(server.count(ApiKey::ScanKv), 0);

    let schema = Schema::builder().column("id", DataTypes::int());
    let log = TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(1)
        .build()
        .unwrap();
    let server = MemoryServer::new(log);
    let table = open_table(&server, |_| ()).await;
    let bucket = TableBucket::new(TABLE_ID, 0);
    let error = table.new_scan().create_bucket_batch_scanner(bucket);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Usage);
    let error = table.new_scan().create_batch_scanner();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Usage);
}
