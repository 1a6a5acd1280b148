//! What the tests share: connections, tables of their own, reading until the end. What fails here fails the test.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "test support"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::{Duration, Instant};

use crate::cluster::{bootstrap_servers, is_mock, unique_database};
use fluss::client::{EARLIEST_OFFSET, FlussAdmin, FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::metadata::{Schema, ServerTag, TableBucket, TableDescriptor, TablePath};
use fluss::record::ScanRecord;
use fluss_rpc::{Cluster, Lane, RpcConfig};
use fluss_wire::api::ApiKey;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{PbTableBucket, ReleaseKvSnapshotLeaseRequest};
use futures::FutureExt;

/// How long to wait for what must come, and for more of it where it comes bit by bit: all of it may take longer on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where the cluster is, and defaults.
pub fn config() -> Config {
    Config {
        bootstrap_server: bootstrap_servers(),
        ..Config::default()
    }
}

/// A connection with [`config`].
pub async fn connect() -> FlussConnection {
    FlussConnection::new(config()).await.unwrap()
}

/// A database of the test's own.
pub async fn database(connection: &FlussConnection, test: &str) -> String {
    let name = unique_database(test);
    let admin = connection.get_admin().await.unwrap();
    admin.create_database(&name, None, false).await.unwrap();
    name
}

/// Drops a database and its tables: servers of 0.9.1 that are killed again and again now and then do not get over the logs they have.
///
/// # Panics
///
/// As everything here, if the cluster refuses.
pub async fn drop_database(connection: &FlussConnection, name: &str) {
    let admin = connection.get_admin().await.unwrap();
    admin.drop_database(name, false, true).await.unwrap();
}

/// A table that the coordinator knows, opened.
pub async fn create(
    connection: &FlussConnection,
    path: &TablePath,
    descriptor: &TableDescriptor,
) -> FlussTable {
    let admin = connection.get_admin().await.unwrap();
    create_known(&admin, path, descriptor).await;
    connection.get_table(path).await.unwrap()
}

/// Creates a table of which the coordinator knows.
///
/// A coordinator of release 0.9.1 on a busy machine misses a new table now and then: it never gets leaders, and a partition of it would
/// end all elections of the cluster (`docs/protocol/administration.md`). Such a table is made anew.
pub async fn create_known(admin: &FlussAdmin, path: &TablePath, descriptor: &TableDescriptor) {
    if is_mock() {
        admin.create_table(path, descriptor, false).await.unwrap();
        return;
    }
    let cluster = raw_cluster().await;
    for _ in 0..5 {
        admin.create_table(path, descriptor, false).await.unwrap();
        let table_id = admin.get_table_info(path).await.unwrap().table_id();
        // Changes nothing, as there is no such lease; asks the coordinator what table that is.
        let request = ReleaseKvSnapshotLeaseRequest {
            lease_id: "of-nobody".to_owned(),
            buckets_to_release: vec![PbTableBucket {
                table_id,
                partition_id: None,
                bucket_id: 0,
            }]
            .into(),
        };
        match cluster.call_coordinator(&request).await {
            Ok(_) => return,
            Err(error) => match error.server_error().map(|error| error.code) {
                Some(ErrorCode::NON_PRIMARY_KEY_TABLE_EXCEPTION) => return,
                Some(ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION) => {}
                _ => panic!("{error}"),
            },
        }
        admin.drop_table(path, false).await.unwrap();
    }
    panic!("the coordinator misses one table after another");
}

/// The cluster without a client around it.
/// Asks the cluster of this test directly.
pub async fn raw_cluster() -> Cluster {
    let mut config = RpcConfig::default();
    config.call_timeout = Duration::from_secs(3);
    let address = bootstrap_servers();
    let (host, port) = address.split(',').next().unwrap().rsplit_once(':').unwrap();
    let bootstrap = vec![(host.to_owned(), port.parse().unwrap())];
    let runtime = tokio::runtime::Handle::current();
    Cluster::connect(config, bootstrap, runtime).await.unwrap()
}

/// Whether servers say in their handshake that they know an API, which not every release has.
///
/// # Panics
///
/// If they can't be reached.
pub async fn offers(api: ApiKey) -> bool {
    let cluster = raw_cluster().await;
    if cluster.coordinator_version(api).await.is_ok() {
        return true;
    }
    let server = cluster.view().tablet_servers().next().unwrap().id();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let version = cluster
        .server_version(server, Lane::FIRST, api, deadline)
        .await;
    version.is_ok()
}

/// Runs a test that tags servers, and takes every tag away whatever becomes of it: other tests share the servers.
///
/// # Panics
///
/// As the test does.
pub async fn without_tags<T>(admin: &FlussAdmin, test: impl Future<Output = T>) -> T {
    let outcome = AssertUnwindSafe(test).catch_unwind().await;
    for server in admin.get_server_nodes().await.unwrap() {
        for tag in [ServerTag::TemporaryOffline, ServerTag::PermanentOffline] {
            // Most have none, or another one.
            let _ = admin.remove_server_tag(&[server.id()], tag).await;
        }
    }
    match outcome {
        Ok(output) => output,
        Err(panic) => resume_unwind(panic),
    }
}

/// The number of the tablet server that leads a bucket now.
pub async fn leader_of(path: &TablePath, bucket: TableBucket) -> u32 {
    let leader = raw_cluster().await.leader(path, bucket).await.unwrap();
    u32::try_from(leader.id()).unwrap()
}

/// A table of so many buckets.
pub fn descriptor(schema: Schema, buckets: i32) -> TableDescriptor {
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(buckets)
        .build()
        .unwrap()
}

/// Reads all buckets from their beginnings until `count` records came, by bucket in the order of offsets.
pub async fn read(table: &FlussTable, count: usize) -> BTreeMap<i32, Vec<ScanRecord>> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..table.get_table_info().num_buckets() {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut since = Instant::now();
    let mut seen = 0;
    let mut by_bucket: BTreeMap<i32, Vec<ScanRecord>> = BTreeMap::new();
    while seen < count {
        assert!(
            since.elapsed() < PATIENCE,
            "{seen} of {count} records, then none within {PATIENCE:?}"
        );
        let records = scanner.poll(Duration::from_secs(1)).await.unwrap();
        for (bucket, records) in records.into_records_by_buckets() {
            seen += records.len();
            since = Instant::now();
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
