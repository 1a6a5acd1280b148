//! What the tests of scans share: small tables, and rows that tell where they come from.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fluss::client::{FlussConnection, FlussTable, LogScanner};
use fluss::metadata::{DataTypes, PartitionSpec, Schema, TableBucket, TableDescriptor, TablePath};
use fluss::row::GenericRow;

use crate::support::{PATIENCE, connect, create, database};

/// A table with the columns `id BIGINT` and `name STRING`, in a database of its own.
pub(crate) async fn log_table(test: &str, buckets: i32) -> (FlussConnection, FlussTable) {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .build()
        .unwrap();
    // Rows are spread by their id, so that each bucket's rows are known.
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(buckets), vec!["id".to_owned()])
        .build()
        .unwrap();
    table(test, &descriptor).await
}

/// As [`log_table`], with the partition column `day STRING` behind the others.
pub(crate) async fn partitioned_table(test: &str, buckets: i32) -> (FlussConnection, FlussTable) {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .column("day", DataTypes::string())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(buckets), vec!["id".to_owned()])
        .partitioned_by(vec!["day".to_owned()])
        .build()
        .unwrap();
    table(test, &descriptor).await
}

pub(crate) async fn table(
    test: &str,
    descriptor: &TableDescriptor,
) -> (FlussConnection, FlussTable) {
    table_with(connect().await, test, descriptor).await
}

pub(crate) async fn table_with(
    connection: FlussConnection,
    test: &str,
    descriptor: &TableDescriptor,
) -> (FlussConnection, FlussTable) {
    let database = database(&connection, test).await;
    let path = TablePath::new(database.as_str(), "table");
    let table = create(&connection, &path, descriptor).await;
    if descriptor.is_partitioned() {
        // Coordinators of 0.9.1 may miss a partition that is made in the moment in which its table is registered.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    (connection, table)
}

pub(crate) fn spec(day: &str) -> PartitionSpec {
    PartitionSpec::new([("day", day)])
}

pub(crate) fn row(id: i64) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, id);
    row.set_field(1, format!("name-{id}"));
    row
}

pub(crate) fn day_row(id: i64, day: &str) -> GenericRow<'static> {
    let mut row = GenericRow::new(3);
    row.set_field(0, id);
    row.set_field(1, format!("name-{id}"));
    row.set_field(2, day.to_owned());
    row
}

/// Appends rows, and waits until all are written.
pub(crate) async fn append(table: &FlussTable, ids: impl IntoIterator<Item = i64>) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in ids {
        writer.append(&row(id)).unwrap();
    }
    writer.flush().await.unwrap();
}

/// As [`append`], to a partition.
pub(crate) async fn append_day(table: &FlussTable, day: &str, ids: impl IntoIterator<Item = i64>) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in ids {
        writer.append(&day_row(id, day)).unwrap();
    }
    writer.flush().await.unwrap();
}

/// Offsets and ids of the rows that a scanner returns, by bucket.
pub(crate) type Seen = BTreeMap<TableBucket, Vec<(i64, i64)>>;

/// Polls until so many rows came, and checks that each bucket's offsets rise one by one.
pub(crate) async fn poll_rows(scanner: &LogScanner, count: usize) -> Seen {
    let mut since = Instant::now();
    let mut seen = Seen::new();
    while total(&seen) < count {
        assert!(
            since.elapsed() < PATIENCE,
            "{} of {count} rows, then none within {PATIENCE:?}",
            total(&seen)
        );
        for (bucket, records) in scanner
            .poll(Duration::from_secs(1))
            .await
            .unwrap()
            .into_records_by_buckets()
        {
            since = Instant::now();
            let rows = seen.entry(bucket).or_default();
            rows.extend(
                records
                    .iter()
                    .map(|record| (record.offset(), record.row().get_long(0))),
            );
        }
    }
    assert_eq!(total(&seen), count);
    assert_consecutive(&seen);
    seen
}

pub(crate) fn total(seen: &Seen) -> usize {
    seen.values().map(Vec::len).sum()
}

pub(crate) fn assert_consecutive(seen: &Seen) {
    for (bucket, rows) in seen {
        assert!(
            rows.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0),
            "{bucket:?}: {rows:?}"
        );
    }
}

/// All ids, sorted.
pub(crate) fn ids(seen: &Seen) -> Vec<i64> {
    let mut ids: Vec<_> = seen.values().flatten().map(|(_, id)| *id).collect();
    ids.sort_unstable();
    ids
}

/// That nothing more comes for a while.
pub(crate) async fn assert_quiet(scanner: &LogScanner) {
    let more = scanner.poll(Duration::from_millis(1500)).await.unwrap();
    assert!(more.is_empty(), "{more:?}");
}
