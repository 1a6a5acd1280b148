//! Snapshots of primary-key tables, and leases on them.

use std::collections::BTreeMap;
use std::time::Duration;

use fluss::client::{FlussAdmin, FlussTable};
use fluss::error::ErrorKind;
use fluss::metadata::{LatestKvSnapshots, TableBucket, TablePath};
use integration_tests::cluster::unique_database;

use super::{eventually, keyed_table, log_table, start, upsert};

/// Writes, then waits until the only bucket has a snapshot later than `after`.
async fn next_snapshot(admin: &FlussAdmin, table: &FlussTable, after: i64) -> (TableBucket, i64) {
    let path = table.get_table_info().table_path();
    upsert(table, 0..20).await;
    eventually("a snapshot", async || {
        let latest = admin.get_latest_kv_snapshots(path, None).await.unwrap();
        let entry = *latest.of_bucket(0).unwrap();
        let id = entry.snapshot_id().filter(|id| *id > after)?;
        Some((TableBucket::new(latest.table_id(), 0), id))
    })
    .await
}

pub(crate) async fn snapshots_come_with_their_files_and_offsets() {
    let (connection, admin, database) = start("admin_snapshots").await;
    let path = TablePath::new(database.as_str(), "people");
    let table = keyed_table(&connection, &path, 3).await;
    let table_id = table.get_table_info().table_id();
    let none = admin.get_latest_kv_snapshots(&path, None).await.unwrap();
    assert_eq!(none.table_id(), table_id);
    assert_eq!(none.snapshots().len(), 3);
    assert!(
        none.snapshots()
            .iter()
            .all(|one| one.snapshot_id().is_none())
    );

    upsert(&table, 0..300).await;
    let complete = |latest: &LatestKvSnapshots| {
        latest
            .snapshots()
            .iter()
            .all(|one| one.snapshot_id().is_some())
    };
    let latest = eventually("a snapshot of each bucket", async || {
        let latest = admin.get_latest_kv_snapshots(&path, None).await.unwrap();
        complete(&latest).then_some(latest)
    })
    .await;
    assert_eq!(latest.partition_id(), None);
    let mut rows = 0;
    for entry in latest.snapshots() {
        let bucket = TableBucket::new(table_id, entry.bucket_id());
        let id = entry.snapshot_id().unwrap();
        let metadata = admin.get_kv_snapshot_metadata(bucket, id).await.unwrap();
        assert_eq!(Some(metadata.log_offset()), entry.log_offset());
        assert!(metadata.files().len() >= 3, "{metadata:?}");
        let local = |name: &str| metadata.files().iter().any(|f| f.local_file_name() == name);
        assert!(local("CURRENT"), "{metadata:?}");
        assert!(
            metadata
                .files()
                .iter()
                .all(|file| file.remote_path().contains(&database))
        );
        rows += metadata.log_offset();

        let missing = admin.get_kv_snapshot_metadata(bucket, 10_000).await;
        let error = missing.unwrap_err();
        assert_eq!(
            (error.kind(), error.bucket()),
            (ErrorKind::NotFound, Some(bucket)),
            "{error}"
        );
    }
    assert_eq!(rows, 300, "each row is an insertion, each in one log");
}

pub(crate) async fn tables_without_snapshots_say_why() {
    let (connection, admin, database) = start("admin_no_snapshots").await;
    let log = TablePath::new(database.as_str(), "log");
    log_table(&connection, &log, 1).await;
    let error = admin.get_latest_kv_snapshots(&log, None).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(20)),
        "{error}"
    );
    let keyed = TablePath::new(database.as_str(), "keyed");
    keyed_table(&connection, &keyed, 1).await;
    let error = admin
        .get_latest_kv_snapshots(&keyed, Some("eu"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(37)),
        "{error}"
    );
    let missing = TablePath::new(database.as_str(), "none");
    let error = admin
        .get_latest_kv_snapshots(&missing, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

pub(crate) async fn a_lease_keeps_a_snapshot_and_renews_itself_until_it_is_closed() {
    let (connection, admin, database) = start("admin_lease").await;
    let path = TablePath::new(database.as_str(), "people");
    let table = keyed_table(&connection, &path, 1).await;
    let (bucket, first) = next_snapshot(&admin, &table, -1).await;

    // A busy machine may be some seconds late with a renewal.
    let duration = Duration::from_secs(10);
    let lease = admin
        .create_kv_snapshot_lease(&unique_database("lease"), duration)
        .unwrap();
    assert_eq!(lease.valid_for(), None);
    let result = lease
        .acquire_snapshots(&BTreeMap::from([(bucket, first)]))
        .await
        .unwrap();
    assert!(result.unavailable_snapshots().is_empty());
    assert!(lease.valid_for().unwrap() > Duration::ZERO);
    lease.renew().await.unwrap();

    // Long enough for others to come and go, and for the lease to end without renewal.
    let mut latest = first;
    for _ in 0..4 {
        latest = next_snapshot(&admin, &table, latest).await.1;
    }
    tokio::time::sleep(duration).await;
    assert!(lease.valid_for().unwrap() > Duration::ZERO);
    assert!(!lease.has_lapsed());
    admin.get_kv_snapshot_metadata(bucket, first).await.unwrap();

    lease.close().await.unwrap();
    eventually("the snapshot goes", async || {
        next_snapshot(&admin, &table, -1).await;
        let gone = admin.get_kv_snapshot_metadata(bucket, first).await;
        Some(gone.err()?.kind()).filter(|kind| *kind == ErrorKind::NotFound)
    })
    .await;
}

pub(crate) async fn what_is_released_or_dropped_goes_and_what_is_held_stays() {
    let (connection, admin, database) = start("admin_release").await;
    let first_path = TablePath::new(database.as_str(), "a");
    let second_path = TablePath::new(database.as_str(), "b");
    let first = keyed_table(&connection, &first_path, 1).await;
    let second = keyed_table(&connection, &second_path, 1).await;
    let (a, of_a) = next_snapshot(&admin, &first, -1).await;
    let (b, of_b) = next_snapshot(&admin, &second, -1).await;
    let lease = admin
        .create_kv_snapshot_lease(&unique_database("lease"), Duration::from_secs(60))
        .unwrap();
    lease
        .acquire_snapshots(&BTreeMap::from([(a, of_a), (b, of_b)]))
        .await
        .unwrap();
    lease.release_snapshots(&[a, a]).await.unwrap();
    // Neither is held: the server is not asked.
    lease
        .release_snapshots(&[a, TableBucket::new(987_654, 0)])
        .await
        .unwrap();

    let gone = async |table: &FlussTable, bucket: TableBucket, id: i64| {
        eventually("the snapshot goes", async || {
            next_snapshot(&admin, table, -1).await;
            let read = admin.get_kv_snapshot_metadata(bucket, id).await;
            Some(read.err()?.kind()).filter(|kind| *kind == ErrorKind::NotFound)
        })
        .await
    };
    gone(&first, a, of_a).await;
    let mut latest = of_b;
    for _ in 0..3 {
        latest = next_snapshot(&admin, &second, latest).await.1;
    }
    admin.get_kv_snapshot_metadata(b, of_b).await.unwrap();
    drop(lease);
    gone(&second, b, of_b).await;
}

pub(crate) async fn a_lease_that_cannot_be_is_refused_and_ends_with_its_connection() {
    let (connection, admin, database) = start("admin_bad_lease").await;
    let minute = Duration::from_secs(60);
    for (id, duration) in [("", minute), ("a/b", minute), ("a", Duration::ZERO)] {
        let error = admin.create_kv_snapshot_lease(id, duration).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{id:?}: {error}");
    }
    let lease = admin
        .create_kv_snapshot_lease(&unique_database("lease"), minute)
        .unwrap();
    let error = lease.acquire_snapshots(&BTreeMap::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");

    let log = TablePath::new(database.as_str(), "log");
    let table_id = log_table(&connection, &log, 1)
        .await
        .get_table_info()
        .table_id();
    let of_log = BTreeMap::from([(TableBucket::new(table_id, 0), 0)]);
    let error = lease.acquire_snapshots(&of_log).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(20)),
        "{error}"
    );
    assert_eq!(lease.valid_for(), None, "nothing is held");
    let of_nothing = BTreeMap::from([(TableBucket::new(987_654_321, 0), 0)]);
    let error = lease.acquire_snapshots(&of_nothing).await.unwrap_err();
    assert!(error.server_code().is_some(), "{error}");

    connection.close(Duration::from_secs(5)).await.unwrap();
    let error = lease.acquire_snapshots(&of_log).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    lease.close().await.unwrap();
}
