//! Subscriptions: which buckets are read, and from where on.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fluss::client::{EARLIEST_OFFSET, LATEST_OFFSET, OffsetReset};
use fluss::error::ErrorKind;
use fluss::metadata::{OffsetSpec, TableBucket};

use crate::scan_support::{
    append, append_day, assert_quiet, ids, log_table, partitioned_table, poll_rows, spec, total,
};
use crate::support::{PATIENCE, config};

pub(crate) async fn buckets_are_read_one_by_one_and_many_at_once() {
    let (_connection, table) = log_table("scan_buckets", 3).await;
    append(&table, 0..300).await;

    let all = table.new_scan().create_log_scanner().unwrap();
    let offsets: HashMap<i32, i64> = (0..3).map(|bucket| (bucket, EARLIEST_OFFSET)).collect();
    all.subscribe_buckets(&offsets).await.unwrap();
    let seen = poll_rows(&all, 300).await;
    assert_eq!(ids(&seen), (0..300).collect::<Vec<_>>());
    assert_eq!(seen.len(), 3, "every bucket has rows");

    for (bucket, rows) in seen {
        let one = table.new_scan().create_log_scanner().unwrap();
        one.subscribe_from_beginning(bucket.bucket_id())
            .await
            .unwrap();
        let alone = poll_rows(&one, rows.len()).await;
        assert_eq!(alone[&bucket], rows);
        assert_eq!(
            one.position(bucket.bucket_id()),
            Some(rows.last().unwrap().0 + 1)
        );
        assert_quiet(&one).await;
    }
}

pub(crate) async fn reading_begins_where_it_is_told_to() {
    let (_connection, table) = log_table("scan_starts", 1).await;
    append(&table, 0..50).await;
    // Timestamps are those of batches, in whole milliseconds of the server.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let between = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
    tokio::time::sleep(Duration::from_millis(50)).await;
    append(&table, 50..100).await;

    let latest = table.new_scan().create_log_scanner().unwrap();
    latest.subscribe(0, LATEST_OFFSET).await.unwrap();
    assert_quiet(&latest).await;
    append(&table, 100..110).await;
    assert_eq!(
        ids(&poll_rows(&latest, 10).await),
        (100..110).collect::<Vec<_>>()
    );

    let scanner = table.new_scan().create_log_scanner().unwrap();
    let cases: [(OffsetSpec, i64); 2] = [
        (OffsetSpec::Earliest, 0),
        (OffsetSpec::Timestamp(between), 50),
    ];
    for (start, first) in cases {
        scanner.subscribe_from(None, 0, start).await.unwrap();
        let seen = poll_rows(&scanner, (110 - first) as usize).await;
        assert_eq!(ids(&seen), (first..110).collect::<Vec<_>>(), "{start:?}");
    }
    scanner.subscribe(0, 33).await.unwrap();
    let seen = poll_rows(&scanner, 77).await;
    assert_eq!(
        seen[&TableBucket::new(table.get_table_info().table_id(), 0)][0],
        (33, 33)
    );
}

pub(crate) async fn a_bucket_that_is_unsubscribed_is_read_no_more() {
    let (connection, table) = log_table("scan_unsubscribe", 2).await;
    append(&table, 0..100).await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    poll_rows(&scanner, 100).await;

    scanner.unsubscribe(0).await.unwrap();
    assert_eq!(scanner.position(0), None);
    append(&table, 100..200).await;
    let admin = connection.get_admin().await.unwrap();
    let ends = admin.list_offsets(table.table_path(), &[1], OffsetSpec::Latest);
    let end = ends.await.unwrap()[&1];
    let mut rows = 0;
    let started = Instant::now();
    // To the end of the other bucket, and a while longer.
    loop {
        let is_at_end = scanner.position(1) == Some(end);
        assert!(is_at_end || started.elapsed() < PATIENCE, "{rows} rows");
        let records = scanner.poll(Duration::from_secs(1)).await.unwrap();
        assert!(records.buckets().all(|bucket| bucket.bucket_id() == 1));
        if is_at_end && records.is_empty() {
            break;
        }
        rows += records.count();
    }
    assert!((1..100).contains(&rows), "{rows} rows of bucket 1");

    scanner.unsubscribe_all().await.unwrap();
    let error = scanner.poll(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
}

pub(crate) async fn partitions_are_read_by_their_ids() {
    let (connection, table) = partitioned_table("scan_partitions", 2).await;
    let admin = connection.get_admin().await.unwrap();
    for day in ["2026-01-01", "2026-01-02", "2026-01-03"] {
        admin
            .create_partition(table.table_path(), &spec(day), false)
            .await
            .unwrap();
    }
    append_day(&table, "2026-01-01", 0..40).await;
    append_day(&table, "2026-01-02", 40..80).await;
    append_day(&table, "2026-01-03", 80..120).await;
    let partitions: HashMap<String, i64> = admin
        .list_partition_infos(table.table_path())
        .await
        .unwrap()
        .iter()
        .map(|partition| (partition.partition_name().clone(), partition.partition_id()))
        .collect();

    let scanner = table.new_scan().create_log_scanner().unwrap();
    let first = partitions["2026-01-01"];
    for bucket in 0..2 {
        scanner
            .subscribe_partition(first, bucket, EARLIEST_OFFSET)
            .await
            .unwrap();
    }
    let seen = poll_rows(&scanner, 40).await;
    assert_eq!(ids(&seen), (0..40).collect::<Vec<_>>());
    assert!(
        seen.keys()
            .all(|bucket| bucket.partition_id() == Some(first))
    );

    let others: HashMap<(i64, i32), i64> = ["2026-01-02", "2026-01-03"]
        .iter()
        .flat_map(|day| (0..2).map(|bucket| ((partitions[*day], bucket), EARLIEST_OFFSET)))
        .collect();
    scanner.subscribe_partition_buckets(&others).await.unwrap();
    let seen = poll_rows(&scanner, 80).await;
    assert_eq!(ids(&seen), (40..120).collect::<Vec<_>>());

    scanner.unsubscribe_partition(first, 0).await.unwrap();
    assert_eq!(scanner.partition_position(first, 0), None);
    assert!(scanner.partition_position(first, 1).is_some());
    let error = scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

/// What a poll names is what the next scanner takes: buckets of partitions with their positions.
pub(crate) async fn a_scan_resumes_at_the_positions_of_its_buckets() {
    let (connection, table) = partitioned_table("scan_resume", 2).await;
    let admin = connection.get_admin().await.unwrap();
    for day in ["2026-01-01", "2026-01-02"] {
        admin
            .create_partition(table.table_path(), &spec(day), true)
            .await
            .unwrap();
    }
    append_day(&table, "2026-01-01", 0..40).await;
    append_day(&table, "2026-01-02", 40..80).await;

    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    let seen = poll_rows(&scanner, 80).await;
    let saved: HashMap<TableBucket, i64> = seen
        .keys()
        .map(|bucket| (*bucket, scanner.position_of(bucket).unwrap()))
        .collect();
    assert_eq!(saved.len(), 4);
    drop(scanner);
    append_day(&table, "2026-01-01", 80..100).await;
    append_day(&table, "2026-01-02", 100..120).await;

    let resumed = table.new_scan().create_log_scanner().unwrap();
    resumed.subscribe_buckets(&saved).await.unwrap();
    assert_eq!(resumed.get_subscribed_buckets().len(), 4);
    let seen = poll_rows(&resumed, 40).await;
    assert_eq!(ids(&seen), (80..120).collect::<Vec<_>>());

    let bucket = *saved.keys().next().unwrap();
    resumed.unsubscribe_bucket(bucket).await.unwrap();
    assert_eq!(resumed.position_of(&bucket), None);
    resumed
        .subscribe_bucket(bucket, OffsetSpec::Earliest)
        .await
        .unwrap();
    let of_bucket = resumed.position_of(&bucket);
    assert!(of_bucket.is_some(), "{of_bucket:?}");
}

pub(crate) async fn a_whole_table_is_read_with_the_partitions_that_come_and_go() {
    let (connection, _) = partitioned_table("scan_discovery_config", 2).await;
    connection.close(PATIENCE).await.unwrap();
    let mut config = config();
    config.scanner_partition_discovery_interval = Duration::from_millis(300);
    let connection = fluss::client::FlussConnection::new(config).await.unwrap();
    let (_other, made) = partitioned_table("scan_discovery", 2).await;
    let table = connection.get_table(made.table_path()).await.unwrap();
    let admin = connection.get_admin().await.unwrap();

    // Not one partition yet: the scanner waits for some.
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Latest).await.unwrap();
    assert!(scanner.get_subscribed_buckets().is_empty());
    assert_quiet(&scanner).await;

    for (index, day) in ["a", "b", "c"].into_iter().enumerate() {
        let from = index as i64 * 20;
        admin
            .create_partition(table.table_path(), &spec(day), false)
            .await
            .unwrap();
        append_day(&table, day, from..from + 20).await;
        // Read from its beginning though rows were there before it was found.
        let seen = poll_rows(&scanner, 20).await;
        assert_eq!(ids(&seen), (from..from + 20).collect::<Vec<_>>());
    }
    assert_eq!(scanner.get_subscribed_buckets().len(), 6);

    admin
        .drop_partition(table.table_path(), &spec("b"), false)
        .await
        .unwrap();
    let started = Instant::now();
    while scanner.get_subscribed_buckets().len() > 4 {
        assert!(started.elapsed() < PATIENCE, "the dropped partition stays");
        // No error about the partition that is gone.
        let records = scanner.poll(Duration::from_millis(100)).await.unwrap();
        assert!(records.is_empty());
    }
    append_day(&table, "c", 60..80).await;
    assert_eq!(
        ids(&poll_rows(&scanner, 20).await),
        (60..80).collect::<Vec<_>>()
    );
}

pub(crate) async fn an_offset_out_of_range_is_an_error_or_a_new_start() {
    let (_connection, table) = log_table("scan_out_of_range", 1).await;
    append(&table, 0..30).await;
    let scan = |reset| table.new_scan().offset_reset(reset);

    let scanner = scan(OffsetReset::Error).create_log_scanner().unwrap();
    scanner.subscribe(0, 1000).await.unwrap();
    let error = scanner.poll(Duration::from_secs(30)).await.unwrap_err();
    assert_eq!(error.server_code(), Some(19), "{error}");
    assert!(error.to_string().contains("1000"), "{error}");

    let scanner = scan(OffsetReset::Earliest).create_log_scanner().unwrap();
    scanner.subscribe(0, 1000).await.unwrap();
    assert_eq!(
        ids(&poll_rows(&scanner, 30).await),
        (0..30).collect::<Vec<_>>()
    );

    let scanner = scan(OffsetReset::Latest).create_log_scanner().unwrap();
    scanner.subscribe(0, 1000).await.unwrap();
    assert_quiet(&scanner).await;
    append(&table, 30..40).await;
    assert_eq!(
        ids(&poll_rows(&scanner, 10).await),
        (30..40).collect::<Vec<_>>()
    );
}

pub(crate) async fn wakeup_ends_a_poll_and_loses_nothing() {
    let (_connection, table) = log_table("scan_wakeup", 1).await;
    let scanner = std::sync::Arc::new(table.new_scan().create_log_scanner().unwrap());
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let waiting = std::sync::Arc::clone(&scanner);
    let poll = tokio::spawn(async move { waiting.poll(10 * PATIENCE).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    scanner.wakeup();
    let woken = tokio::time::timeout(PATIENCE, poll).await;
    let records = woken.expect("the poll ends").unwrap().unwrap();
    assert!(records.is_empty());
    append(&table, 0..10).await;
    assert_eq!(total(&poll_rows(&scanner, 10).await), 10);
}
