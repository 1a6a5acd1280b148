//! Tests of lookups against a server in memory, in paused time.
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
use fluss_row::kv::write_value;
use fluss_row::{GenericRow, RowEncoder, RowFormat};
use fluss_wire::api::ApiKey;
use fluss_wire::message::{LookupRequest, LookupResponse, PbLookupRespForBucket};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::Config;
use crate::error::ErrorKind;
use crate::scan::testing::{MemoryServer, Request, ok, open_table, refused};
use crate::table::Lookuper;

fn descriptor() -> TableDescriptor {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .primary_key(vec!["id"])
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .build()
        .unwrap()
}

fn key(id: i32) -> GenericRow<'static> {
    let mut row = GenericRow::new(1);
    row.set_field(0, id);
    row
}

/// A server that knows the ids 0 to 999.
async fn bench(change: impl FnOnce(&mut Config)) -> (Arc<MemoryServer>, Lookuper) {
    let server = MemoryServer::new(descriptor());
    let row_type = server.descriptor.schema().row_type().clone();
    let encoder = RowEncoder::new(RowFormat::Compacted, &row_type).unwrap();
    let table = open_table(&server, change).await;
    let keys = fluss_row::key::TableKeys::of_lookups(table.get_table_info()).unwrap();
    for id in 0..1000 {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, format!("name {id}"));
        let (mut bytes, mut value, mut key_bytes) = (Vec::new(), Vec::new(), Vec::new());
        encoder.encode(&row, &mut bytes).unwrap();
        write_value(1, &bytes, &mut value).unwrap();
        keys.encode_key(&key(id), &mut key_bytes).unwrap();
        server
            .values
            .lock()
            .unwrap()
            .insert(Bytes::from(key_bytes), Bytes::from(value));
    }
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    (server, lookuper)
}

async fn name(lookuper: &Lookuper, id: i32) -> Option<String> {
    let result = lookuper.lookup(&key(id)).await.unwrap();
    result
        .get_single_row()
        .unwrap()
        .map(|row| row.get_string(1).to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_row_is_found_and_a_missing_one_is_none() {
    let (_server, lookuper) = bench(|_| ()).await;
    assert_eq!(name(&lookuper, 7).await.as_deref(), Some("name 7"));
    assert_eq!(name(&lookuper, 1000).await, None);
    let batch = lookuper
        .lookup(&key(3))
        .await
        .unwrap()
        .to_record_batch()
        .unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn many_lookups_share_few_requests_and_each_gets_its_row() {
    let (server, lookuper) = bench(|_| ()).await;
    let mut tasks = JoinSet::new();
    for id in 0..600 {
        let lookuper = lookuper.clone();
        tasks.spawn(async move { (id, name(&lookuper, id).await) });
    }
    while let Some(done) = tasks.join_next().await {
        let (id, found) = done.unwrap();
        assert_eq!(found, Some(format!("name {id}")));
    }
    let requests = server.count(ApiKey::Lookup);
    assert!(requests <= 20, "{requests} requests for 600 lookups");
}

#[tokio::test(start_paused = true)]
async fn lookup_many_keeps_the_order_of_its_keys() {
    let (server, lookuper) = bench(|_| ()).await;
    let ids = [5, 2000, 900, 5, 0];
    let found = lookuper.lookup_many(ids.map(key)).await.unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|result| result.get_single_row().unwrap().map(|row| row.get_int(0)))
        .collect();
    assert_eq!(names, vec![Some(5), None, Some(900), Some(5), Some(0)]);
    assert!(server.count(ApiKey::Lookup) <= 4);
}

/// Fails the first lookups with a code for each bucket.
fn fail_first(server: &Arc<MemoryServer>, times: usize, code: i32) {
    let left = AtomicUsize::new(times);
    server.script(move |request| {
        let fail = request.api == ApiKey::Lookup
            && left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok();
        let request = request.clone();
        fail.then_some(async move { ok(&request, &all_fail(&request, code)) })
    });
}

fn all_fail(request: &Request, code: i32) -> LookupResponse {
    let asked: LookupRequest = request.message();
    let fail = |bucket_id| PbLookupRespForBucket {
        bucket_id,
        error_code: Some(code),
        ..PbLookupRespForBucket::default()
    };
    LookupResponse {
        buckets_resp: asked
            .buckets_req
            .iter()
            .map(|bucket| fail(bucket.bucket_id))
            .collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn passing_failures_are_repeated_with_pauses() {
    for code in [12, 11, 21] {
        let (server, lookuper) = bench(|_| ()).await;
        fail_first(&server, 4, code);
        let started = Instant::now();
        assert_eq!(
            name(&lookuper, 7).await.as_deref(),
            Some("name 7"),
            "code {code}"
        );
        assert!(
            started.elapsed() >= Duration::from_millis(100),
            "{:?}",
            started.elapsed()
        );
        assert_eq!(server.count(ApiKey::Lookup), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_that_do_not_pass_are_told_at_once() {
    let (server, lookuper) = bench(|_| ()).await;
    fail_first(&server, 1, 48);
    let error = lookuper.lookup(&key(1)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code(), error.operation()),
        (ErrorKind::Authorization, Some(48), Some("lookup"))
    );
    server.script(|request| {
        let request = request.clone();
        (request.api == ApiKey::Lookup).then_some(async move { refused(&request, 48) })
    });
    assert_eq!(
        lookuper.lookup(&key(1)).await.unwrap_err().kind(),
        ErrorKind::Authorization
    );
}

#[tokio::test(start_paused = true)]
async fn retries_end_with_the_call() {
    let (server, lookuper) = bench(|config| config.call_timeout = Duration::from_secs(3)).await;
    fail_first(&server, usize::MAX, 12);
    let started = Instant::now();
    let error = lookuper.lookup(&key(1)).await.unwrap_err();
    assert!(
        started.elapsed() <= Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(error.server_code(), Some(12));
    assert!(
        error.attempts().is_some_and(|attempts| attempts > 3),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_an_error_within_the_deadline() {
    let (server, lookuper) = bench(|config| {
        config.request_timeout = Duration::from_secs(1);
        config.call_timeout = Duration::from_secs(3);
    })
    .await;
    server.script(|request| (request.api == ApiKey::Lookup).then_some(std::future::pending()));
    let started = Instant::now();
    let error = lookuper.lookup(&key(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(
        started.elapsed() <= Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    server.no_script();
    assert_eq!(name(&lookuper, 1).await.as_deref(), Some("name 1"));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_lets_lookups_wait_and_loses_none() {
    let (_server, lookuper) = bench(|config| {
        config.lookup_queue_size = 4;
        config.lookup_max_batch_size = 2;
    })
    .await;
    let mut tasks = JoinSet::new();
    for id in 0..200 {
        let lookuper = lookuper.clone();
        tasks.spawn(async move { name(&lookuper, id).await });
    }
    let found = tasks.join_all().await;
    assert_eq!(found.iter().flatten().count(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_lookup_disturbs_no_other() {
    let (_server, lookuper) = bench(|_| ()).await;
    for id in 0..50 {
        let row = key(id);
        let _ = tokio::time::timeout(Duration::ZERO, lookuper.lookup(&row)).await;
        assert_eq!(name(&lookuper, id).await, Some(format!("name {id}")));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_too_few_values_is_refused() {
    let (server, lookuper) = bench(|_| ()).await;
    server.script(|request| {
        let request = request.clone();
        (request.api == ApiKey::Lookup).then_some(async move {
            let asked: LookupRequest = request.message();
            let bucket = |bucket_id| PbLookupRespForBucket {
                bucket_id,
                ..PbLookupRespForBucket::default()
            };
            ok(
                &request,
                &LookupResponse {
                    buckets_resp: asked
                        .buckets_req
                        .iter()
                        .map(|asked| bucket(asked.bucket_id))
                        .collect(),
                },
            )
        })
    });
    assert_eq!(
        lookuper.lookup(&key(1)).await.unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_of_the_wrong_width_is_refused_with_the_columns_it_needs() {
    let (_server, lookuper) = bench(|_| ()).await;
    let error = lookuper.lookup(&GenericRow::new(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("id"), "{error}");
}
