//! Partitions that are dropped under a scan: the rest of the table is read, and nobody waits for what is gone.

use std::collections::BTreeSet;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use fluss::client::{EARLIEST_OFFSET, FlussAdmin, FlussConnection, FlussTable};
use fluss::error::ErrorKind;
use fluss::metadata::{OffsetSpec, TableBucket};
use tokio::time::timeout;

use crate::scan_support::{append_day, partitioned_table, spec};
use crate::support::PATIENCE;

/// A table with ten rows in each of three partitions, the ids of which are returned in the order in which they were made.
async fn filled(test: &str) -> (FlussConnection, FlussAdmin, FlussTable, Vec<i64>) {
    let (connection, table) = partitioned_table(test, 1).await;
    let admin = connection.get_admin().await.unwrap();
    for (index, day) in ["a", "b", "c"].into_iter().enumerate() {
        let spec = spec(day);
        let made = admin.create_partition(table.table_path(), &spec, false);
        made.await.unwrap();
        let from = index as i64 * 10;
        append_day(&table, day, from..from + 10).await;
    }
    let infos = admin
        .list_partition_infos(table.table_path())
        .await
        .unwrap();
    let mut ids: Vec<_> = infos
        .iter()
        .map(fluss::metadata::PartitionInfo::partition_id)
        .collect();
    ids.sort_unstable();
    (connection, admin, table, ids)
}

async fn drop_partition(admin: &FlussAdmin, table: &FlussTable, day: &str) {
    let path = table.table_path();
    admin.drop_partition(path, &spec(day), false).await.unwrap();
    // Servers may speak of it for a moment.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

fn ids(range: [std::ops::Range<i64>; 2]) -> BTreeSet<i64> {
    range.into_iter().flatten().collect()
}

pub(crate) async fn a_bounded_scan_of_the_table_passes_a_dropped_partition_by() {
    let (_connection, admin, table, _) = filled("dropped_bounded").await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    drop_partition(&admin, &table, "b").await;
    let bounded = timeout(PATIENCE, scanner.read_until(OffsetSpec::Latest)).await;
    bounded.expect("an end within the patience").unwrap();
    let mut seen = BTreeSet::new();
    let read = async {
        while !scanner.is_finished() {
            let records = scanner.poll(Duration::from_secs(1)).await.unwrap();
            seen.extend(records.into_iter().map(|record| record.row().get_long(0)));
        }
    };
    timeout(PATIENCE, read).await.expect("an end");
    // What was fetched before it was dropped may still be handed out.
    assert!(seen.is_superset(&ids([0..10, 20..30])), "{seen:?}");
}

pub(crate) async fn a_dropped_partition_that_was_named_is_told_once_and_the_others_end() {
    let (_connection, admin, table, partitions) = filled("dropped_named").await;
    drop_partition(&admin, &table, "b").await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for partition in &partitions {
        let subscribed = scanner.subscribe_partition(*partition, 0, EARLIEST_OFFSET);
        subscribed.await.unwrap();
    }
    let bounded = timeout(PATIENCE, scanner.read_until(OffsetSpec::Latest)).await;
    bounded.expect("an end within the patience").unwrap();
    let (mut seen, mut errors) = (BTreeSet::new(), Vec::new());
    let read = async {
        while !scanner.is_finished() {
            match scanner.poll(Duration::from_secs(1)).await {
                Ok(records) => {
                    seen.extend(records.into_iter().map(|record| record.row().get_long(0)));
                }
                Err(error) => errors.push(error),
            }
        }
    };
    timeout(PATIENCE, read).await.expect("an end");
    assert_eq!(seen, ids([0..10, 20..30]));
    let [error] = &errors[..] else {
        panic!("{errors:?}")
    };
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let bucket =
        TableBucket::new_with_partition(table.get_table_info().table_id(), Some(partitions[1]), 0);
    assert_eq!(error.bucket(), Some(bucket), "{error}");
}

pub(crate) async fn a_limit_scan_of_the_table_passes_a_dropped_partition_by() {
    let (connection, admin, table, partitions) = filled("dropped_limit").await;
    // Once over a connection that knows the leaders of the partition, and once over one that knows nobody.
    let fresh = FlussConnection::new(crate::support::config())
        .await
        .unwrap();
    let other = fresh.get_table(table.table_path()).await.unwrap();
    let mut scans = Vec::new();
    for table in [&table, &other] {
        let scan = table.new_scan().limit(100).unwrap();
        let scanner = scan.create_batch_scanner().unwrap();
        let first = scanner.next_batch().await.unwrap().unwrap();
        assert_eq!(first.bucket().partition_id(), Some(partitions[0]));
        scans.push(scanner);
    }
    drop_partition(&admin, &table, "b").await;
    for scanner in scans {
        let rest = timeout(PATIENCE, scanner.collect_all_batches()).await;
        let rest = rest.expect("an end").unwrap();
        let seen: BTreeSet<i64> = rest
            .iter()
            .flat_map(|batch| batch.batch().column(0).as_primitive::<Int64Type>().values())
            .copied()
            .collect();
        assert_eq!(seen, (20..30).collect(), "the last partition alone is left");
    }
    // Who names the bucket is told.
    let bucket =
        TableBucket::new_with_partition(table.get_table_info().table_id(), Some(partitions[1]), 0);
    let scan = table.new_scan().limit(10).unwrap();
    let scanner = scan.create_bucket_batch_scanner(bucket).unwrap();
    let error = timeout(PATIENCE, scanner.next_batch()).await;
    let error = error.expect("an answer").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    drop(connection);
}
