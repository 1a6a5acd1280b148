//! Handles of tables that were dropped, or dropped and created again under the same name, on a connection that used the old ones.

use std::future::Future;
use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable};
use fluss::error::{Error, ErrorKind};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableBucket, TableDescriptor};
use fluss::row::GenericRow;

use super::support::{self, PATIENCE, connect};
use super::write_support::{expect_rows, kv_table, log_table, make, read_all, row, text};

/// Longest time that "at once" takes on a busy machine, far below the time of a call.
const SOON: Duration = Duration::from_secs(20);

/// A primary-key table of a BIGINT and a STRING, partitioned by the latter.
fn partitioned_kv() -> TableDescriptor {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .primary_key(["id", "text"])
        .build()
        .unwrap();
    let table = TableDescriptor::builder().schema(schema);
    table
        .partitioned_by(["text"])
        .bucket_count(2)
        .build()
        .unwrap()
}

fn partitioned_log() -> TableDescriptor {
    let table = log_table().partitioned_by(["text"]);
    table.bucket_count(2).build().unwrap()
}

fn in_partition(id: i64, partition: &'static str) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, id);
    row.set_field(1, partition);
    row
}

async fn drop_table(connection: &FlussConnection, table: &FlussTable) {
    let admin = connection.get_admin().await.unwrap();
    admin.drop_table(table.table_path(), false).await.unwrap();
}

/// The table is not found, soon.
async fn not_found<T: std::fmt::Debug>(
    what: &str,
    table: &FlussTable,
    call: impl Future<Output = Result<T, Error>>,
) {
    let started = Instant::now();
    let error = tokio::time::timeout(2 * PATIENCE, call).await;
    let error = error.expect(what).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{what}: {error}");
    assert_eq!(error.table(), Some(table.table_path()), "{what}: {error}");
    assert!(started.elapsed() < SOON, "{what}: {:?}", started.elapsed());
}

pub(crate) async fn a_partitioned_table_made_again_is_written_and_read_by_new_handles() {
    let connection = connect().await;
    let database = support::database(&connection, "recreated").await;
    for round in 0..3 {
        let log = make(&connection, &database, "log", &partitioned_log()).await;
        let writer = log.new_append().unwrap().create_writer().unwrap();
        for (id, partition) in [(0, "a"), (1, "b"), (2, "a")] {
            let appended = writer.append(&in_partition(id + round, partition)).unwrap();
            appended.await.unwrap();
        }
        let mut read = read_partitions(&connection, &log, 3).await;
        read.sort_unstable();
        assert_eq!(read, [round, round + 1, round + 2]);
        drop_table(&connection, &log).await;

        let kv = make(&connection, &database, "kv", &partitioned_kv()).await;
        let writer = kv.new_upsert().unwrap().create_writer().unwrap();
        let lookuper = kv.new_lookup().unwrap().create_lookuper().unwrap();
        for (id, partition) in [(0, "a"), (1, "b")] {
            let key = in_partition(id, partition);
            let found = lookuper.lookup(&key).await.unwrap();
            assert!(found.get_single_row().unwrap().is_none(), "{round}");
            writer.upsert(&key).unwrap().await.unwrap();
            let found = lookuper.lookup(&key).await.unwrap();
            assert!(found.get_single_row().unwrap().is_some(), "{round}");
        }
        drop_table(&connection, &kv).await;
    }
}

async fn read_partitions(
    connection: &FlussConnection,
    table: &FlussTable,
    count: usize,
) -> Vec<i64> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    let admin = connection.get_admin().await.unwrap();
    let partitions = admin
        .list_partition_infos(table.table_path())
        .await
        .unwrap();
    for partition in partitions {
        for bucket in 0..table.get_table_info().num_buckets() {
            let id = partition.partition_id();
            let subscribed = scanner.subscribe_partition(id, bucket, EARLIEST_OFFSET);
            subscribed.await.unwrap();
        }
    }
    let started = Instant::now();
    let mut read = Vec::new();
    while read.len() < count {
        assert!(started.elapsed() < PATIENCE, "{read:?}");
        let records = scanner.poll(Duration::from_secs(1)).await.unwrap();
        read.extend(records.into_iter().map(|record| record.row().get_long(0)));
    }
    read
}

pub(crate) async fn old_handles_of_a_table_made_again_say_not_found_at_once() {
    let connection = connect().await;
    let database = support::database(&connection, "old_handles").await;
    let descriptor = kv_table().bucket_count(2).build().unwrap();
    let old = make(&connection, &database, "kv", &descriptor).await;
    let writer = old.new_upsert().unwrap().create_writer().unwrap();
    let lookuper = old.new_lookup().unwrap().create_lookuper().unwrap();
    for id in 0..4 {
        writer.upsert(&row(id)).unwrap().await.unwrap();
    }
    let bucket = TableBucket::new(old.get_table_info().table_id(), 0);
    let scanner = old.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    drop_table(&connection, &old).await;
    let new = make(&connection, &database, "kv", &descriptor).await;
    let new_writer = new.new_upsert().unwrap().create_writer().unwrap();
    for id in 10..14 {
        new_writer.upsert(&row(id)).unwrap().await.unwrap();
    }

    not_found("a lookup", &old, lookuper.lookup(&key(1))).await;
    let limited = old.new_scan().limit(3).unwrap();
    let limited = limited.create_bucket_batch_scanner(bucket).unwrap();
    not_found("a limit scan", &old, limited.next_batch()).await;
    let until = scanner.read_until(OffsetSpec::Latest);
    not_found("read_until", &old, until).await;
    let upsert = async { writer.upsert(&row(5))?.await };
    not_found("an upsert", &old, upsert).await;
    let again = old.new_upsert().unwrap().create_writer().unwrap();
    let upsert = async { again.upsert(&row(6))?.await };
    not_found("an upsert by a new writer", &old, upsert).await;
    let whole = old.new_scan().create_log_scanner().unwrap();
    whole.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    not_found("a scan", &old, whole.poll(PATIENCE)).await;

    // The new table is none the worse for it.
    let lookuper = new.new_lookup().unwrap().create_lookuper().unwrap();
    let found = lookuper.lookup(&key(11)).await.unwrap();
    let found = found.get_single_row().unwrap().unwrap();
    assert_eq!(found.get_string(1), text(11));
    expect_rows(&read_all(&connection, &new, 4).await, 10..14);
}

pub(crate) async fn old_handles_of_a_partitioned_table_made_again_say_not_found_at_once() {
    let connection = connect().await;
    let database = support::database(&connection, "old_partitions").await;
    let old = make(&connection, &database, "kv", &partitioned_kv()).await;
    let writer = old.new_upsert().unwrap().create_writer().unwrap();
    let lookuper = old.new_lookup().unwrap().create_lookuper().unwrap();
    let written = writer.upsert(&in_partition(0, "a")).unwrap();
    written.await.unwrap();
    drop_table(&connection, &old).await;
    let new = make(&connection, &database, "kv", &partitioned_kv()).await;
    let new_writer = new.new_upsert().unwrap().create_writer().unwrap();
    let written = new_writer.upsert(&in_partition(1, "b")).unwrap();
    written.await.unwrap();

    for partition in ["a", "b", "c"] {
        let key = in_partition(0, partition);
        not_found(partition, &old, lookuper.lookup(&key)).await;
        let upsert = async { writer.upsert(&key)?.await };
        not_found(partition, &old, upsert).await;
    }
    // No old writer made a partition of the new table.
    let admin = connection.get_admin().await.unwrap();
    let partitions = admin.list_partition_infos(new.table_path()).await.unwrap();
    assert_eq!(partitions.len(), 1, "{partitions:?}");
}

pub(crate) async fn handles_of_a_dropped_table_say_not_found_at_once() {
    let connection = connect().await;
    let database = support::database(&connection, "dropped_handles").await;
    let descriptor = kv_table().bucket_count(2).build().unwrap();
    let old = make(&connection, &database, "kv", &descriptor).await;
    let writer = old.new_upsert().unwrap().create_writer().unwrap();
    writer.upsert(&row(1)).unwrap().await.unwrap();
    let lookuper = old.new_lookup().unwrap().create_lookuper().unwrap();
    lookuper.lookup(&key(1)).await.unwrap();
    let bucket = TableBucket::new(old.get_table_info().table_id(), 0);
    let scanner = old.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    drop_table(&connection, &old).await;

    let lookup = async {
        // Until the server has dropped its replica it may find the row.
        while lookuper.lookup(&key(1)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        lookuper.lookup(&key(1)).await
    };
    not_found("a lookup", &old, lookup).await;
    let limited = old.new_scan().limit(3).unwrap();
    let limited = limited.create_bucket_batch_scanner(bucket).unwrap();
    not_found("a limit scan", &old, limited.next_batch()).await;
    let until = scanner.read_until(OffsetSpec::Latest);
    not_found("read_until", &old, until).await;
}

fn key(id: i64) -> GenericRow<'static> {
    let mut key = GenericRow::new(1);
    key.set_field(0, id);
    key
}
