//! Scans with an end: what is there now, up to offsets, up to a time; and the position behind batches without rows.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fluss::client::{EARLIEST_OFFSET, FlussTable, LogScanner};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, OffsetSpec, PartitionSpec, Schema, TableBucket, TableDescriptor};
use fluss::row::GenericRow;

use crate::scan_support::{
    Seen, append, append_day, assert_consecutive, ids, log_table, partitioned_table, spec, table,
    total,
};
use crate::support::PATIENCE;

/// Polls until the scan is finished.
async fn read_to_the_end(scanner: &LogScanner) -> Seen {
    let mut since = Instant::now();
    let mut seen = Seen::new();
    while !scanner.is_finished() {
        assert!(
            since.elapsed() < PATIENCE,
            "{} rows, then none and no end within {PATIENCE:?}",
            total(&seen)
        );
        let records = scanner.poll(Duration::from_secs(1)).await.unwrap();
        for (bucket, records) in records.into_records_by_buckets() {
            since = Instant::now();
            seen.entry(bucket).or_default().extend(
                records
                    .iter()
                    .map(|record| (record.offset(), record.row().get_long(0))),
            );
        }
    }
    assert_consecutive(&seen);
    // A poll of a finished scan returns at once.
    let poll = tokio::time::timeout(PATIENCE, scanner.poll(10 * PATIENCE));
    assert!(poll.await.expect("at once").unwrap().is_empty());
    seen
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64
}

fn scanner(table: &FlussTable) -> LogScanner {
    table.new_scan().create_log_scanner().unwrap()
}

pub(crate) async fn a_scan_until_now_ends_with_what_was_there() {
    let (_connection, table) = log_table("bounds_now", 3).await;
    append(&table, 0..500).await;
    let scanner = scanner(&table);
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    assert!(!scanner.is_finished());
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    // What comes later is not part of it.
    append(&table, 500..600).await;
    let seen = read_to_the_end(&scanner).await;
    assert_eq!(ids(&seen), (0..500).collect::<Vec<_>>());
}

pub(crate) async fn a_scan_until_now_of_an_empty_table_ends_at_once() {
    let (_connection, table) = log_table("bounds_empty", 2).await;
    for start in [OffsetSpec::Earliest, OffsetSpec::Latest] {
        let scanner = scanner(&table);
        scanner.subscribe_table(start).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        assert!(read_to_the_end(&scanner).await.is_empty());
    }
}

pub(crate) async fn a_scan_until_now_reads_every_partition() {
    let (connection, table) = partitioned_table("bounds_partitions", 2).await;
    let admin = connection.get_admin().await.unwrap();
    for (index, day) in ["a", "b", "c"].into_iter().enumerate() {
        let spec: PartitionSpec = spec(day);
        admin
            .create_partition(table.table_path(), &spec, false)
            .await
            .unwrap();
        let from = index as i64 * 50;
        append_day(&table, day, from..from + 50).await;
    }
    let scanner = scanner(&table);
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let seen = read_to_the_end(&scanner).await;
    assert_eq!(ids(&seen), (0..150).collect::<Vec<_>>());
}

pub(crate) async fn a_scan_until_offsets_ends_just_before_them() {
    let (_connection, table) = log_table("bounds_offsets", 1).await;
    append(&table, 0..100).await;
    let bucket = TableBucket::new(table.get_table_info().table_id(), 0);
    let scanner = scanner(&table);
    scanner.subscribe(0, 10).await.unwrap();
    let refused = scanner.read_until_offsets(&HashMap::new()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Usage);
    // In the middle of a batch.
    scanner
        .read_until_offsets(&HashMap::from([(bucket, 37)]))
        .unwrap();
    let seen = read_to_the_end(&scanner).await;
    assert_eq!(ids(&seen), (10..37).collect::<Vec<_>>());
    assert_eq!(scanner.position(0), Some(37));

    // An end that is yet to come.
    scanner.subscribe(0, 90).await.unwrap();
    scanner
        .read_until_offsets(&HashMap::from([(bucket, 120)]))
        .unwrap();
    assert!(!scanner.is_finished());
    append(&table, 100..150).await;
    let seen = read_to_the_end(&scanner).await;
    assert_eq!(ids(&seen), (90..120).collect::<Vec<_>>());
}

pub(crate) async fn a_finished_scan_goes_on_where_it_ended_with_a_later_end() {
    let (_connection, table) = log_table("bounds_later", 1).await;
    append(&table, 0..100).await;
    let bucket = TableBucket::new(table.get_table_info().table_id(), 0);
    let scanner = scanner(&table);
    scanner.subscribe_from_beginning(0).await.unwrap();
    let mut all = Vec::new();
    // What lies behind an end is in the same batch, and was fetched with it.
    for end in [0, 37, 38, 90] {
        let ends = HashMap::from([(bucket, end)]);
        scanner.read_until_offsets(&ends).unwrap();
        all.extend(ids(&read_to_the_end(&scanner).await));
        assert_eq!(all, (0..end).collect::<Vec<_>>());
    }
    for to in [100, 130, 160] {
        if to > 100 {
            append(&table, to - 30..to).await;
        }
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        all.extend(ids(&read_to_the_end(&scanner).await));
        assert_eq!(all, (0..to).collect::<Vec<_>>());
    }
    // An earlier one changes nothing.
    scanner.read_until(OffsetSpec::Earliest).await.unwrap();
    assert!(read_to_the_end(&scanner).await.is_empty());
    append(&table, 160..170).await;
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    all.extend(ids(&read_to_the_end(&scanner).await));
    assert_eq!(all, (0..170).collect::<Vec<_>>());
}

pub(crate) async fn a_scan_between_two_times_has_the_batches_between_them() {
    let (_connection, table) = log_table("bounds_times", 2).await;
    let mut times = Vec::new();
    for from in [0, 100, 200] {
        append(&table, from..from + 100).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        times.push(now());
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let scanner = scanner(&table);
    scanner
        .subscribe_table(OffsetSpec::Timestamp(times[0]))
        .await
        .unwrap();
    scanner
        .read_until(OffsetSpec::Timestamp(times[1]))
        .await
        .unwrap();
    let seen = read_to_the_end(&scanner).await;
    assert_eq!(ids(&seen), (100..200).collect::<Vec<_>>());

    let error = scanner
        .read_until(OffsetSpec::Timestamp(now() + 3_600_000))
        .await
        .unwrap_err();
    assert_eq!(error.server_code(), Some(38), "{error}");
}

pub(crate) async fn batches_without_rows_move_the_position() {
    // A delete of a row that is not there leaves a batch without rows in the changelog.
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .primary_key(["id"])
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()
        .unwrap();
    let (connection, table) = table("bounds_empty_batches", &descriptor).await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let mut row = GenericRow::new(2);
    row.set_field(0, 1_i64);
    row.set_field(1, "one");
    writer.upsert(&row).unwrap();
    writer.flush().await.unwrap();
    for missing in 10_i64..13 {
        let mut row = GenericRow::new(2);
        row.set_field(0, missing);
        writer.delete(&row).unwrap();
        writer.flush().await.unwrap();
    }
    let admin = connection.get_admin().await.unwrap();
    let end = admin
        .list_offsets(table.table_path(), &[0], OffsetSpec::Latest)
        .await
        .unwrap()[&0];
    assert!(end > 1, "the deletes are in the log, which ends at {end}");

    let bounded = scanner(&table);
    bounded.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    bounded.read_until(OffsetSpec::Latest).await.unwrap();
    let seen = read_to_the_end(&bounded).await;
    assert_eq!(ids(&seen), [1]);
    assert_eq!(bounded.position(0), Some(end));

    // Each poll tells how far it came, those without rows too.
    let endless = scanner(&table);
    endless.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let bucket = TableBucket::new(table.get_table_info().table_id(), 0);
    let started = Instant::now();
    let mut consumed = 0;
    while consumed < end {
        assert!(started.elapsed() < PATIENCE, "{consumed} of {end}");
        let records = endless.poll(Duration::from_secs(1)).await.unwrap();
        assert!(records.has_progress() || records.is_empty());
        if let Some(up_to) = records.consumed_up_to(&bucket) {
            assert!(up_to > consumed, "{up_to} after {consumed}");
            consumed = up_to;
        }
    }
    assert_eq!(consumed, end);
}
