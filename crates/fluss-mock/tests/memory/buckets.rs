//! What a scanner takes for buckets that have nothing to read: little, and no more for each if there are many.

use std::collections::HashMap;
use std::time::Duration;

use allocation_counter::measure;
use fluss::client::{EARLIEST_OFFSET, FlussTable, LogScanner};
use fluss::metadata::{DataTypes, Schema};
use fluss_mock::MockCluster;
use tokio::time::sleep;

use crate::{connect, runtime, table};

const SECOND: Duration = Duration::from_secs(1);
/// For each bucket, in bytes: its state, its place in a request, and the last response about it.
const EACH: u64 = 2_000;

async fn watch(cluster: &MockCluster, table: &FlussTable, buckets: i32) -> LogScanner {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    let offsets: HashMap<i32, i64> = (0..buckets)
        .map(|bucket| (bucket, EARLIEST_OFFSET))
        .collect();
    scanner.subscribe_buckets(&offsets).await.unwrap();
    for _ in 0..6 {
        assert!(scanner.poll(SECOND).await.unwrap().is_empty());
        cluster.clear_journal();
    }
    scanner
}

/// Bytes that a scanner of silent buckets keeps.
fn taken_by(buckets: i32) -> u64 {
    let runtime = runtime();
    let (cluster, table, _connection) = runtime.block_on(async {
        let builder = MockCluster::builder().in_memory().tablet_servers(3);
        let cluster = builder.start().await.unwrap();
        let connection = connect(&cluster).await;
        let schema = Schema::builder().column("id", DataTypes::int());
        let shape =
            |builder: fluss::metadata::TableDescriptorBuilder| builder.bucket_count(buckets);
        let table = table(&connection, schema, shape).await;
        // What the servers keep for a bucket, they keep from its first fetch on.
        drop(watch(&cluster, &table, buckets).await);
        sleep(5 * SECOND).await;
        cluster.clear_journal();
        (cluster, table, connection)
    });
    let mut scanner = None;
    let taken = measure(|| scanner = Some(runtime.block_on(watch(&cluster, &table, buckets))));
    println!("{buckets} buckets: {taken:?}");
    u64::try_from(taken.bytes_current).unwrap()
}

#[test]
fn memory_of_silent_buckets_grows_with_their_number_and_no_faster() {
    let few = taken_by(512);
    for buckets in [1_024, 4_096, 8_192] {
        let kept = taken_by(buckets);
        let times = u64::from(buckets.unsigned_abs()) / 512;
        assert!(
            kept <= EACH * u64::from(buckets.unsigned_abs()),
            "{kept} bytes for {buckets} buckets"
        );
        // Tables of hashes grow by doubling.
        assert!(kept <= 2 * times * few, "{kept} bytes, {few} for 512");
    }
}
