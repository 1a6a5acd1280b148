//! A tablet server dies and comes back under writers, a scanner and lookups: nothing lost, nothing twice, order kept.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussTable};
use fluss::metadata::{DataTypes, Schema, TableDescriptor, TablePath};
use fluss::row::GenericRow;
use integration_tests::cluster::{kill_tablet, start_tablet};

use super::alone;
use super::support::{PATIENCE, connect, create, database};

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

async fn upsert_for(table: FlussTable, time: Duration) -> i64 {
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < time {
        for _ in 0..20 {
            writer.upsert_async(&row(count)).await.unwrap();
            count += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    writer.flush().await.unwrap();
    count
}

/// Reads beside the writer until all rows came; returns the ids by bucket in the order they came.
async fn scan_until(
    table: FlussTable,
    expected: tokio::sync::watch::Receiver<Option<i64>>,
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

        let (tell, expected) = tokio::sync::watch::channel(None);
        let scan = tokio::spawn(scan_until(log.clone(), expected));
        let appends = tokio::spawn(append_for(log.clone(), WRITING));
        let upserts = tokio::spawn(upsert_for(kv.clone(), WRITING));
        let disturb = tokio::task::spawn_blocking(|| {
            std::thread::sleep(WRITING / 3);
            kill_tablet(1);
            std::thread::sleep(Duration::from_secs(2));
            start_tablet(1);
        });
        let appended = appends.await.unwrap();
        let upserted = upserts.await.unwrap();
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
            let mut key = GenericRow::new(1);
            key.set_field(0, i);
            let found = lookuper.lookup(&key).await.unwrap();
            let found = found
                .get_single_row()
                .unwrap()
                .unwrap_or_else(|| panic!("row {i} of {upserted} is lost"));
            assert_eq!(found.get_string(1), format!("row {i}"));
        }
        println!("{appended} rows appended and {upserted} upserted around the death of a server");
    });
}
