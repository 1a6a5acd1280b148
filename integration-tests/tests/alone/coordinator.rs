//! The coordinator dies and comes back: leases are renewed, reads and writes go on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fluss::client::{FlussAdmin, FlussTable};
use fluss::metadata::{DataTypes, KvSnapshot, Schema, TableBucket, TablePath};
use fluss::row::GenericRow;
use integration_tests::cluster::{kill_coordinator, start_coordinator, unique_database};

use super::alone;
use super::support::{PATIENCE, connect, create, database, descriptor};

async fn upsert(table: &FlussTable, ids: std::ops::Range<i32>) {
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for id in ids {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, format!("name {id}"));
        writer.upsert_async(&row).await.unwrap();
    }
    writer.flush().await.unwrap();
}

/// Writes until the only bucket has a snapshot later than `after`.
async fn next_snapshot(admin: &FlussAdmin, table: &FlussTable, after: i64) -> (TableBucket, i64) {
    let path = table.table_path();
    let started = Instant::now();
    loop {
        upsert(table, 0..20).await;
        if let Ok(latest) = admin.get_latest_kv_snapshots(path, None).await {
            let id = latest.of_bucket(0).and_then(KvSnapshot::snapshot_id);
            if let Some(id) = id.filter(|id| *id > after) {
                return (TableBucket::new(latest.table_id(), 0), id);
            }
        }
        assert!(started.elapsed() < PATIENCE, "no snapshot after {after}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is what keeps tests apart, and no task of this test takes it"
)]
async fn a_lease_is_renewed_and_rows_are_written_while_the_coordinator_is_down_and_back() {
    let _alone = alone();
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let database = database(&connection, "alone_lease").await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .primary_key(["id"])
        .build()
        .unwrap();
    let path = TablePath::new(database.as_str(), "people");
    let table = create(&connection, &path, &descriptor(schema, 1)).await;
    let (bucket, first) = next_snapshot(&admin, &table, -1).await;

    // It outlasts the time without a coordinator, but by far not the whole test.
    let duration = Duration::from_secs(60);
    let lease = admin
        .create_kv_snapshot_lease(&unique_database("lease"), duration)
        .unwrap();
    let result = lease
        .acquire_snapshots(&BTreeMap::from([(bucket, first)]))
        .await
        .unwrap();
    assert!(result.unavailable_snapshots().is_empty());

    let started = Instant::now();
    tokio::task::spawn_blocking(kill_coordinator).await.unwrap();
    // Past the time of one renewal at least, which has nobody to ask.
    let until = started + duration / 2;
    let mut writes = 0;
    while Instant::now() < until {
        upsert(&table, 0..10).await;
        writes += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(writes > 0, "{writes} writes without a coordinator");
    tokio::task::spawn_blocking(start_coordinator)
        .await
        .unwrap();
    let back = started.elapsed();

    // The lease would have ended by now, had nobody renewed it since.
    let renewed = Instant::now();
    while started.elapsed() < duration + Duration::from_secs(10) {
        upsert(&table, 0..10).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let left = lease.valid_for();
    assert!(left.is_some_and(|left| left > Duration::ZERO), "{left:?}");
    assert!(!lease.has_lapsed(), "back after {back:?}");
    lease.renew().await.unwrap();
    admin.get_kv_snapshot_metadata(bucket, first).await.unwrap();

    // Snapshots go on, and the leased one stays.
    let mut latest = first;
    for _ in 0..2 {
        latest = next_snapshot(&admin, &table, latest).await.1;
    }
    admin.get_kv_snapshot_metadata(bucket, first).await.unwrap();
    lease.close().await.unwrap();
    println!(
        "the coordinator was away for {back:?}, and back for {:?}",
        renewed.elapsed()
    );
}
