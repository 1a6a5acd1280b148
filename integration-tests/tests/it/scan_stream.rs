//! Scans as streams.

use std::time::Duration;

use fluss::client::{RecordStream, ScanBatchStream};
use fluss::metadata::OffsetSpec;
use futures::{StreamExt, TryStreamExt};

use crate::scan_support::{Seen, append, assert_consecutive, ids, log_table};
use crate::support::PATIENCE;

const fn movable<T: Send + Unpin>() {}

pub(crate) async fn a_stream_of_rows_with_an_end_ends() {
    const { movable::<RecordStream>() };
    let (_connection, table) = log_table("stream_rows", 3).await;
    append(&table, 0..2000).await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut stream = scanner.into_stream();
    let mut seen = Seen::new();
    while let Some((bucket, record)) = tokio::time::timeout(PATIENCE, stream.try_next())
        .await
        .unwrap()
        .unwrap()
    {
        assert_eq!(stream.position(&bucket), Some(record.offset() + 1));
        seen.entry(bucket)
            .or_default()
            .push((record.offset(), record.row().get_long(0)));
    }
    assert_consecutive(&seen);
    assert_eq!(ids(&seen), (0..2000).collect::<Vec<_>>());
    assert!(stream.next().await.is_none(), "it stays at its end");
}

pub(crate) async fn a_stream_of_batches_with_an_end_ends() {
    const { movable::<ScanBatchStream>() };
    let (_connection, table) = log_table("stream_batches", 2).await;
    append(&table, 0..1000).await;
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let schema = scanner.schema();
    let batches: Vec<_> = tokio::time::timeout(PATIENCE, scanner.into_stream().try_collect())
        .await
        .unwrap()
        .unwrap();
    assert!(
        batches
            .iter()
            .all(|batch: &fluss::client::ScanBatch| batch.batch().schema() == schema)
    );
    let rows: usize = batches
        .iter()
        .map(fluss::client::ScanBatch::num_records)
        .sum();
    assert_eq!(rows, 1000);
}

pub(crate) async fn a_stream_without_end_goes_on_and_a_dropped_next_loses_nothing() {
    let (_connection, table) = log_table("stream_endless", 2).await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    let mut stream = scanner.into_stream();
    let appending = table.clone();
    let writer = tokio::spawn(async move {
        for from in (0..300).step_by(10) {
            append(&appending, from..from + 10).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut found = Vec::new();
    let mut dropped = 0;
    while found.len() < 300 || dropped <= 10 {
        // Most of these are dropped while they wait.
        match tokio::time::timeout(Duration::from_millis(3), stream.next()).await {
            Ok(next) => found.push(next.unwrap().unwrap().1.row().get_long(0)),
            Err(_) => dropped += 1,
        }
        assert!(dropped < 20_000, "{} rows", found.len());
    }
    writer.await.unwrap();
    found.sort_unstable();
    assert_eq!(found, (0..300).collect::<Vec<_>>());
}

pub(crate) async fn a_stream_tells_a_failure_once_and_reads_on() {
    let (connection, table) = log_table("stream_failure", 2).await;
    append(&table, 0..100).await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_from_beginning(0).await.unwrap();
    scanner.subscribe(1, 100_000).await.unwrap();
    let mut stream = scanner.into_stream();
    let admin = connection.get_admin().await.unwrap();
    let ends = admin.list_offsets(table.table_path(), &[0], OffsetSpec::Latest);
    let end = ends.await.unwrap()[&0];
    let (mut rows, mut errors) = (0, 0);
    loop {
        // Until everything came that must come, and a while longer.
        let is_all = (rows, errors) == (end, 1);
        let patience = if is_all {
            Duration::from_secs(1)
        } else {
            PATIENCE
        };
        match tokio::time::timeout(patience, stream.next()).await {
            Ok(Some(Ok((bucket, _)))) => {
                assert_eq!(bucket.bucket_id(), 0);
                rows += 1;
            }
            Ok(Some(Err(error))) => {
                assert_eq!(error.server_code(), Some(19), "{error}");
                errors += 1;
            }
            Ok(None) => panic!("bucket 0 has no end"),
            Err(_) => break,
        }
    }
    assert_eq!((rows, errors), (end, 1));
    assert!(rows > 0);
    // Once the other bucket is gone, only what failed is left, and the stream ends.
    stream.scanner().unsubscribe(0).await.unwrap();
    let next = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap();
    assert!(next.is_none());
}
