//! What the tests share: connections, tables of their own, reading until the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::metadata::{OffsetSpec, Schema, TableDescriptor, TablePath};
use fluss::record::ScanRecord;
use integration_tests::cluster::{bootstrap_servers, unique_database};

/// How long to wait for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn config() -> Config {
    Config {
        bootstrap_server: bootstrap_servers(),
        ..Config::default()
    }
}

pub(crate) async fn connect() -> FlussConnection {
    FlussConnection::new(config()).await.unwrap()
}

/// A database of the test's own.
pub(crate) async fn database(connection: &FlussConnection, test: &str) -> String {
    let name = unique_database(test);
    let admin = connection.get_admin().await.unwrap();
    admin.create_database(&name, None, false).await.unwrap();
    name
}

pub(crate) async fn create(
    connection: &FlussConnection,
    path: &TablePath,
    descriptor: &TableDescriptor,
) -> FlussTable {
    let admin = connection.get_admin().await.unwrap();
    loop {
        admin.create_table(path, descriptor, false).await.unwrap();
        let table = connection.get_table(path).await.unwrap();
        if descriptor.is_partitioned() {
            return table;
        }
        // Coordinators of 0.9.1 sometimes miss a table that they have just registered: it never gets leaders.
        let end = admin.list_offsets(path, &[0], OffsetSpec::Latest);
        if tokio::time::timeout(Duration::from_secs(10), end)
            .await
            .is_ok_and(|end| end.is_ok())
        {
            return table;
        }
        admin.drop_table(path, false).await.unwrap();
    }
}

pub(crate) fn descriptor(schema: Schema, buckets: i32) -> TableDescriptor {
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(buckets)
        .build()
        .unwrap()
}

/// Reads all buckets from their beginnings until `count` records came, by bucket in the order of offsets.
pub(crate) async fn read(table: &FlussTable, count: usize) -> BTreeMap<i32, Vec<ScanRecord>> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..table.get_table_info().num_buckets() {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let started = Instant::now();
    let mut seen = 0;
    let mut by_bucket: BTreeMap<i32, Vec<ScanRecord>> = BTreeMap::new();
    while seen < count {
        assert!(
            started.elapsed() < PATIENCE,
            "{seen} of {count} records within {PATIENCE:?}"
        );
        let records = scanner.poll(Duration::from_secs(1)).await.unwrap();
        for (bucket, records) in records.into_records_by_buckets() {
            seen += records.len();
            by_bucket
                .entry(bucket.bucket_id())
                .or_default()
                .extend(records);
        }
    }
    assert_eq!(seen, count);
    for records in by_bucket.values() {
        assert!(
            records
                .windows(2)
                .all(|pair| pair[0].offset() < pair[1].offset()),
            "offsets rise"
        );
    }
    by_bucket
}
