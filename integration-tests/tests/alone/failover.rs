//! A tablet server dies and comes back under writers, a scanner and lookups: nothing lost, nothing twice, order kept.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable, Lookuper};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, Schema, TableBucket, TableDescriptor, TablePath};
use fluss::row::GenericRow;
use integration_tests::cluster::{kill_tablet, start_tablet};

use tokio::sync::watch;

use super::alone;
use super::support::{self, PATIENCE, connect, create, database, drop_database, leader_of};

pub(crate) const BUCKETS: i32 = 3;
/// How long rows are written; the server dies after a third of it and is back before the end.
pub(crate) const WRITING: Duration = Duration::from_secs(24);

pub(crate) fn replicated(primary_key: bool) -> TableDescriptor {
    let mut schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string());
    if primary_key {
        schema = schema.primary_key(vec!["id"]);
    }
    TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(BUCKETS)
        .property("table.replication.factor", "3")
        .build()
        .unwrap()
}

fn row(i: i64) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, i);
    row.set_field(1, format!("row {i}"));
    row
}

/// Appends rows until the time is over and returns how many, all of them acknowledged.
pub(crate) async fn append_for(table: FlussTable, time: Duration) -> i64 {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < time {
        for _ in 0..50 {
            writer.append_async(&row(count)).await.unwrap();
            count += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    writer.flush().await.unwrap();
    count
}

/// As [`append_for`], and tells of each round how many rows are acknowledged.
async fn upsert_for(table: FlussTable, time: Duration, acknowledged: watch::Sender<i64>) -> i64 {
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < time {
        for _ in 0..20 {
            for _ in 0..20 {
                writer.upsert_async(&row(count)).await.unwrap();
                count += 1;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        writer.flush().await.unwrap();
        acknowledged.send_replace(count);
    }
    count
}

/// The row of a key.
async fn look_up(lookuper: &Lookuper, id: i64) -> Option<String> {
    let mut key = GenericRow::new(1);
    key.set_field(0, id);
    let found = lookuper.lookup(&key).await.unwrap();
    let row = found.get_single_row().unwrap()?;
    Some(row.get_string(1).to_owned())
}

/// Looks up rows that are acknowledged, old ones and new ones, until the writer is gone. Returns how many.
async fn look_up_beside(table: FlussTable, acknowledged: watch::Receiver<i64>) -> i64 {
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    let mut lookups = 0;
    while acknowledged.has_changed().is_ok() {
        let known = *acknowledged.borrow();
        if known == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        for id in [lookups * 7 % known, known - 1] {
            let found = look_up(&lookuper, id).await;
            assert_eq!(found, Some(format!("row {id}")), "row {id} of {known}");
            lookups += 1;
        }
    }
    lookups
}

/// Reads beside the writer until all rows came; returns the ids by bucket in the order they came.
async fn scan_until(
    table: FlussTable,
    expected: watch::Receiver<Option<i64>>,
) -> BTreeMap<i32, Vec<i64>> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..BUCKETS {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut seen = 0;
    let mut ids: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    let mut last_progress = Instant::now();
    loop {
        let records = scanner.poll(Duration::from_millis(500)).await.unwrap();
        for (bucket, records) in records.records_by_buckets() {
            let ids = ids.entry(bucket.bucket_id()).or_default();
            for record in records {
                assert_eq!(
                    record.row().get_string(1),
                    format!("row {}", record.row().get_long(0))
                );
                ids.push(record.row().get_long(0));
                seen += 1;
                last_progress = Instant::now();
            }
        }
        if expected.borrow().is_some_and(|expected| seen >= expected) {
            return ids;
        }
        assert!(
            last_progress.elapsed() < PATIENCE,
            "{seen} rows, then nothing for {PATIENCE:?}"
        );
    }
}

#[test]
fn a_killed_and_restarted_server_costs_no_row() {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let connection = connect().await;
        let database = database(&connection, "failover").await;
        let log = create(
            &connection,
            &TablePath::new(database.as_str(), "log"),
            &replicated(false),
        )
        .await;
        let kv = create(
            &connection,
            &TablePath::new(database.as_str(), "kv"),
            &replicated(true),
        )
        .await;

        let (tell, expected) = watch::channel(None);
        let (acknowledge, acknowledged) = watch::channel(0);
        let scan = tokio::spawn(scan_until(log.clone(), expected));
        let appends = tokio::spawn(append_for(log.clone(), WRITING));
        let upserts = tokio::spawn(upsert_for(kv.clone(), WRITING, acknowledge));
        let lookups = tokio::spawn(look_up_beside(kv.clone(), acknowledged));
        let bucket = TableBucket::new(kv.get_table_info().table_id(), 0);
        let leader = leader_of(kv.table_path(), bucket).await;
        let disturb = tokio::task::spawn_blocking(move || {
            std::thread::sleep(WRITING / 3);
            kill_tablet(leader);
            std::thread::sleep(Duration::from_secs(2));
            start_tablet(leader);
        });
        let appended = appends.await.unwrap();
        let upserted = upserts.await.unwrap();
        let lookups = lookups.await.unwrap();
        assert!(lookups > 0, "no lookup");
        disturb.await.unwrap();
        tell.send(Some(appended)).unwrap();

        let ids = scan.await.unwrap();
        let mut all = ids.values().flatten().copied().collect::<Vec<_>>();
        for ids in ids.values() {
            assert!(
                ids.is_sorted(),
                "rows of one bucket come in the order in which they were appended"
            );
        }
        all.sort_unstable();
        assert_eq!(all, (0..appended).collect::<Vec<_>>(), "each row once");

        let lookuper = kv.new_lookup().unwrap().create_lookuper().unwrap();
        for i in (0..upserted).step_by(7) {
            let found = look_up(&lookuper, i).await;
            assert_eq!(found, Some(format!("row {i}")), "row {i} of {upserted}");
        }
        drop_database(&connection, &database).await;
        println!(
            "{appended} rows appended, {upserted} upserted, {lookups} looked up around the death of server {leader}"
        );
    });
}

#[test]
fn rows_whose_server_stays_away_fail_when_their_time_is_over_and_others_are_written() {
    const PATIENT: Duration = Duration::from_secs(6);
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut config = support::config();
        config.writer_delivery_timeout = PATIENT;
        let connection = FlussConnection::new(config).await.unwrap();
        let database = database(&connection, "delivery").await;
        let schema = replicated(false).schema().clone();
        let descriptor = TableDescriptor::builder()
            .schema(schema)
            .distributed_by(Some(3), ["id"])
            .property("table.replication.factor", "1")
            .build()
            .unwrap();
        let path = TablePath::new(database.as_str(), "log");
        let table = create(&connection, &path, &descriptor).await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for i in 0..30 {
            writer.append(&row(i)).unwrap();
        }
        writer.flush().await.unwrap();

        let bucket = TableBucket::new(table.get_table_info().table_id(), 0);
        let leader = leader_of(&path, bucket).await;
        tokio::task::spawn_blocking(move || kill_tablet(leader))
            .await
            .unwrap();
        let started = Instant::now();
        let results: Vec<_> = (30..60).map(|i| writer.append(&row(i)).unwrap()).collect();
        let (mut written, mut failed) = (0, 0);
        for result in results {
            match result.await {
                Ok(_) => written += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
                    assert!(error.is_retriable());
                    failed += 1;
                }
            }
        }
        let took = started.elapsed();
        tokio::task::spawn_blocking(move || start_tablet(leader))
            .await
            .unwrap();
        assert!(
            written > 0 && failed > 0,
            "{written} written, {failed} failed"
        );
        // Less than it would take without that setting.
        let usual = support::config().writer_delivery_timeout;
        assert!(took >= PATIENT && took < usual, "{took:?}");
        assert_eq!(writer.flush().await.unwrap_err().kind(), ErrorKind::Timeout);
        // With its server the bucket is back, for writers that are patient.
        let again = support::connect().await.get_table(&path).await.unwrap();
        let writer = again.new_append().unwrap().create_writer().unwrap();
        for i in 60..90 {
            writer.append(&row(i)).unwrap();
        }
        writer.flush().await.unwrap();
        drop_database(&connection, &database).await;
    });
}
